"""Means of terms on halves of the perturbations, against the same tables cut by hand."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluation.rows import rows
from tests.evaluation.test_aggregates import BATCH, plates

from impasto.evaluation import aggregates, classify, conservation, halves, labelled, mixing
from impasto.evaluation.tidy import Score

T_15 = 2.131450


def kept(half: int) -> set[str]:
    """The compounds of a half: six of them in random order, the first three places stay."""
    rng = np.random.default_rng([0, 16])
    for _ in range(half):
        rng.permutation(6)
    return {f"c{i}" for i in np.flatnonzero(rng.permutation(6) < 3)}


def around(value: float, scores: list[float]) -> tuple[float, float]:
    reach = T_15 * np.std(scores, ddof=1) / (value * (1 - value))
    low, high = (1 / (1 + np.exp(-(np.log(value / (1 - value)) + sign * reach))) for sign in (-1, 1))
    return low, high


def test_a_half_keeps_half_of_the_compounds_with_all_wells_and_all_controls() -> None:
    data = plates()
    where = labelled.of(data, batch="auto", label="perturbation", pool_doses=False)
    made = halves.of(where, seed=0)
    names = data.obs["perturbation"].to_numpy(dtype=str)[where.rows]
    assert len(made) == 16
    for number, half in enumerate(made):
        assert set(names[half]) == kept(number) | {"DMSO"}
        assert half.sum() == np.isin(names, [*kept(number), "DMSO"]).sum()


@pytest.mark.parametrize("protocol", ["arevalo", "cellpaintr-scib"])
def test_an_overall_score_is_made_again_on_tables_of_half_of_the_compounds(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = plates()
    found = {s.metric: s for s in rows(conservation.evaluate(data, k=5, protocol=protocol, with_baselines=False))}
    mixed = {s.metric: s for s in rows(mixing.evaluate(data, k=5, protocol=protocol, with_baselines=False))}
    # One deal of folds in a half, and no halves of halves.
    monkeypatch.setattr(classify, "DEALS", 1)
    monkeypatch.setattr(aggregates.halves, "of", lambda *_, **__: [])
    parts = []
    for number in range(16):
        part = data[data.obs["perturbation"].isin([*kept(number), "DMSO"])].copy()
        parts.append({s.metric: s.value for s in rows(conservation.evaluate(part, k=5, protocol=protocol, with_baselines=False))})
    biology = "biology score (arevalo)" if protocol == "arevalo" else "biology score (Eq. 22)"
    for metric in (f"batch score ({protocol})", biology, f"overall ({protocol})"):
        score = found[metric]
        low, high = around(score.value, [part[metric] for part in parts])
        assert (score.low, score.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4)), metric
        assert (score.interval, score.unit, score.clusters, score.df) == ("halves", "perturbation", 6, 15)
        assert score.about == "other perturbations, every term scored again on halves of them"
    batch = f"batch score ({protocol})"
    assert (mixed[batch].low, mixed[batch].high) == (pytest.approx(found[batch].low), pytest.approx(found[batch].high))


def test_terms_that_err_together_or_against_each_other_are_not_taken_apart() -> None:
    data = plates()
    where = labelled.of(data, batch="auto", label="perturbation", pool_doses=False)
    steps = np.linspace(-0.1, 0.1, 16)
    weights = {"a": 0.5, "b": 0.5}
    against = halves.of_sum(0.5, weights, [{"a": 0.5 + s, "b": 0.5 - s + 0.001 * s} for s in steps], where)
    together = halves.of_sum(0.5, weights, [{"a": 0.5 + s, "b": 0.5 + s} for s in steps], where)
    assert against.high - against.low < 0.01 * (together.high - together.low)
    assert (together.low, together.high) == pytest.approx(around(0.5, list(0.5 + steps)))


def test_a_term_that_many_halves_lack_leaves_the_ends_joined() -> None:
    data = plates()
    where = labelled.of(data, batch="auto", label="perturbation", pool_doses=False)
    terms = [{"a": 0.5, "b": 0.4 + 0.01 * i} if i < 12 else {"a": 0.5} for i in range(16)]
    assert halves.of_sum(0.5, {"a": 0.5, "b": 0.5}, terms, where).low is None
    assert halves.of_sum(0.5, {"a": 0.5, "b": 0.5}, [*terms[:12], *terms[:1]], where).low is not None
    score = Score("t", "p", "profiles", "sum", 0.5, 0.1, 0.9, None, 3, interval="ends joined")
    assert aggregates._surer(score, {"a": 0.5, "b": 0.5}, aggregates.Again("profiles", where, terms)) is score
    assert aggregates._surer(score, {"a": 1.0}, aggregates.Again("other", where, terms)) is score
    assert aggregates._surer(score, {"a": 1.0}, None) is score


def test_baselines_join_the_ends_of_their_terms() -> None:
    data = plates()
    mixed = [s for s in rows(mixing.evaluate(data, k=5)) if s.group == "position only"]
    of_metric = {s.metric: s for s in mixed}
    batch = of_metric["batch score (cellpaintr-scib)"]
    assert batch.interval == "ends joined"
    for end in ("low", "high"):
        assert getattr(batch, end) == pytest.approx(np.mean([getattr(of_metric[part], end) for part in BATCH]))
