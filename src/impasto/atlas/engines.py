"""Engines that find nearest vectors: exact in blocks by default; FAISS and LanceDB as extras behind the same two calls.

`atlas.ENGINES` is the family that names them.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto.atlas.stacked import Stacked
from impasto.schema import InputError

Vectors = npt.NDArray[np.float32]


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
    def build(folder: Path, vectors: Vectors, /) -> None:
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
    def build(folder: Path, vectors: Vectors, /) -> None:
        """Write nothing: the vectors are the index.

        Parameters
        ----------
        folder, vectors
            As those of every engine; not used.

        """

    def nearest(self, query: Vectors, /, *, top: int, among: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], Vectors]:
        scores = np.empty(len(self.vectors), dtype=np.float32)
        for start in range(0, len(self.vectors), self.BLOCK):
            scores[start : start + self.BLOCK] = self.vectors[start : start + self.BLOCK] @ query
        positions = np.flatnonzero(among)
        # A stable sort of the few best: equal scores keep the order of the rows, so results repeat.
        best = positions[np.argsort(-scores[positions], kind="stable")[:top]]
        return best, scores[best]


class Faiss(Engine):
    """FAISS's flat inner-product index (extra `faiss`): exact too, faster for many queries."""

    @staticmethod
    def build(folder: Path, vectors: Vectors, /) -> None:
        faiss = _faiss()
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors))
        faiss.write_index(index, str(folder / "vectors.faiss"))

    def nearest(self, query: Vectors, /, *, top: int, among: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], Vectors]:
        faiss = _faiss()
        path = self.folder / "vectors.faiss"
        index = _opened_faiss(str(path), path.stat().st_mtime_ns)
        # A bit a row, in FAISS's order; a list of numbers would be looked through for each vector.
        bits = np.packbits(among, bitorder="little")
        parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
        scores, positions = index.search(query[None], min(top, int(among.sum())), params=parameters)
        return positions[0], scores[0]


class Lance(Engine):
    """LanceDB, an embedded vector database on disk (extra `lance`), asked for cosine distance over a filtered scan."""

    @staticmethod
    def build(folder: Path, vectors: Vectors, /) -> None:
        import pyarrow as pa

        values = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
        table = pa.table({"row": pa.array(np.arange(len(vectors))), "vector": values})
        _lancedb().connect(str(folder / "lance")).create_table("vectors", table)

    def nearest(self, query: Vectors, /, *, top: int, among: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], Vectors]:
        path = self.folder / "lance"
        table = _opened_lance(str(path), path.stat().st_mtime_ns)
        wanted = ",".join(map(str, np.flatnonzero(among)))
        hits = table.search(query).distance_type("cosine").where(f"row IN ({wanted})", prefilter=True).limit(top).to_arrow()
        return hits["row"].to_numpy().astype(np.intp), 1 - hits["_distance"].to_numpy().astype(np.float32)


@functools.lru_cache(maxsize=2)
def _opened_faiss(path: str, _: int) -> Any:
    """An index of FAISS, read once and kept for the queries to come."""
    return _faiss().read_index(path)


@functools.lru_cache(maxsize=2)
def _opened_lance(path: str, _: int) -> Any:
    return _lancedb().connect(path).open_table("vectors")


def _faiss() -> Any:
    try:
        import faiss
    except ModuleNotFoundError:
        raise _missing("faiss", extra="faiss") from None
    return faiss


def _lancedb() -> Any:
    try:
        import lancedb
    except ModuleNotFoundError:
        raise _missing("lancedb", extra="lance") from None
    return lancedb


def _missing(module: str, *, extra: str) -> InputError:
    return InputError(f"this engine needs {module}, which is not installed; run: pip install 'impasto[{extra}]'")
