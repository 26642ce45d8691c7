"""p-values of random rankings at a null of 100,000, as copairs defines them, on the same average precisions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import numpy as np
import pandas as pd
from copairs.map import mean_average_precision

from benchmarks.timing import Row, beside
from impasto.evaluation import copairs

DRAWS = 100_000


def rows() -> Iterator[Row]:
    yield _row("320 compounds x 20, of 64 controls", _detail(320, 20, [64]))
    yield _row("600 compounds x 2, of 64 controls", _detail(600, 2, [64]))
    yield _row("600 compounds x 8, of 64 controls", _detail(600, 8, [64]))
    yield _row("600 compounds x 4, of 60 to 64 controls", _detail(600, 4, [60, 62, 63, 64]))
    yield _row("320 compounds x 20, of the plate's 319 others", _detail(320, 20, [319]))
    yield _row("320 compounds x 20, of all 6,380 others", _detail(320, 20, [6380]), null="order-statistics", times=1)


def _detail(compounds: int, wells: int, negatives: list[int]) -> pd.DataFrame:
    """Scores of every well; by turns its compound's wells have these numbers of negatives."""
    names = np.repeat([f"c{i:03d}" for i in range(compounds)], wells)
    scores = np.random.default_rng(0).uniform(0, 0.5, len(names))
    return pd.DataFrame(
        {"perturbation": names, "average_precision": scores, "positives": wells - 1, "negatives": np.resize(negatives, len(names))}
    )


def _row(what: str, detail: pd.DataFrame, *, null: str = "exact", times: int = 3) -> Row:
    meta = detail.rename(columns={"positives": "n_pos_pairs"}).assign(normalized_average_precision=0.0)
    meta["n_total_pairs"] = meta["n_pos_pairs"] + meta["negatives"]
    settings = {"null_size": DRAWS, "threshold": 0.05, "seed": 0, "progress_bar": False}
    found = {}

    def ours() -> None:
        found["ours"] = copairs.p_values(detail, draws=DRAWS, seed=0, null=null)

    def theirs() -> None:
        with tempfile.TemporaryDirectory() as cache:
            found["theirs"] = mean_average_precision(meta, ["perturbation"], cache_dir=cache, **settings)

    row = beside(f"p at a null of 100,000, {what}", ours, theirs, peer="copairs", aim=100, times=times, note=f"null={null}")
    np.testing.assert_allclose(found["ours"].to_numpy(), found["theirs"].sort_values("perturbation")["p_value"], atol=6 * 0.5 / DRAWS**0.5)
    return row
