"""Gene-gene recall on EFAAR's own five lists of pairs, its function beside ours: lists read, pairs ranked, the same recalls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from efaar_benchmarking import benchmarking, constants
from sklearn.utils import Bunch

from benchmarks.timing import Row, beside
from impasto import ranking
from impasto.evaluation import relations
from impasto.perturbations import relations as knowledge
from impasto.perturbations.gene_pairs import join

FILES = [Path(constants.BENCHMARK_DATA_DIR) / f"{source}.txt" for source in constants.BENCHMARK_SOURCES]
Lists = dict[str, pd.DataFrame]


def rows() -> Iterator[Row]:
    for genes, aim in ((736, 30), (8_000, 5)):
        yield from _rows(genes, aim=aim)


def _rows(genes: int, *, aim: float) -> Iterator[Row]:
    rng = np.random.default_rng(0)
    kept = {path.stem: knowledge.read(path, kind="pairs") for path in FILES}
    known = sorted({name for table in kept.values() for column in table for name in table[column]})
    names = sorted(rng.choice(known, genes, replace=False))
    vectors = rng.normal(size=(genes, 256)).astype(np.float32)
    maps = Bunch(features=pd.DataFrame(vectors), metadata=pd.DataFrame({"gene": names}))
    found: dict[str, np.ndarray] = {}

    def ours() -> None:
        found["ours"] = _recalls(vectors, names, {path.stem: knowledge.read(path, kind="pairs") for path in FILES})

    def ours_in_memory() -> None:
        found["ours"] = _recalls(vectors, names, kept)

    def theirs() -> None:
        found["theirs"] = benchmarking.known_relationship_benchmark(maps, "gene").iloc[:, 2:4].to_numpy(dtype=float)

    def theirs_in_memory() -> None:
        reading = benchmarking.get_benchmark_relationships
        benchmarking.get_benchmark_relationships = lambda _, source: kept[source].set_axis(["entity1", "entity2"], axis=1).astype(object)
        try:
            theirs()
        finally:
            benchmarking.get_benchmark_relationships = reading

    what = f"gene-gene recall, {genes:,} genes x 256, five lists"
    yield beside(f"{what} read", ours, theirs, peer="efaar-benchmarking", aim=aim, times=2)
    np.testing.assert_allclose(found["ours"], found["theirs"], atol=0.03)  # its lists keep the case of symbols, ours do not
    yield beside(f"{what} in memory", ours_in_memory, theirs_in_memory, peer="efaar-benchmarking", aim=aim, times=2)
    np.testing.assert_allclose(found["ours"], found["theirs"], atol=2e-3)  # float32 products in another order


def _recalls(vectors: np.ndarray, names: list[str], lists: Lists) -> np.ndarray:
    """(lists, thresholds)"""
    unit = ranking.unit(vectors)
    null = relations.Null.of(unit)
    tails = [relations.tails(null, threshold=t, protocol="efaar") for t in (0.05, 0.1)]
    answer = []
    for table in lists.values():
        pairs = join(table, names).pairs.to_numpy()
        similarity = np.einsum("ij,ij->i", unit[pairs[:, 0]], unit[pairs[:, 1]])
        answer.append([found.hold(similarity).mean() for found in tails])
    return np.array(answer)
