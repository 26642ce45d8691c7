"""Average precision of replicates against copairs, on the same wells and to the same numbers."""

from __future__ import annotations

from collections.abc import Iterator

import anndata
import numpy as np
import pandas as pd
from copairs.map import average_precision

from benchmarks.simulated import plates
from benchmarks.timing import Row, beside
from impasto import ranking
from impasto.evaluation import replicates

CONTROLS = {"pos_sameby": ["perturbation", "reference"], "pos_diffby": [], "neg_sameby": ["plate"], "neg_diffby": ["control_type"]}
OTHERS = {"pos_sameby": ["perturbation"], "pos_diffby": [], "neg_sameby": ["plate"], "neg_diffby": ["perturbation"]}


def rows() -> Iterator[Row]:
    data = plates(wells=7680, width=1000)
    treated = data[(data.obs["control_type"] == "trt").to_numpy()].copy()
    yield _row("AP against plate controls, 7,680 x 1,000", data, "plate-controls", CONTROLS, aim=40)
    yield _row("AP against the plate's other compounds, 6,400 x 1,000", treated, "plate-others", OTHERS, aim=50)
    anywhere = OTHERS | {"neg_sameby": []}
    yield _row("AP against all other compounds, 1,920 x 1,000", treated[:1920].copy(), "all-others", anywhere, aim=100)
    yield _row("AP against all other compounds, 6,400 x 1,000", treated, "all-others", anywhere, aim=100, times=1)


def _row(what: str, data: anndata.AnnData, protocol: str, rules: dict[str, list[str]], *, aim: float, times: int = 3) -> Row:
    meta = data.obs.reset_index(drop=True)
    meta["reference"] = np.where(meta["control_type"] == "negcon", meta.index, -1)
    found: dict[str, pd.DataFrame] = {}

    def ours() -> None:
        where = replicates.layout(data.obs, level="any")
        found["ours"] = replicates.average_precisions(ranking.unit(data.X), where, protocol=protocol)

    def theirs() -> None:
        found["theirs"] = average_precision(meta, data.X, **rules, progress_bar=False)

    row = beside(what, ours, theirs, peer="copairs", aim=aim, times=times)
    expected = found["theirs"].loc[meta["control_type"] == "trt", "average_precision"].to_numpy()
    # Products are float32 on both sides, in another order: here and there a well passes its neighbour by their last bit.
    difference = np.abs(found["ours"]["average_precision"].to_numpy() - expected)
    assert difference.max() < 5e-3
    assert difference.mean() < 1e-5
    return row
