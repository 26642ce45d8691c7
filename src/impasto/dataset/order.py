"""The order of a dataset: plates by source, batch and plate, rows by well and site; and the file that a plate has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import outputs, schema, wells
from impasto.schema import InputError
from impasto.wells.columns import text

FOLDER = "members"
_NONE = "_"
"""Stands for a source or a batch that is not known."""
_LONGEST = 140
"""Bytes of a name of a file or folder, with room for what a temporary name adds."""


class Key(NamedTuple):
    """What tells a plate apart; `""` where source or batch is not known."""

    source: str
    batch: str
    plate: str

    @property
    def name(self) -> str:
        """The plate in words: `source/batch/plate`, as far as those are known."""
        return "/".join(filter(None, self))


KEYS = Key._fields


def file_of(key: Key, /) -> str:
    """The file of a plate, from the folder of its dataset.

    Parameters
    ----------
    key
        The plate.

    Returns
    -------
    str
        `members/SOURCE/BATCH/PLATE.parquet`, names percent-encoded.

    Raises
    ------
    InputError
        A name is too long for a file.

    """
    parts = [_encoded(key.source), _encoded(key.batch), _encoded(key.plate, suffix=".parquet")]
    longest = max(parts, key=len)
    if len(longest) > _LONGEST:
        raise InputError(f"the name {longest[:40]}... of a plate has {len(longest)} letters, at most {_LONGEST} fit into a file's name")
    return f"{FOLDER}/{parts[0]}/{parts[1]}/{parts[2]}.parquet"


def _encoded(name: str, *, suffix: str = "") -> str:
    if name in ("", _NONE):
        return _NONE if not name else "%5F"
    # A name that begins with a point would be hidden.
    encoded = quote(name, safe=" +,@=()")
    encoded = f"%2E{encoded[1:]}" if encoded.startswith(".") else encoded
    if outputs.is_name_on_windows(encoded + suffix):
        return encoded
    # A point or a space at its end, or a device: `CON`.
    return f"{encoded[:-1]}%{ord(encoded[-1]):02X}" if encoded[-1] in ". " else f"%{ord(encoded[0]):02X}{encoded[1:]}"


def codes_of(obs: pd.DataFrame, /, *, task: str, named: bool = True) -> tuple[npt.NDArray[np.intp], list[Key]]:
    """The plate of each row.

    Parameters
    ----------
    obs
        Annotation of n rows.
    task
        What needs the plates, as an error sentence begins.
    named
        Whether each row has to name its plate; else those that do not are one plate.

    Returns
    -------
    codes : npt.NDArray[np.intp]
        (n,) the number of each row's plate in `keys`.
    keys : list[Key]
        The plates, sorted.

    Raises
    ------
    InputError
        There is no column `plate`, or a row names none.

    """
    wells.require(obs, [schema.PLATE], task=task)
    columns = [_text(obs[word]) if word in obs else np.full(len(obs), "", dtype=object) for word in KEYS]
    if named and (columns[-1] == "").any():
        raise InputError(f"{task}: {int((columns[-1] == '').sum())} of {len(obs)} rows name no plate; give each row its plate")
    frame = pd.DataFrame(dict(zip(KEYS, columns, strict=True)))
    grouped = frame.groupby(list(KEYS), sort=True, observed=True)
    keys = [Key(*map(str, name)) for name in grouped.groups]
    return grouped.ngroup().to_numpy(dtype=np.intp), keys


def _text(column: pd.Series) -> npt.NDArray[np.object_]:
    return text(column).fillna("").to_numpy(dtype=object)


def key_of(obs: pd.DataFrame, /, *, named: bool = True) -> Key:
    """The plate that all of these rows stand on.

    Parameters
    ----------
    obs
        Annotation of the rows of one plate.
    named
        Whether it has to have a name; else the name may be `""`.

    Returns
    -------
    Key
        The plate.

    Raises
    ------
    InputError
        They stand on several, or name none.

    """
    if not named and schema.PLATE not in obs:
        return Key("", "", "")
    _, keys = codes_of(obs, task="a plate of a dataset", named=named)
    if len(keys) != 1:
        raise InputError(f"a file of a dataset holds one plate, and these {len(obs)} rows stand on {len(keys)}")
    return keys[0]


def sorted_rows(obs: pd.DataFrame, /) -> npt.NDArray[np.intp]:
    """The order of the rows of one plate in a dataset.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    npt.NDArray[np.intp]
        (n,) row numbers, by well, site and cell as far as these are known. Rows of one place stay in their order.

    """
    words = [word for word in (schema.OBJECT, schema.SITE, schema.WELL) if word in obs]
    if not words:
        return np.arange(len(obs), dtype=np.intp)
    return np.lexsort([_sortable(obs[word]) for word in words]).astype(np.intp)


def _sortable(column: pd.Series) -> npt.NDArray[np.generic]:
    """Numbers as numbers, also where they are written as text; other text by its letters."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=float, na_value=np.nan)
    words = column.astype("string").fillna("")
    numbers = pd.to_numeric(words, errors="coerce")
    return numbers.to_numpy(dtype=float) if numbers.notna().all() else words.to_numpy(dtype=str)


def plates_of(profiles: anndata.AnnData, /, *, task: str = "a dataset", named: bool = True) -> Iterator[anndata.AnnData]:
    """The plates of a table one after the other, in the order of a dataset.

    Parameters
    ----------
    profiles
        n profiles.
    task
        What needs the plates, as an error sentence begins.
    named
        Whether each row has to name its plate; else those that do not are one plate.

    Yields
    ------
    anndata.AnnData
        The rows of a plate, in order; the table itself where it is that already.

    Raises
    ------
    InputError
        There is no column `plate`, or a row names none.

    """
    for chosen in _rows_of_plates(profiles.obs, task=task, named=named):
        yield profiles if np.array_equal(chosen, np.arange(profiles.n_obs)) else profiles[chosen].copy()


def rows_in_order(obs: pd.DataFrame, /) -> npt.NDArray[np.intp]:
    """All rows of a table in the order of a dataset.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    npt.NDArray[np.intp]
        (n,) row numbers, plate after plate; as they are in a table without plates.

    """
    if schema.PLATE not in obs:
        return np.arange(len(obs), dtype=np.intp)
    return np.concatenate([*_rows_of_plates(obs, task="a dataset", named=False), np.zeros(0, dtype=np.intp)])


def _rows_of_plates(obs: pd.DataFrame, *, task: str, named: bool) -> Iterator[npt.NDArray[np.intp]]:
    codes, keys = codes_of(obs, task=task, named=named)
    order = np.argsort(codes, kind="stable")
    for rows in np.split(order, np.cumsum(np.bincount(codes, minlength=len(keys)))[:-1]):
        yield rows[sorted_rows(obs.iloc[rows])]
