"""Average precision against copairs, and memory on large tables."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import anndata
import numpy as np
import pandas as pd

from benchmarks.timing import Row, best_of, peak_megabytes
from impasto import ranking
from impasto.evaluation import relations, replicates, silhouette
from impasto.evaluation.layout import layout


def plates(*, wells: int, width: int, controls: int = 64) -> anndata.AnnData:
    """Plates of 384 wells, the compounds of a plate repeated on every plate."""
    rng = np.random.default_rng(0)
    number = wells // 384
    per = pd.DataFrame({"perturbation": ["DMSO"] * controls + [f"c{i}" for i in range(384 - controls)]})
    per["control_type"] = np.where(per["perturbation"] == "DMSO", "negcon", "trt")
    per["well"] = [f"{chr(65 + i // 24)}{i % 24 + 1:02d}" for i in range(384)]
    obs = pd.concat([per.assign(plate=f"P{p}") for p in range(number)], ignore_index=True)
    return anndata.AnnData(X=rng.normal(size=(len(obs), width)).astype(np.float32), obs=obs.rename(index=str))


def rows() -> Iterator[Row]:
    from copairs.map import average_precision

    data = plates(wells=7680, width=1000)
    where = replicates.layout(data.obs, level="any")

    def ours(protocol: str) -> object:
        return replicates.average_precisions(ranking.unit(data.X), where, protocol=protocol)

    meta = data.obs.reset_index(drop=True).assign(kind=data.obs["control_type"].to_numpy())
    meta["reference"] = np.where(meta["kind"] == "negcon", meta.index, -1)

    def theirs() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return average_precision(
                meta,
                data.X,
                pos_sameby=["perturbation", "reference"],
                pos_diffby=[],
                neg_sameby=["plate"],
                neg_diffby=["kind"],
                progress_bar=False,
            )

    yield Row(
        "AP against plate controls, 7,680 x 1,000",
        best_of(lambda: ours("plate-controls")),
        best_of(theirs, times=1),
        "copairs",
        f"{peak_megabytes(lambda: ours('plate-controls')):.0f} MB",
    )
    yield Row(
        "AP against the plate's others, 7,680 x 1,000",
        best_of(lambda: ours("plate-others")),
        None,
        "",
        f"{peak_megabytes(lambda: ours('plate-others')):.0f} MB",
    )
    yield Row(
        "AP against all others, 7,680 x 1,000",
        best_of(lambda: ours("all-others"), times=1),
        None,
        "",
        f"{peak_megabytes(lambda: ours('all-others')):.0f} MB",
    )
    many = ranking.unit(np.random.default_rng(0).normal(size=(30_000, 256)))
    yield Row(
        "ranks of 30,000 pairs x 256",
        best_of(lambda: ranking.rank_of_match(many, many), times=1),
        None,
        "",
        f"{peak_megabytes(lambda: ranking.rank_of_match(many, many)):.0f} MB",
    )
    yield from _relations()
    yield from _silhouettes()
    yield from _copairs_others()


def _relations() -> Iterator[Row]:
    """Recall at two thresholds of 1,000 known pairs, ours from the same vectors as theirs."""
    from efaar_benchmarking.benchmarking import compute_recall
    from sklearn.metrics.pairwise import cosine_similarity

    for genes in (736, 8_000):
        rng = np.random.default_rng(0)
        vectors = rng.normal(size=(genes, 256)).astype(np.float32)
        known = np.stack([rng.choice(genes, 2, replace=False) for _ in range(1000)])
        names = np.array([f"G{i}" for i in range(genes)])

        def ours(vectors: np.ndarray = vectors, known: np.ndarray = known) -> object:
            unit = ranking.unit(vectors)
            null = relations.null_similarities(unit)
            similarity = np.einsum("ij,ij->i", unit[known[:, 0]], unit[known[:, 1]])
            return [relations.is_recalled(similarity, null, threshold=t, protocol="efaar").mean() for t in (0.05, 0.1)]

        def theirs(vectors: np.ndarray = vectors, known: np.ndarray = known, names: np.ndarray = names) -> object:
            cosine = pd.DataFrame(cosine_similarity(vectors), index=names, columns=names)
            null = cosine.values[np.triu_indices(len(cosine), k=1)]
            query = np.array([cosine.loc[a, b] for a, b in names[known]])
            return list(compute_recall(null, query, [(0.05, 0.95), (0.1, 0.9)]).values())[2:]

        assert np.allclose(ours(), theirs(), atol=2e-3)  # float32 here, float32 products of another order there
        yield Row(
            f"gene-gene recall, {genes:,} genes x 256",
            best_of(ours),
            best_of(theirs, times=1),
            "efaar-benchmarking's steps",
            f"{peak_megabytes(ours):.0f} MB",
        )


def _silhouettes() -> Iterator[Row]:
    from sklearn.metrics import silhouette_samples

    rng = np.random.default_rng(0)
    for rows, peer in ((10_000, True), (50_000, False)):
        values, codes = rng.normal(size=(rows, 256)).astype(np.float32), np.arange(rows) % 100

        def ours(values: np.ndarray = values, codes: np.ndarray = codes) -> object:
            return silhouette.samples(values, codes)

        def theirs(values: np.ndarray = values, codes: np.ndarray = codes) -> object:
            return silhouette_samples(values, codes, metric="cosine")

        yield Row(
            f"cosine silhouettes, {rows:,} x 256",
            best_of(ours),
            best_of(theirs, times=1) if peer else None,
            "scikit-learn" if peer else "",
            f"{peak_megabytes(ours):.0f} MB",
        )


def _copairs_others() -> Iterator[Row]:
    """Negatives that are other compounds, of the plate or anywhere; copairs forms every pair, so a smaller table for both."""
    from copairs.map import average_precision

    data = plates(wells=1920, width=1000)
    data = data[(data.obs["control_type"] == "trt").to_numpy()].copy()
    where = layout(data.obs, level="any")
    meta = data.obs.reset_index(drop=True)
    for protocol, same in (("plate-others", ["plate"]), ("all-others", [])):

        def ours(protocol: str = protocol) -> object:
            return replicates.average_precisions(ranking.unit(data.X), where, protocol=protocol)

        def theirs(same: list[str] = same) -> object:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rules = {"pos_sameby": ["perturbation"], "pos_diffby": [], "neg_sameby": same, "neg_diffby": ["perturbation"]}
                return average_precision(meta, data.X, **rules, progress_bar=False)

        yield Row(f"AP {protocol}, 1,600 x 1,000", best_of(ours), best_of(theirs, times=1), "copairs", f"{peak_megabytes(ours):.0f} MB")
