"""Average precision against copairs, and memory on large tables."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import anndata
import numpy as np
import pandas as pd

from benchmarks.timing import Row, best_of, peak_megabytes
from impasto import ranking
from impasto.evaluation import replicates


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
