"""Which wells have one source token: those of one source, batch or plate, by the name that `wells.groups` gives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells

AUTO = "auto"


def column(obs: pd.DataFrame, by: str, /) -> str:
    """The column of the source tokens.

    Parameters
    ----------
    obs
        Annotation of n rows.
    by
        A column, or `auto`: the batch where a source of several holds several batches, else the first of source, batch, plate that holds
        several values.

    Returns
    -------
    str
        A name of a column, which the table may lack.

    """
    candidates = [word for word in (schema.SOURCE, schema.BATCH, schema.PLATE) if word in obs]
    if by != AUTO or not candidates:
        return schema.SOURCE if by == AUTO else by
    several = [word for word in candidates if len(obs[word].dropna().unique()) > 1]
    if {schema.SOURCE, schema.BATCH} <= set(several) and _batches_within(obs):
        return schema.BATCH
    return next(iter(several), candidates[0])


def _batches_within(obs: pd.DataFrame) -> bool:
    """Whether a source holds several batches."""
    pairs = obs[[schema.SOURCE, schema.BATCH]].dropna().drop_duplicates()
    return bool(pairs[schema.SOURCE].duplicated().any())


def names(obs: pd.DataFrame, facts: Mapping[str, Any], /) -> npt.NDArray[np.str_]:
    """The source of each row, as a run names it.

    Parameters
    ----------
    obs
        Annotation of n rows.
    facts
        Of the run: `by`, and `source_keys`, the columns that name a source. A run of 0.1.0 has only `by`.

    Returns
    -------
    npt.NDArray[np.str_]
        (n,) of str. The source of each row.

    Raises
    ------
    InputError
        The annotation has no column `by`.

    """
    by, keys = facts["by"], facts.get("source_keys", [facts["by"]])
    codes, known = wells.groups(obs[[key for key in keys if key in obs]] if by in obs else obs, by)
    return np.asarray(known, dtype=str)[codes]
