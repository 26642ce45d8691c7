"""What laboratories write for the kinds of wells (`ctl_vehicle`, `Neg. Ctrl`, `DMSO`), and the kinds that they mean."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from impasto import schema
from impasto.schema import InputError
from impasto.wells.columns import text
from impasto.wells.kind import is_negative

WORDS_OF_KINDS: dict[str, tuple[str, ...]] = {
    schema.NEGCON: (
        *("negcon", "negcontrol", "negativecontrol", "negative", "neg", "nc", "control", "vehicle", "vehiclecontrol"),
        *("controlvehicle", "ctlvehicle", "ctlvector", "ctluntrt", "dmso", "dmsocontrol", "solvent", "solventcontrol", "untreated"),
        *("untreatedcontrol", "mock", "mockcontrol", "neutralcontrol", "nontargeting", "nontargetingcontrol", "nontargetingguide"),
        *("ntc", "noguide", "scramble", "scrambled", "scrambledcontrol", "emptyvector", "emptycontrol", "lowcontrol"),
        *("kontrolle", "negativkontrolle", "negativ", "losungsmittel", "losungsmittelkontrolle", "unbehandelt", "temoin", "temoinnegatif"),
        *("controle", "controlenegatif", "negatif", "vehicule", "solvant", "nontraite"),
    ),
    schema.POSCON: (
        *("poscon", "poscontrol", "positivecontrol", "positive", "pos", "pc", "highcontrol", "positivkontrolle", "positiv"),
        *("temoinpositif", "controlepositif", "positif"),
    ),
    schema.TRT: (
        *("trt", "trtcp", "trtsh", "trtoe", "trtxpr", "trtlig", "trtcompound", "treatment", "treated", "sample", "test", "testcompound"),
        *("experimental", "compound", "library", "librarycompound", "crispr", "orf", "sirna"),
        *("probe", "behandelt", "verbindung", "substanz", "echantillon", "traite", "compose"),
    ),
    schema.EMPTY: (
        *("empty", "blank", "nocell", "noreagent", "media", "mediaonly", "background", "unused", "leer", "leerwert", "vide", "blanc"),
    ),
    schema.UNKNOWN: ("unknown", "unbekannt", "inconnu"),
}
"""What laboratories write for each kind of well: letters only, lower case, `control` spelled out, in the singular, without `well`."""
_SHORT = re.compile(r"(?:cntrl|ctrl|ctl)$")
_ENDING = re.compile(r"(?<!^)(?:wells?|s)$")
KIND_OF_WORD = {word: kind for kind, words in WORDS_OF_KINDS.items() for word in words}
"""Each of these words -> its kind."""
SAYS_NOTHING = frozenset({"", "none", "na", "nan", "null"})
"""What a column of kinds holds where it says nothing, lower case."""
_NAME_COLUMNS = (schema.PERTURBATION_NAME, schema.PERTURBATION, schema.GENE)


def kind_of_word(word: str, /) -> str | None:
    """The kind of well that a laboratory's word means (`ctl_vehicle` -> `negcon`, `poscon_cp` -> `poscon`).

    Parameters
    ----------
    word
        A word of a column of control types or perturbation types.

    Returns
    -------
    str | None
        `negcon`, `poscon`, `trt`, `empty` or `unknown`; None where the word is not known.

    """
    letters = only_letters(word)
    for spelling in (letters, spelled_out(letters)):
        if spelling in KIND_OF_WORD:
            return KIND_OF_WORD[spelling]
    first = re.split(r"[^a-z]", word.strip().lower())[0]
    return first if first in (schema.NEGCON, schema.POSCON, schema.TRT, schema.EMPTY) else None


def only_letters(word: str, /) -> str:
    """The letters of a word, as words are compared.

    Parameters
    ----------
    word
        A word as a laboratory wrote it.

    Returns
    -------
    str
        Its letters without accents, in lower case.

    """
    return re.sub(r"\d", "", schema.letters(word))


def spelled_out(letters: str, /) -> str:
    """The word in the singular, without `well`, with `control` spelled out.

    Parameters
    ----------
    letters
        What `only_letters` gave.

    Returns
    -------
    str
        The spelling that `WORDS_OF_KINDS` may list.

    """
    return _SHORT.sub("control", _ENDING.sub("", letters))


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
    pd.DataFrame
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
    dict[str, int]
        Name -> number of rows that have it, from the first column of names that holds one.

    """
    for column in _NAME_COLUMNS:
        if column in obs:
            counts = text(obs[column]).value_counts()
            likely = {str(name): int(n) for name, n in counts.items() if is_negative(kind_of_word(str(name))) and len(str(name)) > 2}
            if likely:
                return likely
    return {}
