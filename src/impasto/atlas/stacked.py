"""Vectors of several files as one list: the wells of an index, then its perturbations. Nothing is read before it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


class Stacked:
    """Rows of several arrays of one width.

    Parameters
    ----------
    parts
        Arrays (rows, width) of float32, mostly memory-mapped.

    Attributes
    ----------
    shape
        (all rows, width).

    """

    def __init__(self, parts: Sequence[Vectors], /) -> None:
        if len({part.shape[1] for part in parts}) > 1:
            raise ValueError(f"its vectors have the widths {', '.join(str(part.shape[1]) for part in parts)}")
        self.parts = tuple(parts)
        self._starts = np.cumsum([0, *(len(part) for part in self.parts)])
        self.shape = (int(self._starts[-1]), self.parts[0].shape[1])

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[np.generic]:
        whole = np.concatenate(self.parts)
        return whole if dtype is None else whole.astype(dtype)

    def __getitem__(self, rows: int | slice | npt.NDArray[np.generic] | Sequence[int]) -> Vectors:
        """The rows asked for, as in numpy: a number gives (width,), a slice or a list of rows (k, width)."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1:
                return self._between(start, stop)
            return self[np.arange(start, stop, step)]
        wanted = np.asarray(rows)
        if wanted.dtype == bool:
            wanted = np.flatnonzero(wanted)
        if wanted.ndim == 0:
            return self._taken(wanted[None])[0]
        return self._taken(wanted)

    def _between(self, start: int, stop: int) -> Vectors:
        pieces = [
            part[max(0, start - first) : max(0, stop - first)] for part, first in zip(self.parts, self._starts[:-1].tolist(), strict=True)
        ]
        held = [piece for piece in pieces if len(piece)]
        return np.asarray(held[0]) if len(held) == 1 else np.concatenate(pieces)

    def _taken(self, rows: npt.NDArray[np.generic]) -> Vectors:
        wanted = rows.astype(np.intp)
        wanted = np.where(wanted < 0, wanted + len(self), wanted)
        taken = np.empty((len(wanted), self.shape[1]), dtype=np.float32)
        for part, first in zip(self.parts, self._starts[:-1], strict=True):
            here = (wanted >= first) & (wanted < first + len(part))
            taken[here] = part[wanted[here] - first]
        if len(wanted) and not ((wanted >= 0) & (wanted < len(self))).all():
            raise IndexError(f"row {int(wanted.max())} of {len(self)}")
        return taken
