"""The rows of all plates in one mapped file: unit vectors for cosines, read a page at a time, and never held by the process.

cache/matrix.CONTENT8.npy     (rows, features) float32, each row of length 1; a row of zeros, or with a missing value, is zeros
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from impasto import commit_point, whole

if TYPE_CHECKING:
    from impasto.dataset.folder import Dataset


def unit_rows(plates: Dataset, /) -> npt.NDArray[np.float32]:
    """All rows at unit length, mapped; the file is made when it is first asked for.

    Parameters
    ----------
    plates
        An opened dataset.

    Returns
    -------
    npt.NDArray[np.float32]
        (n, d), read-only, in the order of `plates.obs`.

    """
    folder = plates.folder / commit_point.CACHE
    path = folder / f"matrix.{plates.content[:8]}.npy"
    if not path.is_file():
        for other in folder.glob("matrix.*.npy"):
            other.unlink()  # of values that are not here any more
        with whole.replacing(path) as temporary:
            # Plain integers: with a NumPy integer in its shape the header of the file could not be read.
            shape = (int(plates.n_obs), int(plates.n_vars))
            mapped = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float32, shape=shape)
            for number, plate in enumerate(plates):
                mapped[plates.offsets[number] : plates.offsets[number + 1]] = _unit(np.asarray(plate.X))
            mapped.flush()
            del mapped
    return np.load(path, mmap_mode="r")


def _unit(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    known = np.asarray(np.isfinite(rows).all(axis=1))
    length = np.linalg.norm(np.where(known[:, None], rows, 0.0), axis=1)
    usable = np.asarray(length > 0)
    return np.where(usable[:, None], rows / np.where(usable, length, 1.0)[:, None], np.float32(0.0)).astype(np.float32)
