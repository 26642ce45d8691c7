"""Columns of yes and no that say what kind of well a row is (`Control`, `Vehicle`, `is_negcon`, `Positivkontrolle`)."""

from __future__ import annotations

import re
from collections.abc import Collection

import pandas as pd

from impasto import schema
from impasto.wells.columns import text
from impasto.wells.kind import is_negative
from impasto.wells.words import KIND_OF_WORD, SAYS_NOTHING, kind_of_word, only_letters, spelled_out

_YES = {"true", "t", "yes", "y", "1", "1.0", "x", "ja", "j", "wahr", "oui", "vrai"}
_NO = {"false", "f", "no", "n", "0", "0.0", "nein", "falsch", "non", "faux"}
FLAGS = {f"is_{kind}": kind for kind in (schema.NEGCON, schema.POSCON, schema.EMPTY, schema.TRT)}
"""Columns of yes and no -> the kind of a well that says yes. One that says no only says what a well is not."""
IS_CONTROL = "is_control"
"""The column of yes and no that does not say which control a well is."""
_ALONE = {"control", "kontrolle", "controle", "temoin"}
_TREATED = {"treated", "trt", "behandelt", "traite"}
"""The headings of `is_trt`: a column `Test` or `Library` may say something else."""
_SHORTEST = 4
"""A heading of fewer letters (`Pos`, `NC`) may mean something else where its column holds 1 and 0."""


def flag_of(heading: str, values: Collection[object], /) -> str | None:
    """The word for a column of yes and no whose heading names a kind of well.

    Parameters
    ----------
    heading
        As a laboratory writes it: `Control`, `is_control`, `Vehicle`, `Neg control`, `Positivkontrolle`.
    values
        The different values of the column, without the missing ones.

    Returns
    -------
    str | None
        A word of `FLAGS`, or `is_control`; None where the heading names no kind, or the values are not yes and no.

    """
    letters = re.sub(r"^(?:is|ist|est)(?=.{3})", "", only_letters(heading))
    spelling = spelled_out(letters)
    kind = KIND_OF_WORD.get(letters) or KIND_OF_WORD.get(spelling)
    word = IS_CONTROL if spelling in _ALONE else f"is_{kind}"
    if word not in (*FLAGS, IS_CONTROL) or (kind == schema.TRT and letters not in _TREATED):
        return None
    answers = {str(value).strip().lower() for value in values} - SAYS_NOTHING
    if answers <= {"0", "1", "0.0", "1.0"}:
        return word if len(answers) == 2 and len(letters) >= _SHORTEST else None
    # `T` alone may as well stand for `treated`, and `C` beside it for `control`.
    yes_and_no = answers <= _YES | _NO and answers != {"t"}
    return word if yes_and_no or any(len(answer) > 1 for answer in answers & _YES) else None


def kinds_of_flags(obs: pd.DataFrame, unknown_words: dict[str, dict[str, int]], /) -> tuple[pd.Series, pd.Series]:
    """The kinds that columns of yes and no say.

    Parameters
    ----------
    obs
        Annotation of n rows.
    unknown_words
        Column -> word -> number of rows; what these columns hold beside yes and no is added.

    Returns
    -------
    kinds : pd.Series
        (n,) of string. Missing where no column says yes; `unknown` where two say different kinds.
    unclear : pd.Series
        (n,) of bool. Rows where a column holds another word, and rows that are said not to be treated.

    """
    kinds = pd.Series(pd.NA, index=obs.index, dtype="string")
    unclear = pd.Series(False, index=obs.index)
    for word in [word for word in (*FLAGS, IS_CONTROL) if word in obs]:
        answers = text(obs[word]).str.strip().str.lower()
        odd = answers.notna() & ~answers.isin(_YES | _NO)
        unclear |= odd
        if word != IS_CONTROL:
            yes = answers.isin(_YES).fillna(False)
            both = yes & kinds.notna()
            kinds = kinds.mask(yes, FLAGS[word]).mask(both, schema.UNKNOWN)
            odd |= both
        if FLAGS.get(word) == schema.TRT:
            # What is not treated and has no other word is not known.
            unclear |= answers.isin(_NO).fillna(False)
        count_words(unknown_words, word, obs[word], odd)
    return kinds, unclear


def with_controls(obs: pd.DataFrame, kinds: pd.Series, unknown_words: dict[str, dict[str, int]], /) -> pd.Series:
    """The kinds with the wells that `is_control` calls controls: negative ones, unless their names or another column speak against it.

    Parameters
    ----------
    obs
        Annotation of n rows, with the column `is_control`.
    kinds
        (n,) what other columns say, missing where they say nothing.
    unknown_words
        Column -> word -> number of rows; controls of which it is not known whether they are negative are added.

    Returns
    -------
    pd.Series
        (n,) of string. Such controls are `unknown`.

    """
    yes = text(obs[IS_CONTROL]).str.strip().str.lower().isin(_YES).fillna(False)
    names = next((text(obs[word]) for word in (schema.PERTURBATION_NAME, schema.PERTURBATION) if word in obs), None)
    without_kind = yes & kinds.isna()
    odd = yes & (kinds == schema.TRT).fillna(False)
    if names is not None and len(names[without_kind].dropna().unique()) > 1:
        # Of several substances some may be positive controls: only a name that means a negative one is taken.
        negative_names = [name for name in names.dropna().unique() if is_negative(kind_of_word(name))]
        odd |= without_kind & names.notna() & ~names.isin(negative_names)
    count_words(unknown_words, IS_CONTROL, obs[IS_CONTROL], odd)
    return kinds.mask(without_kind, schema.NEGCON).mask(odd, schema.UNKNOWN)


def count_words(unknown_words: dict[str, dict[str, int]], column: str, written: pd.Series, not_known: pd.Series, /) -> None:
    """Add the words of some rows, with their counts, under the name of their column.

    Parameters
    ----------
    unknown_words
        Column -> word -> number of rows; changed.
    column
        The name of the column.
    written
        (n,) what stands in it.
    not_known
        (n,) the rows that are counted.

    """
    if not_known.any():
        counts = written[not_known.to_numpy(dtype=bool)].astype("string").value_counts()
        unknown_words[column] = {str(word): int(n) for word, n in counts.items()}
