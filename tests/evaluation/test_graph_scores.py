"""Scores over neighbours: neighbours of before, and intervals as deleted perturbations give them."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest
from tests.evaluation.naive import deleted
from tests.evaluation.rows import rows
from tests.evaluation.small import batches, by_metric

from impasto import profiles as tables
from impasto.evaluation import aggregates, graph_scores, mixing
from impasto.evaluation.tidy import Score
from impasto.schema import InputError
from impasto.statistics import jackknife


def test_neighbours_kept_is_one_for_the_samebatches(tmp_path: Path) -> None:
    profiles = batches(2, batch_effect=1, signal=1)
    tables.write(profiles, tmp_path / "before.parquet")
    scores = by_metric(rows(mixing.evaluate(profiles, before=str(tmp_path / "before.parquet"), k=8)))
    assert scores["graph connectivity (neighbours kept, Eq. 14)"] == 1.0
    # Rows are found by their place: another order is the same table, and a part of it is scored as a part.
    backwards = by_metric(rows(mixing.evaluate(profiles[::-1].copy(), before=str(tmp_path / "before.parquet"), k=8)))
    assert backwards["graph connectivity (neighbours kept, Eq. 14)"] == 1.0
    strange = profiles.copy()
    strange.obs["well"] = "P24"
    with pytest.raises(InputError, match="same wells"):
        mixing.evaluate(strange, before=str(tmp_path / "before.parquet"), k=8)


def test_the_intervals_of_connectivity_and_silhouettes_are_those_of_deleted_perturbations(tmp_path: Path) -> None:
    data = batches(1, batch_effect=1, signal=1)
    before = data.copy()
    before.X = before.X + np.random.default_rng(0).normal(size=before.X.shape).astype(np.float32)
    tables.write(before, tmp_path / "before.parquet")
    unit = [None if kind == "negcon" else name for kind, name in zip(data.obs["control_type"], data.obs["perturbation"], strict=True)]

    known: dict[tuple[str, ...], dict[str, Score]] = {}

    def scored(part: anndata.AnnData, which: str) -> Score:
        key = tuple(part.obs_names)
        if key not in known:
            found = rows(mixing.evaluate(part, k=6, with_baselines=False, before=str(tmp_path / "before.parquet")))
            known[key] = {s.metric: s for s in found}
        return known[key][which]

    for metric in ("graph connectivity (scib)", "graph connectivity (scib-metrics)", aggregates.NEIGHBOURS_KEPT, "silhouette batch"):
        left = deleted(lambda part, metric=metric: scored(part, metric).value, data, unit, pairs=False)
        expected, found = jackknife.of_score(left, unit="perturbation"), scored(data, metric)
        assert (found.clusters, found.about) == (7, "other perturbations")
        assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high)), metric


def test_a_large_table_gets_the_t_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_scores, "MOST_ROWS", 0)
    found = {s.metric: s for s in rows(mixing.evaluate(batches(1, batch_effect=1, signal=1), k=6, with_baselines=False))}
    assert found["graph connectivity (scib)"].interval == "t over perturbations"
