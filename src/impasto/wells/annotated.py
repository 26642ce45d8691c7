"""The kind of each well, from all that a laboratory wrote: columns of yes and no, control types, perturbation types."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impasto import schema
from impasto.wells import flags
from impasto.wells.columns import text
from impasto.wells.flags import FLAGS, IS_CONTROL, count_words
from impasto.wells.kind import named
from impasto.wells.words import SAYS_NOTHING, kind_of_word, only_letters


def kinds_from_words(obs: pd.DataFrame, /) -> tuple[pd.Series | None, dict[str, dict[str, int]]]:
    """The kind of each well, from columns of yes and no (`FLAGS`), control_type, perturbation_type, and is_control, in this order.

    Parameters
    ----------
    obs
        Annotation of n rows as the laboratory wrote it, its columns in the words of `schema`.

    Returns
    -------
    kinds : pd.Series | None
        (n,) of string. `negcon`, `poscon`, `trt`, `empty` or `unknown`; None where no column says anything. A word that is not known makes
        `unknown`. A row without a word is treated where its perturbation is named, else unknown.
    unknown_words : dict[str, dict[str, int]]
        Column -> word that is not known -> number of rows that hold it.

    """
    unknown_words: dict[str, dict[str, int]] = {}
    kind_of_row, unclear = flags.kinds_of_flags(obs, unknown_words)
    any_word = any(obs[word].notna().any() for word in (*FLAGS, IS_CONTROL) if word in obs)
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
        count_words(unknown_words, column, obs[column], not_known)
        kind_of_row = kind_of_row.fillna(meant.mask(not_known, schema.UNKNOWN))
    kind_of_row = kind_of_row.mask(kind_of_row.isna() & unclear, schema.UNKNOWN)
    if IS_CONTROL in obs:
        kind_of_row = flags.with_controls(obs, kind_of_row, unknown_words)
    if not any_word:
        return None, unknown_words
    has_name = pd.Series(named(obs), index=obs.index)
    without_word = pd.Series(np.where(has_name, schema.TRT, schema.UNKNOWN), index=obs.index, dtype="string")
    unnamed = kind_of_row.isin([schema.TRT, schema.POSCON]) & ~has_name
    return kind_of_row.fillna(without_word).mask(unnamed, schema.UNKNOWN), unknown_words


def _names_controls(words: pd.Series) -> bool:
    """Whether a column of perturbation types also names controls (`trt_cp`, `ctl_vehicle`), and not only `compound` and `orf`."""
    written = [str(word) for word in words.dropna().unique()]
    return any(kind_of_word(word) and only_letters(word) not in schema.PERTURBATION_TYPES for word in written)
