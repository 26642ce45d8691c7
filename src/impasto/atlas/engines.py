"""Engines that find nearest vectors: exact in blocks by default; FAISS and LanceDB as extras behind the same two calls.

`atlas.ENGINES` is the family that names them. Below 250,000 rows `auto` takes the exact one; above, FAISS's inverted lists where FAISS is
installed. An engine is opened once and asked many times. Which rows may be answers is a bit a row. Where these are fewer than one in
twenty, they are compared themselves, whatever the engine.
"""

from __future__ import annotations

import functools
import importlib.util
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import progress
from impasto.atlas import ivf
from impasto.atlas.stacked import Stacked
from impasto.schema import InputError

Vectors = npt.NDArray[np.float32]
MOST_EXACT = 250_000
"""Below so many rows a query is compared with all of them."""
FEW = 0.05
"""Where so small a share of the rows may be answers, these are compared themselves."""
AUTO = "auto"


class Engine(ABC):
    """Nearest neighbours by cosine over the vectors of an index folder.

    Parameters
    ----------
    folder
        Of the index, with what `build` wrote.
    vectors
        (rows, width) of unit length.

    """

    def __init__(self, folder: Path, vectors: Vectors | Stacked) -> None:
        self.folder, self.vectors = folder, vectors

    @staticmethod
    @abstractmethod
    def build(folder: Path, vectors: Vectors | Stacked, /) -> None:
        """Write what the engine needs beside the vectors.

        Parameters
        ----------
        folder
            Of the index.
        vectors
            (rows, width) of unit length.

        """

    @abstractmethod
    def nearest(self, query: Vectors, /, *, top: int, among: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], Vectors]:
        """The rows nearest to a query.

        Parameters
        ----------
        query
            (width,) of unit length.
        top
            How many rows at most.
        among
            (rows,) True for a row that may be an answer.

        Returns
        -------
        positions : npt.NDArray[np.intp]
            The rows, the nearest first.
        cosines : Vectors
            Of each of them to the query.

        """


class Exact(Engine):
    """Every vector is compared, in blocks over the memory-mapped file: exact, and memory does not grow with the index."""

    BLOCK = 65_536

    @staticmethod
    def build(folder: Path, vectors: Vectors | Stacked, /) -> None:
        """Write nothing: the vectors are the index.

        Parameters
        ----------
        folder, vectors
            As those of every engine; not used.

        """

    def nearest(self, query: Vectors, /, *, top: int, among: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], Vectors]:
        positions = np.flatnonzero(among)
        if len(positions) < FEW * len(among):
            return best_of(positions, self.vectors[positions] @ query, top=top)
        scores = np.empty(len(self.vectors), dtype=np.float32)
        for start in range(0, len(self.vectors), self.BLOCK):
            scores[start : start + self.BLOCK] = self.vectors[start : start + self.BLOCK] @ query
        return best_of(positions, scores[positions], top=top)


class Faiss(Engine):
    """FAISS's inverted lists (extra `faiss`): not exact, its recall is measured when it is built (`ivf`)."""

    @staticmethod
    def build(folder: Path, vectors: Vectors | Stacked, /) -> None:
        lists, recall = ivf.build(vectors)
        ivf.save(lists, recall, folder)
        share = f"{100 * recall:.1f} % of the ten nearest of {min(ivf.HELD, len(vectors))} rows"
        progress.say(f"FAISS finds {share}, looking into {lists.probe} of {lists.index.nlist} lists")

    @functools.cached_property
    def _lists(self) -> ivf.Lists:
        return ivf.load(self.folder, self.vectors)

    def nearest(self, query: Vectors, /, *, top: int, among: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], Vectors]:
        positions = np.flatnonzero(among)
        if len(positions) >= max(FEW * len(among), top):
            rows = self._lists.nearest(query[None], top=top, among=among)[0]
            rows = rows[rows >= 0]
            if len(rows) == top:
                return rows, self.vectors[rows] @ query
        return best_of(positions, self.vectors[positions] @ query, top=top)


class Lance(Engine):
    """LanceDB, an embedded vector database on disk (extra `lance`), asked for cosine distance over a scan."""

    @staticmethod
    def build(folder: Path, vectors: Vectors | Stacked, /) -> None:
        import pyarrow as pa

        held = np.asarray(vectors)
        values = pa.FixedSizeListArray.from_arrays(pa.array(held.ravel()), held.shape[1])
        table = pa.table({"row": pa.array(np.arange(len(held))), "vector": values})
        _lancedb().connect(str(folder / "lance")).create_table("vectors", table)

    @functools.cached_property
    def _table(self) -> Any:
        return _lancedb().connect(str(self.folder / "lance")).open_table("vectors")

    def nearest(self, query: Vectors, /, *, top: int, among: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], Vectors]:
        positions = np.flatnonzero(among)
        if len(positions) < FEW * len(among):
            return best_of(positions, self.vectors[positions] @ query, top=top)
        # Ever more rows, until enough of them may be answers: a list of numbers in SQL would grow with the index.
        asked = 2 * top
        while True:
            hits = self._table.search(query).distance_type("cosine").limit(asked).to_arrow()
            rows = hits["row"].to_numpy().astype(np.intp)
            stays = among[rows]
            if stays.sum() >= min(top, len(positions)) or asked >= len(among):
                return rows[stays][:top], 1 - hits["_distance"].to_numpy().astype(np.float32)[stays][:top]
            asked *= 4


def best_of(positions: npt.NDArray[np.intp], scores: Vectors, /, *, top: int) -> tuple[npt.NDArray[np.intp], Vectors]:
    """The rows of the largest scores.

    Parameters
    ----------
    positions
        (m,) rows, ascending.
    scores
        (m,) of each.
    top
        How many at most.

    Returns
    -------
    positions : npt.NDArray[np.intp]
        The rows, best first; equal ones keep the order of the rows, so results repeat.
    scores : Vectors
        Of each.

    """
    if len(scores) > top:
        reach = np.flatnonzero(scores >= np.partition(scores, len(scores) - top)[len(scores) - top])
        positions, scores = positions[reach], scores[reach]
    order = np.argsort(-scores, kind="stable")[:top]
    return positions[order], scores[order]


def chosen_for(rows: int, /) -> str:
    """The engine that `auto` takes.

    Parameters
    ----------
    rows
        How many vectors there are.

    Returns
    -------
    str
        A name of `ENGINES`.

    """
    if rows < MOST_EXACT:
        return "exact"
    if importlib.util.find_spec("faiss") is None:
        progress.say(f"{rows:,} rows are compared one by one in a search; faster where FAISS is installed: pip install 'impasto[faiss]'")
        return "exact"
    return "faiss"


def _lancedb() -> Any:
    try:
        import lancedb
    except ModuleNotFoundError:
        raise _missing("lancedb", extra="lance") from None
    return lancedb


def _missing(module: str, *, extra: str) -> InputError:
    return InputError(f"this engine needs {module}, which is not installed; run: pip install 'impasto[{extra}]'")
