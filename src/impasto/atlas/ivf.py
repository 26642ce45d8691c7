"""Nearest vectors by FAISS's inverted lists: a query is compared with the vectors near to a few of many centres, which is not exact.

    centres = k-means of a sample,      a vector lies in the list of its nearest centre, 8 bits a number (IVF, SQ8)
    a query looks into `probe` lists; the best are compared again with the vectors themselves

    ivf/centroids.npy (lists, width)  ivf/trained.npy  ivf/codes.npy (rows, bytes)  ivf/ids.npy (rows,)  ivf/offsets.npy (lists + 1,)

The least probe that finds 95 % of the ten nearest of 200 held rows is measured when the index is built, and kept in `ivf/measured.json`.
FAISS is built again from these arrays by its own calls when it is opened; no file of its own is read.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import texts
from impasto.atlas.folder import AGAIN as MAKE_AGAIN
from impasto.atlas.folder import array as part
from impasto.atlas.stacked import Stacked
from impasto.schema import InputError

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
FOLDER, MEASURED = "ivf", "measured.json"
ARRAYS = {"centroids": 2, "trained": 1, "codes": 2, "ids": 1, "offsets": 1}
"""Name of each array -> how many axes it has."""
RECALL, HELD, NEAREST = 0.95, 200, 10
MOST_LISTS, ROWS_A_LIST, TRAINED_A_LIST = 2048, 64, 64
AGAIN = 50
"""So many of the best are compared again with their own vectors, and at least five times as many as are asked for."""
_BLOCK = 65_536


@dataclass(frozen=True)
class Lists:
    """Inverted lists, ready to be searched.

    Attributes
    ----------
    index
        FAISS's.
    vectors
        (rows, width) of unit length.
    probe
        How many lists a query looks into.

    """

    index: Any
    vectors: Vectors | Stacked
    probe: int

    def nearest(self, queries: Vectors, /, *, top: int, among: npt.NDArray[np.bool_] | None = None, probe: int | None = None) -> Rows:
        """The rows nearest to each query, best first, as far as the lists find them.

        Parameters
        ----------
        queries
            (m, width) of unit length.
        top
            How many rows.
        among
            (rows,) which may be answers; all by default.
        probe
            How many lists are looked into.

        Returns
        -------
        Rows
            (m, top) -1 where fewer were found.

        """
        faiss = faiss_()
        looked = self.probe if probe is None else probe
        chosen: dict[str, Any] = {"nprobe": looked}
        if among is not None:
            # Where half of the rows may not answer, twice as many lists hold as many that may.
            chosen["nprobe"] = min(self.index.nlist, -(-looked * len(among) // max(1, int(among.sum()))))
            # A bit a row, in FAISS's order; a list of numbers would be looked through for each vector.
            bits = np.packbits(among, bitorder="little")
            chosen["sel"] = faiss.IDSelectorBitmap(bits)
        wide = min(max(AGAIN, 5 * top), len(self.vectors))
        _, listed = self.index.search(np.ascontiguousarray(queries), wide, params=faiss.SearchParametersIVF(**chosen))
        best = np.full((len(queries), min(top, wide)), -1, dtype=np.intp)
        for number, (query, rows) in enumerate(zip(queries, listed, strict=True)):
            own = np.sort(rows[rows >= 0]).astype(np.intp)
            order = np.argsort(-(self.vectors[own] @ query), kind="stable")[:top]
            best[number, : len(order)] = own[order]
        return best


def build(vectors: Vectors | Stacked, /, *, seed: int = 0) -> tuple[Lists, float]:
    """Lists of vectors, with the least probe whose recall is enough.

    Parameters
    ----------
    vectors
        (rows, width) of unit length.
    seed
        Of the sample that centres are made of, and of the rows that recall is measured on.

    Returns
    -------
    tuple[Lists, float]
        The lists, and the recall measured.

    """
    faiss = faiss_()
    rows, width = vectors.shape
    lists = int(np.clip(rows // ROWS_A_LIST, 1, MOST_LISTS))
    rng = np.random.default_rng(seed)
    sample = np.sort(rng.choice(rows, min(rows, lists * TRAINED_A_LIST), replace=False))
    quantizer = faiss.IndexFlatIP(width)
    index = _empty(faiss, quantizer, width, lists)
    index.cp.seed = seed
    index.cp.min_points_per_centroid = 1
    index.train(np.ascontiguousarray(vectors[sample]))
    for start in range(0, rows, _BLOCK):
        index.add(np.ascontiguousarray(vectors[start : start + _BLOCK]))
    return _measured(index, vectors, np.sort(rng.choice(rows, min(rows, HELD), replace=False)), lists)


def _measured(index: Any, vectors: Vectors | Stacked, held: Rows, lists: int) -> tuple[Lists, float]:
    """The least probe, doubled from one, that finds enough of the nearest of some rows."""
    queries, top = np.asarray(vectors[held]), min(NEAREST, len(vectors))
    truth = [set(own.tolist()) for own in exact(vectors, queries, top=top)]
    probe, recall = 1, 0.0
    while True:
        probe = min(probe, lists)
        answers = Lists(index, vectors, probe).nearest(queries, top=top)
        recall = float(np.mean([len(own & set(row.tolist())) / top for own, row in zip(truth, answers, strict=True)]))
        if recall >= RECALL or probe == lists:
            return Lists(index, vectors, probe), recall
        probe *= 2


def exact(vectors: Vectors | Stacked, queries: Vectors, /, *, top: int) -> Rows:
    """The rows nearest to each query, by comparing all.

    Parameters
    ----------
    vectors
        (rows, width) of unit length.
    queries
        (m, width) of unit length.
    top
        How many.

    Returns
    -------
    Rows
        (m, top) best first, equal ones in order of row.

    """
    best, scores = np.empty((len(queries), 0), dtype=np.intp), np.empty((len(queries), 0), dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK):
        block = queries @ vectors[start : start + _BLOCK].T
        best = np.concatenate([best, np.broadcast_to(np.arange(start, start + block.shape[1]), block.shape)], axis=1)
        scores = np.concatenate([scores, block], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :top]
        best, scores = np.take_along_axis(best, order, axis=1), np.take_along_axis(scores, order, axis=1)
    return best


def save(lists: Lists, recall: float, folder: Path, /) -> None:
    """Write lists as plain arrays.

    Parameters
    ----------
    lists
        What `build` made.
    recall
        As it measured.
    folder
        Of the index.

    """
    faiss = faiss_()
    where = folder / FOLDER
    where.mkdir()
    index = lists.index
    inverted, size = index.invlists, index.code_size
    sizes = np.array([inverted.list_size(number) for number in range(index.nlist)], dtype=np.int64)
    codes, ids = np.empty((int(sizes.sum()), size), dtype=np.uint8), np.empty(int(sizes.sum()), dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    for number, (start, stop) in enumerate(itertools.pairwise(offsets.tolist())):
        if stop > start:
            codes[start:stop] = faiss.rev_swig_ptr(inverted.get_codes(number), int(stop - start) * size).reshape(-1, size)
            ids[start:stop] = faiss.rev_swig_ptr(inverted.get_ids(number), int(stop - start))
    arrays = (index.quantizer.reconstruct_n(0, index.nlist), faiss.vector_to_array(index.sq.trained), codes, ids, offsets)
    for name, array in zip(ARRAYS, arrays, strict=True):
        np.save(where / f"{name}.npy", array, allow_pickle=False)
    texts.write(where / MEASURED, json.dumps({"probe": lists.probe, "recall": round(recall, 4), "held": min(HELD, len(ids))}))


def measured(folder: Path, /) -> dict[str, float]:
    """What was measured when lists were built.

    Parameters
    ----------
    folder
        Of the index.

    Returns
    -------
    dict[str, float]
        `probe`, `recall` at ten, and on how many rows (`held`).

    """
    described: dict[str, float] = json.loads(texts.read(folder / FOLDER / MEASURED))
    return described


def load(folder: Path, vectors: Vectors | Stacked, /) -> Lists:
    """Build FAISS's lists from their arrays.

    Parameters
    ----------
    folder
        Of the index.
    vectors
        (rows, width) of unit length.

    Returns
    -------
    Lists
        The lists.

    Raises
    ------
    InputError
        The arrays are not there, are damaged, or are of other vectors.

    """
    faiss = faiss_()
    try:
        centroids, trained, codes, ids, offsets = (part(folder, f"{FOLDER}/{name}.npy", axes=axes) for name, axes in ARRAYS.items())
        probe = int(measured(folder)["probe"])
        index = _empty(faiss, faiss.IndexFlatIP(centroids.shape[1]), centroids.shape[1], len(centroids))
        fits = codes.shape == (len(vectors), index.code_size) and len(offsets) == len(centroids) + 1 and offsets[-1] == len(ids)
        if not fits or centroids.shape[1] != vectors.shape[1] or not np.array_equal(np.sort(ids), np.arange(len(vectors))):
            raise InputError(f"{folder} is damaged (its lists are of other vectors){MAKE_AGAIN}")
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{folder} is damaged ({error}){MAKE_AGAIN}") from None
    index.quantizer.add(np.ascontiguousarray(centroids, dtype=np.float32))
    faiss.copy_array_to_vector(trained, index.sq.trained)
    for number, (start, stop) in enumerate(itertools.pairwise(offsets.tolist())):
        if stop > start:
            own = np.ascontiguousarray(codes[start:stop])
            index.invlists.add_entries(number, stop - start, faiss.swig_ptr(np.ascontiguousarray(ids[start:stop])), faiss.swig_ptr(own))
    index.is_trained, index.ntotal = True, len(ids)
    return Lists(index, vectors, probe)


def _empty(faiss: Any, quantizer: Any, width: int, lists: int) -> Any:
    return faiss.IndexIVFScalarQuantizer(quantizer, width, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)


def faiss_() -> Any:
    """FAISS.

    Returns
    -------
    module
        The package.

    Raises
    ------
    InputError
        It is not installed.

    """
    try:
        import faiss
    except ModuleNotFoundError:
        raise InputError("this engine needs faiss, which is not installed; run: pip install 'impasto[faiss]'") from None
    return faiss
