"""Means and cross-products of rows that are never together in memory: added up plate by plate, merged in order.

    S = sum over plates p of sum over rows i of p of (x_i - mean_p)(x_i - mean_p)'
    whole = S + sum over p of n_p (mean_p - mean)(mean_p - mean)'

Squares are never taken about zero: a feature of mean 10,000 and sd 1 would lose all its digits. Sums are float64. A part is what a chunk of
plates adds. The same parts in the same order give the same bits, in one process or in many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg.blas import dsyrk

Array = npt.NDArray[np.float64]
Anything = npt.NDArray[Any]
CHUNK = 64
"""Plates in a part."""
_EMPTY = "nothing"
_BLOCK = 1536
"""Rows that are multiplied at a time."""


@dataclass(frozen=True)
class Part:
    """Arrays by name, and words by name: what a shard of sums leaves.

    Attributes
    ----------
    arrays
        Loaded when they are asked for, where the part lies on disk.
    words
        Names of plates and features.

    """

    arrays: Mapping[str, Anything]
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Moments:
    """What is known of the rows of many plates.

    Attributes
    ----------
    counts
        (p,) rows of each plate.
    means
        (p, features) their means.
    squares
        (p, features) sums of squares about the plate's mean.
    cross
        (features, features) the whole cross-products about the grand mean; None where they were not asked for, or the rows are here.
    rows
        (n, features) the rows themselves, as long as they are no more than the features: then they say more with less.

    """

    counts: Array
    means: Array
    squares: Array
    cross: Array | None = None
    rows: npt.NDArray[np.float32] | None = None

    @property
    def count(self) -> int:
        """How many rows there are."""
        return int(self.counts.sum())

    @property
    def mean(self) -> Array:
        """The mean of all rows (features,)."""
        return np.asarray(self.counts @ self.means / self.counts.sum())

    @property
    def squares_of_all(self) -> Array:
        """Sums of squares about the grand mean (features,)."""
        apart = (self.means - self.mean) * np.sqrt(self.counts)[:, None]
        return np.asarray(self.squares.sum(axis=0) + np.einsum("ij,ij->j", apart, apart))


class Cross:
    """The lower half of cross-products (features, features), to which rows are added.

    Parameters
    ----------
    width
        The number of features.

    """

    def __init__(self, width: int, /) -> None:
        self.values: Array = np.zeros((width, width), order="F")
        self._waiting: list[Array] = []
        self._count = 0

    def add(self, centred: Array, /) -> None:
        """Add rows.

        Parameters
        ----------
        centred
            (n, features) rows about their plate's mean.

        """
        self._waiting.append(centred)
        self._count += len(centred)
        if self._count >= _BLOCK:
            self.flush()

    def flush(self) -> None:
        """Multiply the rows that wait."""
        if self._count:
            rows = np.concatenate(self._waiting) if len(self._waiting) > 1 else self._waiting[0]
            self.values = dsyrk(1.0, rows.T, beta=1.0, c=self.values, trans=0, lower=1, overwrite_c=1)
        self._waiting, self._count = [], 0

    def packed(self) -> Array:
        """The lower half, column after column.

        Returns
        -------
        Array
            (features x (features + 1) / 2,).

        """
        self.flush()
        return np.concatenate([column[place:] for place, column in enumerate(self.values.T)])

    def add_packed(self, packed: Array, /) -> None:
        """Add another lower half.

        Parameters
        ----------
        packed
            As `packed` gives it.

        """
        self.flush()
        start = 0
        for place, column in enumerate(self.values.T):
            step = len(column) - place
            column[place:] += packed[start : start + step]
            start += step

    def whole(self) -> Array:
        """Both halves.

        Returns
        -------
        Array
            (features, features), symmetric.

        """
        self.flush()
        for place in range(1, len(self.values)):
            self.values[:place, place] = self.values[place, :place]
        return self.values


def moments_of(plates: Iterable[npt.NDArray[np.floating]], /, *, width: int, cross: bool, keep_rows: bool = False) -> dict[str, Anything]:
    """The sums of a chunk of plates.

    Parameters
    ----------
    plates
        (n, features) rows of each plate; they may be none.
    width
        The number of features.
    cross
        Whether cross-products are wanted.
    keep_rows
        Whether rows are kept instead, as long as they are no more than the features.

    Returns
    -------
    dict[str, Anything]
        `counts`, `means`, `squares`, and `cross` (packed) or `rows`.

    """
    counts, means, squares = [], [], []
    kept: list[npt.NDArray[np.floating]] = []
    sums = None if keep_rows or not cross else Cross(width)
    for rows in plates:
        centred, mean = _centred(rows)
        counts.append(float(len(rows)))
        means.append(mean)
        squares.append(np.einsum("ij,ij->j", centred, centred))
        if sums is not None:
            sums.add(centred)
            continue
        if cross:
            kept.append(rows)
            if sum(map(len, kept)) > width:
                sums = Cross(width)
                for earlier in kept:
                    sums.add(_centred(earlier)[0])
                kept = []
    part: dict[str, Anything] = {
        "counts": np.array(counts),
        "means": np.array(means).reshape(-1, width),
        "squares": np.array(squares).reshape(-1, width),
    }
    if sums is not None:
        part["cross"] = sums.packed()
    elif cross:
        part["rows"] = np.concatenate([*kept, np.empty((0, width), dtype=np.float32)]).astype(np.float32)
    return part


def _centred(rows: npt.NDArray[np.floating]) -> tuple[Array, Array]:
    values = rows.astype(np.float64)
    mean = values.mean(axis=0) if len(values) else np.zeros(values.shape[1])
    return values - mean, mean


def merged(parts: Iterable[Mapping[str, Anything]], /) -> Moments:
    """The sums of all plates, from those of chunks. One part is in memory at a time.

    Parameters
    ----------
    parts
        What `moments_of` gave, in the order of the plates.

    Returns
    -------
    Moments
        Of all rows.

    """
    counts, means, squares = [], [], []
    waiting: list[dict[str, Anything]] = []
    sums: Cross | None = None
    for part in parts:
        counts.append(np.asarray(part["counts"], dtype=np.float64))
        means.append(np.asarray(part["means"], dtype=np.float64))
        squares.append(np.asarray(part["squares"], dtype=np.float64))
        width = means[-1].shape[1]
        waiting += [{"counts": counts[-1], name: part[name]} for name in ("rows", "cross") if name in part]
        if sums is None and all("rows" in one for one in waiting) and sum(len(one["rows"]) for one in waiting) <= width:
            continue
        sums = sums or Cross(width)
        for one in waiting:
            _add(sums, one)
        waiting = []
    whole = Moments(np.concatenate(counts), np.concatenate(means), np.concatenate(squares))
    if sums is not None:
        sums.add((whole.means - whole.mean) * np.sqrt(whole.counts)[:, None])
        return replace(whole, cross=sums.whole())
    return replace(whole, rows=np.concatenate([one["rows"] for one in waiting])) if waiting else whole


def _add(sums: Cross, part: Mapping[str, Anything]) -> None:
    if "cross" in part:
        sums.add_packed(np.asarray(part["cross"], dtype=np.float64))
        return
    ends = np.cumsum(np.asarray(part["counts"], dtype=np.intp))[:-1]
    for rows in np.split(np.asarray(part["rows"]), ends):
        sums.add(_centred(rows)[0])


class _OnDisk(Mapping[str, Anything]):
    """The arrays of a safetensors file, each read when it is asked for."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self._path, self._names = path, tuple(names)

    def __getitem__(self, name: str) -> Anything:
        from safetensors import safe_open

        if name not in self._names:
            raise KeyError(name)
        with safe_open(self._path, "numpy") as opened:
            return opened.get_tensor(name)

    def columns(self, name: str, start: int, stop: int) -> Anything:
        from safetensors import safe_open

        with safe_open(self._path, "numpy") as opened:
            return opened.get_slice(name)[:, start:stop]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def save(part: Part, path: Path, /) -> None:
    """Write a part.

    Parameters
    ----------
    part
        What a shard of sums leaves.
    path
        The file.

    """
    import json

    from safetensors.numpy import save_file

    # A file without any array could not be read again.
    arrays = {name: np.ascontiguousarray(value) for name, value in part.arrays.items()} or {_EMPTY: np.zeros(1)}
    save_file(arrays, path, metadata={name: json.dumps(list(words)) for name, words in part.words.items()})


def load(path: Path, /) -> Part:
    """Open a part; its arrays are read when they are asked for.

    Parameters
    ----------
    path
        What `save` wrote.

    Returns
    -------
    Part
        The part.

    """
    import json

    from safetensors import safe_open

    with safe_open(path, "numpy") as opened:
        words = {name: json.loads(value) for name, value in (opened.metadata() or {}).items()}
        return Part(_OnDisk(path, [name for name in opened.keys() if name != _EMPTY]), words)  # noqa: SIM118 - no mapping
