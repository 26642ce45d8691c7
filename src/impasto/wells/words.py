"""What laboratories write for the kinds of wells (`ctl_vehicle`, `Neg. Ctrl`, `DMSO`), and the kinds that they mean."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from impasto import schema
from impasto.schema import InputError
from impasto.wells.columns import text
from impasto.wells.kind import named

WORDS_OF_KINDS: dict[str, tuple[str, ...]] = {
    schema.NEGCON: (
        *("negcon", "negcontrol", "negativecontrol", "negative", "neg", "nc", "control", "vehicle", "vehiclecontrol"),
        *("controlvehicle", "ctlvehicle", "ctlvector", "ctluntrt", "dmso", "dmsocontrol", "solvent", "solventcontrol", "untreated"),
        *("untreatedcontrol", "mock", "mockcontrol", "neutralcontrol", "nontargeting", "nontargetingcontrol", "nontargetingguide"),
        *("ntc", "noguide", "scramble", "scrambled", "scrambledcontrol", "emptyvector", "emptycontrol", "lowcontrol"),
    ),
    schema.POSCON: ("poscon", "poscontrol", "positivecontrol", "positive", "pos", "pc", "highcontrol"),
    schema.TRT: (
        *("trt", "trtcp", "trtsh", "trtoe", "trtxpr", "trtlig", "trtcompound", "treatment", "treated", "sample", "test", "testcompound"),
        *("experimental", "compound", "library", "librarycompound", "crispr", "orf", "sirna"),
    ),
    schema.EMPTY: ("empty", "blank", "nocell", "noreagent", "media", "mediaonly", "background", "unused"),
    schema.UNKNOWN: ("unknown",),
}
"""What laboratories write for each kind of well: letters only, lower case, `control` spelled out, in the singular, without `well`."""
_SHORT = re.compile(r"(?:cntrl|ctrl|ctl)$")
_ENDING = re.compile(r"(?<!^)(?:wells?|s)$")
_KIND_BY_WORD = {word: kind for kind, words in WORDS_OF_KINDS.items() for word in words}
SAYS_NOTHING = frozenset({"", "none", "na", "nan", "null"})
"""What a column of kinds holds where it says nothing, lower case."""
_YES, _NO = {"true", "t", "yes", "y", "1", "1.0"}, {"false", "f", "no", "n", "0", "0.0"}
IS_NEGCON = "is_negcon"
"""A laboratory's column that says yes or no: is this well a negative control?"""
_NAME_COLUMNS = (schema.PERTURBATION_NAME, schema.PERTURBATION, schema.GENE)


def kind_of_word(word: str, /) -> str | None:
    """The kind of well that a laboratory's word means (`ctl_vehicle` -> `negcon`, `poscon_cp` -> `poscon`).

    Parameters
    ----------
    word
        A word of a column of control types or perturbation types.

    Returns
    -------
    str or None
        `negcon`, `poscon`, `trt`, `empty` or `unknown`; None where the word is not known.

    """
    letters = re.sub(r"[^a-z]", "", word.lower())
    for spelling in (letters, _SHORT.sub("control", _ENDING.sub("", letters))):
        if spelling in _KIND_BY_WORD:
            return _KIND_BY_WORD[spelling]
    first = re.split(r"[^a-z]", word.strip().lower())[0]
    return first if first in (schema.NEGCON, schema.POSCON, schema.TRT, schema.EMPTY) else None


def kinds_from_words(obs: pd.DataFrame, /) -> tuple[pd.Series | None, dict[str, dict[str, int]]]:
    """The kind of each well, from the words of is_negcon, control_type and perturbation_type, in this order.

    Parameters
    ----------
    obs
        Annotation of n rows as the laboratory wrote it, its columns in the words of `schema`.

    Returns
    -------
    kinds : Series of string, shape (n,), or None
        `negcon`, `poscon`, `trt`, `empty` or `unknown`; None where no column says anything. A word that is not known makes
        `unknown`. A row without a word is treated where its perturbation is named, else unknown.
    unknown_words : dict of str to dict
        Column -> word that is not known -> number of rows that hold it.

    """
    kind_of_row = pd.Series(pd.NA, index=obs.index, dtype="string")
    unknown_words: dict[str, dict[str, int]] = {}
    any_word = False
    if IS_NEGCON in obs:
        # A column that says yes decides; one that says no only says what a well is not.
        answers = text(obs[IS_NEGCON]).str.strip().str.lower()
        neither = answers.notna() & ~answers.isin(_YES | _NO)
        kind_of_row = kind_of_row.mask(answers.isin(_YES).fillna(False), schema.NEGCON)
        any_word = bool(answers.notna().any())
        _count(unknown_words, IS_NEGCON, obs[IS_NEGCON], neither)
    for column in (schema.CONTROL_TYPE, schema.PERTURBATION_TYPE):
        if column not in obs:
            continue
        words = text(obs[column]).str.strip()
        words = words.mask(words.str.lower().isin(SAYS_NOTHING))
        meant = words.map(kind_of_word, na_action="ignore").astype("string")
        if column == schema.PERTURBATION_TYPE and not _names_controls(words):
            continue
        any_word = any_word or bool(words.notna().any())
        not_known = words.notna() & meant.isna() & kind_of_row.isna()
        _count(unknown_words, column, obs[column], not_known)
        kind_of_row = kind_of_row.fillna(meant.mask(not_known, schema.UNKNOWN))
    if IS_NEGCON in unknown_words:
        kind_of_row = kind_of_row.mask(kind_of_row.isna() & neither, schema.UNKNOWN)
    if not any_word:
        return None, unknown_words
    has_name = pd.Series(named(obs), index=obs.index)
    without_word = pd.Series(np.where(has_name, schema.TRT, schema.UNKNOWN), index=obs.index, dtype="string")
    unnamed = kind_of_row.isin([schema.TRT, schema.POSCON]).fillna(False) & ~has_name
    return kind_of_row.fillna(without_word).mask(unnamed, schema.UNKNOWN), unknown_words


def _names_controls(words: pd.Series) -> bool:
    """Whether a column of perturbation types also names controls (`trt_cp`, `ctl_vehicle`), and not only `compound` and `orf`."""
    written = [str(word) for word in words.dropna().unique()]
    return any(kind_of_word(word) and re.sub(r"[^a-z]", "", word.lower()) not in schema.PERTURBATION_TYPES for word in written)


def _count(unknown_words: dict[str, dict[str, int]], column: str, written: pd.Series, not_known: pd.Series) -> None:
    """Add the words of the rows `not_known`, with their counts, under the name of their column."""
    if not_known.any():
        counts = written[not_known.to_numpy(dtype=bool)].astype("string").value_counts()
        unknown_words[column] = {str(word): int(n) for word, n in counts.items()}


def mark_negative(obs: pd.DataFrame, names: Sequence[str], /, *, where: str) -> pd.DataFrame:
    """Mark the wells of these names as negative controls (`--negcon DMSO`).

    Parameters
    ----------
    obs
        Annotation of n rows.
    names
        Names of perturbations or genes; upper and lower case are one.
    where
        The table, as the error sentence begins.

    Returns
    -------
    DataFrame
        A copy of `obs` whose control type is `negcon` in the rows of these names.

    Raises
    ------
    InputError
        No well has one of the names.

    """
    columns = [word for word in _NAME_COLUMNS if word in obs]
    marked = np.zeros(len(obs), dtype=bool)
    for name in names:
        of_name = np.zeros(len(obs), dtype=bool)
        for column in columns:
            of_name |= (text(obs[column]).str.strip().str.lower() == name.strip().lower()).fillna(False).to_numpy(dtype=bool)
        if not of_name.any():
            known = sorted({str(v) for column in columns for v in obs[column].dropna().unique()})
            raise InputError(
                f"{where}: no well is named {name!r}{schema.nearest(name, known)}; --negcon takes the name of a perturbation; "
                f"the first names are {schema.listed(known[:5])}"
            )
        marked |= of_name
    control = obs[schema.CONTROL_TYPE].astype("string") if schema.CONTROL_TYPE in obs else pd.Series(pd.NA, index=obs.index, dtype="string")
    return obs.assign(**{schema.CONTROL_TYPE: control.mask(marked, schema.NEGCON)})


def likely_negative(obs: pd.DataFrame, /) -> dict[str, int]:
    """Names that usually mean a negative control (`DMSO`, `non-targeting`): to offer, never to assume.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    dict of str to int
        Name -> number of rows that have it, from the first column of names that holds one.

    """
    for column in _NAME_COLUMNS:
        if column in obs:
            counts = text(obs[column]).value_counts()
            likely = {str(name): int(n) for name, n in counts.items() if kind_of_word(str(name)) == schema.NEGCON and len(str(name)) > 2}
            if likely:
                return likely
    return {}
