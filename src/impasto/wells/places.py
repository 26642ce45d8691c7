"""Where a well stands: its source, batch and plate, and its row and column on the plate."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.schema import InputError
from impasto.wells.columns import Codes, text

SITE_KEYS = (schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL, schema.SITE, schema.OBJECT)
"""The columns that tell the places of two rows apart, from the widest to the narrowest."""
_NAMED = 3


def keys_of_plate(obs: pd.DataFrame, /) -> list[str]:
    """The columns that tell plates apart.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    list[str]
        Source, batch and plate, as far as the table has them.

    """
    return [word for word in (schema.SOURCE, schema.BATCH, schema.PLATE) if word in obs]


def keys_of_group(obs: pd.DataFrame, by: str | None, /) -> list[str]:
    """The columns that name the groups of `by`.

    Parameters
    ----------
    obs
        Annotation of n rows.
    by
        `plate`, `batch`, `source` or any other column; None for one group of all rows.

    Returns
    -------
    list[str]
        From the widest: a plate's source and batch, a batch's source, where the table has them, and `by`. Empty for None.

    """
    if by is None:
        return []
    wider = {schema.PLATE: (schema.SOURCE, schema.BATCH), schema.BATCH: (schema.SOURCE,)}.get(by, ())
    # A column that says nothing in any row (images of one folder have no batch) is not written as an empty part of the name.
    return [*(word for word in wider if word in obs and text(obs[word]).notna().any()), by]


def groups(obs: pd.DataFrame, by: str | None, /) -> tuple[Codes, list[str]]:
    """The plate, batch or source of each well.

    A plate is named by source, batch and plate (`source_4/2021_04_26/BR00117010`), as far as the table has them. A batch is named by
    source and batch. So two experiments with a plate 1 have two plates.

    Parameters
    ----------
    obs
        Annotation of n rows.
    by
        `plate`, `batch`, `source` or any other column; None puts all rows into one group, named `""`.

    Returns
    -------
    codes : Codes
        (n,) of int. The index of each row's group in `names`.
    names : list[str]
        Sorted names of the groups.

    Raises
    ------
    InputError
        The table has no column `by`.

    """
    if by is None:
        return np.zeros(len(obs), dtype=np.intp), [""]
    if by not in obs:
        raise InputError(f"the profiles have no column {by!r}{schema.nearest(by, obs.columns)}; they have {schema.listed(obs.columns)}")
    columns = keys_of_group(obs, by)
    joined = obs[columns[0]].astype("string").fillna("")
    for column in columns[1:]:
        joined = joined + "/" + obs[column].astype("string").fillna("")
    codes, names = pd.factorize(joined.to_numpy(dtype=str), sort=True)
    return codes.astype(np.intp), [str(name) for name in names]


def plates(obs: pd.DataFrame, /) -> tuple[Codes, list[str]]:
    """The plate of each row, by source, batch and plate.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    codes : Codes
        (n,) of int. The index of each row's plate in `names`.
    names : list[str]
        Sorted names of the plates; one plate `""` in a table without plates.

    """
    return groups(obs, schema.PLATE if schema.PLATE in obs else None)


def plates_in_words(names: Collection[str], /) -> str:
    """Plates as a title names them.

    Parameters
    ----------
    names
        Of the plates, as `plates` gives them.

    Returns
    -------
    str
        Up to three by name, else how many; empty in a table without plates.

    """
    known = [own for name in names if (own := name.strip("/"))]
    return ", ".join(known) if len(known) <= _NAMED else f"{len(known)} plates"


def place(obs: pd.DataFrame, /) -> tuple[Codes, Codes]:
    """Row and column of each well on its plate.

    Parameters
    ----------
    obs
        Annotation of n rows, with the column `well`.

    Returns
    -------
    rows : Codes
        (n,) of int. From 0: `A01` is in row 0.
    columns : Codes
        (n,) of int. From 0: `A01` is in column 0.

    Raises
    ------
    InputError
        The table has no wells, or one is not written like `A01`.

    """
    if schema.WELL not in obs:
        raise InputError(f"the profiles have no column {schema.WELL!r}; they have {schema.listed(obs.columns)}")
    written, index_of_row = np.unique(obs[schema.WELL].astype(str).to_numpy(), return_inverse=True)
    parsed = np.array([schema.parse_well(well) for well in written], dtype=np.intp).reshape(-1, 2)
    return parsed[index_of_row, 0], parsed[index_of_row, 1]


def spots(obs: pd.DataFrame, /) -> Codes | None:
    """The place of each well on its plate, as one number.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    Codes or None
        (n,) equal for wells of one name; None where some row names no well.

    """
    if schema.WELL not in obs or obs[schema.WELL].isna().any():
        return None
    row, column = place(obs)
    return np.asarray(row * schema.COLUMNS + column, dtype=np.intp)


def row_names(obs: pd.DataFrame, /) -> npt.NDArray[np.str_]:
    """What tells each row from the others, whatever their order.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    npt.NDArray[np.str_]
        (n,) source, batch, plate, well and site, as far as the table has them; the index of a table without wells.

    """
    words = [word for word in SITE_KEYS if word in obs]
    if schema.WELL not in obs:
        return obs.index.to_numpy(dtype=str)
    return np.array(["|".join(row) for row in obs[words].astype(str).itertuples(index=False)], dtype=str)


def ranks(obs: pd.DataFrame, /) -> Codes:
    """The rank of each row by its name.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    Codes
        (n,) from 0. Rows of one name keep the order that they have.

    """
    rank = np.empty(len(obs), dtype=np.intp)
    rank[np.argsort(row_names(obs), kind="stable")] = np.arange(len(obs))
    return rank
