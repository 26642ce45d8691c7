"""What a well may be used for: to learn from, or only to judge."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impasto import schema
from impasto.wells.columns import Flags
from impasto.wells.kind import negative

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = (TRAIN, VALIDATION, TEST)
"""The words of the column `split`."""
USES = (schema.SPARED, schema.SPLIT)
"""The columns that say what a well may be used for."""


def spared(obs: pd.DataFrame, /) -> Flags:
    """Negative controls that no correction has learned from.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    Flags
        (n,) of bool. True where the column `spared` says so; all False without that column.

    """
    if schema.SPARED not in obs:
        return np.zeros(len(obs), dtype=bool)
    # A CSV or a column with gaps holds it as text.
    return obs[schema.SPARED].astype("string").str.lower().isin(["true", "1", "1.0"]).to_numpy(dtype=bool)


def unseen_negative(obs: pd.DataFrame, /) -> Flags:
    """The negative controls that may judge a score: the spared ones where some are spared, else all.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    Flags
        (n,) of bool. True for these controls.

    """
    controls, unseen = negative(obs), spared(obs)
    return controls & unseen if (controls & unseen).any() else controls


def held_out(obs: pd.DataFrame, /) -> Flags:
    """Wells that the column `split` keeps out of each training and each fit.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    Flags
        (n,) of bool. True where `split` is not `train`, a missing value included; all False without that column.

    """
    if schema.SPLIT not in obs:
        return np.zeros(len(obs), dtype=bool)
    return (obs[schema.SPLIT].astype("string").fillna("") != TRAIN).to_numpy(dtype=bool)


def learnable(obs: pd.DataFrame, /) -> Flags:
    """Wells that a correction may learn from: neither spared nor held out.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    Flags
        (n,) of bool. True for these wells.

    """
    return ~spared(obs) & ~held_out(obs)
