"""Columns of an annotation: as text, and required ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.schema import InputError

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.intp]


def text(column: pd.Series, /) -> pd.Series:
    """A column as text. An empty string counts as missing, because .h5ad and .zarr hold no missing strings.

    Parameters
    ----------
    column
        (n,) values of any type.

    Returns
    -------
    pd.Series
        (n,) of string. The same index. Missing where the column is missing or empty.

    """
    return column.astype("string").replace("", pd.NA)


def require(obs: pd.DataFrame, words: Sequence[str], /, *, task: str) -> None:
    """Check that the annotation has these columns.

    Parameters
    ----------
    obs
        Annotation of n rows.
    words
        Names of columns.
    task
        What needs the columns, as the error sentence begins.

    Raises
    ------
    InputError
        A column is missing. The sentence names the first one.

    """
    missing = [word for word in words if word not in obs]
    if missing:
        raise InputError(
            f"{task} needs the column {missing[0]!r}, and the profiles have {schema.listed(obs.columns)}; "
            f"say which it is with --set columns.{missing[0]}=NAME"
        )
