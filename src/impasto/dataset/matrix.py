"""The rows of all plates in one mapped file, read a page at a time and never held by the process.

cache/values.CONTENT8.npy     (rows, features) float32, as the members hold them
cache/matrix.CONTENT8.npy     the same, each row of length 1, for cosines; a row of zeros, or with a missing value, is zeros
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import anndata
import numpy as np
import numpy.typing as npt

from impasto import commit_point, whole

Floats = npt.NDArray[np.float32]
_NOT_OURS = (errno.EACCES, errno.EPERM, errno.EROFS)


class Plates(Protocol):
    """What is read of an opened dataset."""

    @property
    def folder(self) -> Path:
        """Where it lies."""

    @property
    def content(self) -> str:
        """A digest of all values."""

    @property
    def n_obs(self) -> int:
        """How many rows."""

    @property
    def n_vars(self) -> int:
        """How many features."""

    @property
    def offsets(self) -> npt.NDArray[np.intp]:
        """Where the rows of each plate begin, and the number of all rows."""

    def __iter__(self) -> Iterator[anndata.AnnData]: ...


def unit_rows(plates: Plates, /) -> Floats:
    """All rows at unit length, mapped; the file is made when it is first asked for.

    Parameters
    ----------
    plates
        An opened dataset.

    Returns
    -------
    Floats
        (n, d), read-only, in the order of `plates.obs`.

    """
    return _mapped(plates, "matrix", _unit)


def rows(plates: Plates, /) -> Floats:
    """All rows as they are, mapped; the file is made when it is first asked for.

    Parameters
    ----------
    plates
        An opened dataset.

    Returns
    -------
    Floats
        (n, d), read-only, in the order of `plates.obs`.

    """
    return _mapped(plates, "values", lambda own: own)


def _mapped(plates: Plates, name: str, made: Callable[[Floats], Floats]) -> Floats:
    """The file in `cache/`, made where it is not there; a scratch file of a folder that may not be written."""
    folder = plates.folder / commit_point.CACHE
    path = folder / f"{name}.{plates.content[:8]}.npy"
    if path.is_file():
        return np.load(path, mmap_mode="r", allow_pickle=False)
    try:
        for other in folder.glob(f"{name}.*.npy"):
            other.unlink()  # of values that are not here any more
        with whole.replacing(path) as temporary:
            _write(plates, temporary, made)
    except OSError as error:
        if error.errno not in _NOT_OURS:
            raise
        with tempfile.NamedTemporaryFile(suffix=".npy") as handle:
            _write(plates, Path(handle.name), made)
            return np.load(handle.name, mmap_mode="r", allow_pickle=False)
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _write(plates: Plates, path: Path, made: Callable[[Floats], Floats]) -> None:
    # Plain integers: with a NumPy integer in its shape the header of the file could not be read.
    shape = (int(plates.n_obs), int(plates.n_vars))
    if 0 in shape:
        np.save(path, np.empty(shape, dtype=np.float32), allow_pickle=False)
        return
    held = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    for number, plate in enumerate(plates):
        held[plates.offsets[number] : plates.offsets[number + 1]] = made(np.asarray(plate.X))
    held.flush()
    del held


def _unit(own: Floats) -> Floats:
    known = np.asarray(np.isfinite(own).all(axis=1))
    length = np.linalg.norm(np.where(known[:, None], own, 0.0), axis=1)
    usable = np.asarray(length > 0)
    return np.where(usable[:, None], own / np.where(usable, length, 1.0)[:, None], np.float32(0.0)).astype(np.float32)
