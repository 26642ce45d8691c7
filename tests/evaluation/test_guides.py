"""Guides: T and p by hand, weights within genes, the consensus, agreement, and tables that lack what is needed."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluation.rows import rows
from tests.evaluation.test_same_label import naive

from impasto.evaluation.guides import evaluate
from impasto.schema import InputError


def guides(*, seed: int = 0, genes: int = 10, active: int = 4, controls: int = 20, plates: int = 3, width: int = 6, effect: float = 3.0):
    """Genes of two guides, the first of which acts on the first genes; non-targeting guides; one well of each a plate."""
    rng = np.random.default_rng(seed)
    of_gene = effect * rng.normal(size=(genes, width))
    rows_, values = [], []
    for plate in range(plates):
        every = [(f"g{g}_{i}", f"G{g}", "trt") for g in range(genes) for i in (1, 2)] + [(f"n{c}", None, "negcon") for c in range(controls)]
        for number, (guide, gene, kind) in enumerate(every):
            acts = gene is not None and int(gene[1:]) < active and guide.endswith("1")
            well = f"{'ABCDEFGH'[number // 12]}{number % 12 + 1:02d}"
            rows_.append((f"P{plate}", well, guide, guide, gene, kind, "crispr"))
            values.append(rng.normal(size=width) + plate + (of_gene[int(gene[1:])] if acts else 0))
    columns = ["plate", "well", "guide", "perturbation", "gene", "control_type", "perturbation_type"]
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=pd.DataFrame(rows_, columns=columns).rename(index=str))


def by_hand(data: anndata.AnnData) -> dict[str, float]:
    """T of every guide, each about the non-targeting wells of its plates that are not its own."""
    x, obs = data.X.astype(np.float64), data.obs
    for plate in obs["plate"].unique():
        own = (obs["plate"] == plate).to_numpy()
        x[own] -= x[own].mean(axis=0)
    x /= x.std(axis=0)
    negative = (obs["control_type"] == "negcon").to_numpy()
    statistics = {}
    for name in obs["guide"].unique():
        own = np.flatnonzero((obs["guide"] == name).to_numpy())
        others = negative & (obs["guide"] != name).to_numpy()
        y = [x[i] - x[others & (obs["plate"] == obs["plate"].iloc[i]).to_numpy()].mean(axis=0) for i in own]
        statistics[name] = float(np.mean([y[a] @ y[b] for a in range(len(y)) for b in range(len(y)) if a < b]))
    return statistics


def test_t_p_and_weights_are_by_hand() -> None:
    data = guides()
    expected = by_hand(data)
    per = evaluate(data, shuffles=0).per_group.set_index("guide")
    null = np.array([v for name, v in expected.items() if name.startswith("n")])
    for name in per.index:
        assert per.loc[name, "T"] == pytest.approx(expected[name], rel=1e-3, abs=1e-4)
        assert per.loc[name, "p"] == pytest.approx((1 + (null >= expected[name] - 1e-9).sum()) / 21)
    raw = {name: np.sqrt(max(expected[name] - null.mean(), 0)) for name in per.index}
    for gene, own in per.groupby("gene"):
        assert own["weight"].sum() == pytest.approx(1)
        total = sum(raw[name] for name in own.index)
        for name in own.index:
            assert own.loc[name, "weight"] == pytest.approx(raw[name] / total if total else 0.5, abs=1e-3), gene
    acting = [f"g{g}_1" for g in range(4)]
    assert (per.loc[acting, "p"] <= 0.05).all()
    assert (per.loc[acting, "weight"] > 0.7).all()
    assert (evaluate(data, weights="equal", shuffles=0).per_group["weight"] == 0.5).all()


def test_the_consensus_is_the_weighted_mean_about_non_targeting_wells() -> None:
    data = guides()
    result = evaluate(data, shuffles=0)
    consensus = result.tables["consensus"].set_index("gene")
    assert consensus["guides"].tolist() == [2] * 10
    x, obs = data.X.astype(np.float64), data.obs
    for plate in obs["plate"].unique():
        own = (obs["plate"] == plate).to_numpy()
        x[own] -= x[own & (obs["control_type"] == "negcon").to_numpy()].mean(axis=0)
    weight = result.per_group.set_index("guide")["weight"]
    expected = sum(weight[f"g2_{i}"] * x[(obs["guide"] == f"g2_{i}").to_numpy()].mean(axis=0) for i in (1, 2))
    np.testing.assert_allclose(consensus.loc["G2", list(data.var_names)].to_numpy(dtype=float), expected, atol=1e-4)
    means = np.stack([x[(obs["guide"] == name).to_numpy()].mean(axis=0) for name in result.per_group["guide"]])
    agreement = next(s for s in rows(result) if s.metric.startswith("cosine"))
    assert agreement.value == pytest.approx(naive(means, pd.factorize(result.per_group["gene"])[0]), abs=1e-5)
    assert agreement.unit == "gene"


def test_inert_guides_are_called_at_their_level_by_counting_and_by_t() -> None:
    for tail in ("counted", "t"):
        share = [
            next(s.value for s in rows(evaluate(guides(seed=seed, active=0, controls=24), tail=tail, shuffles=0)) if "p <=" in s.metric)
            for seed in range(30)
        ]
        assert np.mean(share) == pytest.approx(0.05, abs=0.04)


def test_few_non_targeting_guides_leave_weights_equal_and_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    result = evaluate(guides(controls=6), shuffles=9)
    assert (result.per_group["weight"] == 0.5).all()
    assert "active" not in result.per_group
    assert len(result.scores) == 1
    assert "6 non-targeting guides of two wells or more are marked, and 12 are needed" in " ".join(capsys.readouterr().out.split())
    evaluate(guides(), shuffles=0)
    assert "20 non-targeting guides: the smallest p is 0.0476; of 20 guides, 20 must reach it" in " ".join(capsys.readouterr().out.split())


def test_what_is_missing_is_one_sentence() -> None:
    data = guides()
    with pytest.raises(InputError, match="no column 'guid'"):
        evaluate(data, guide="guid")
    with pytest.raises(InputError, match="no guide of a gene has two wells"):
        evaluate(guides(plates=1))
    data.obs.loc[data.obs["guide"].isin(["g1_1", "g2_1"]), "guide"] = "same"
    with pytest.raises(InputError, match="the guide 'same' stands for several genes"):
        evaluate(data)
    single = guides(controls=3)
    single.obs["gene"] = single.obs["guide"].where(single.obs["control_type"] == "trt", None)
    with pytest.raises(InputError, match="guides can be neither judged nor compared"):
        evaluate(single)
    flat = guides()
    flat.X[:] = 0
    with pytest.raises(InputError, match="none of 6 features varies"):
        evaluate(flat)


def test_the_interval_of_activity_leaves_out_guides_that_judge_and_their_wells() -> None:
    data = guides(controls=20, active=8, effect=0.9)
    result = evaluate(data, shuffles=0)
    score = next(s for s in rows(result) if s.metric == "share of guides with p <= 0.05")
    assert score.unit == "gene and non-targeting guide"
    left = result.left_out[(result.left_out["metric"] == score.metric) & (result.left_out["part"] == 1)]
    assert len(left) == 20
    # Each judge in turn: the table without it, whose p may still be as small as with all twenty.
    judges = sorted(n for n in data.obs["guide"].unique() if str(n).startswith("n"))
    expected = []
    for name in judges:
        statistics = by_hand_about(data, without=name)
        null = np.array([v for n, v in statistics.items() if n.startswith("n")])
        p = [(1 + (null >= v - 1e-9).sum()) / 21 for n, v in statistics.items() if n.startswith("g")]
        expected.append(np.mean(np.array(p) <= 0.05))
    assert len(set(expected)) > 1
    assert sorted(left["value"]) == pytest.approx(sorted(expected))


def by_hand_about(data: anndata.AnnData, *, without: str) -> dict[str, float]:
    """T of every guide as `by_hand`, in the axes of the whole table, where one non-targeting guide centres no plate and judges nothing."""
    x, obs = data.X.astype(np.float64), data.obs
    for plate in obs["plate"].unique():
        own = (obs["plate"] == plate).to_numpy()
        x[own] -= x[own].mean(axis=0)
    x /= x.std(axis=0)
    negative = ((obs["control_type"] == "negcon") & (obs["guide"] != without)).to_numpy()
    statistics = {}
    for name in [n for n in obs["guide"].unique() if n != without]:
        own = np.flatnonzero((obs["guide"] == name).to_numpy())
        others = negative & (obs["guide"] != name).to_numpy()
        y = [x[i] - x[others & (obs["plate"] == obs["plate"].iloc[i]).to_numpy()].mean(axis=0) for i in own]
        statistics[name] = float(np.mean([y[a] @ y[b] for a in range(len(y)) for b in range(len(y)) if a < b]))
    return statistics


def test_the_smallest_p_stays_where_non_targeting_guides_leave() -> None:
    """All of the first guides are above every non-targeting one: p of 1 / 21 with all twenty, and with any group of them gone."""
    data = guides(active=10, effect=6.0)
    result = evaluate(data, shuffles=0)
    metric = "share of guides with p <= 0.05"
    assert (result.per_group["p"] <= 0.05).mean() == pytest.approx(0.5, abs=0.1)
    left = result.left_out[(result.left_out["metric"] == metric) & (result.left_out["part"] == 1)]["value"]
    # Counted among the nineteen that stay, p would be 1 / 20 and as small; among fewer it would not be.
    assert len(left) == 20
    assert (left >= 0.5).all()
    few = guides(active=10, effect=6.0, controls=19)
    shares = evaluate(few, shuffles=0).left_out.query("metric == @metric and part == 1")["value"]
    assert (shares >= 0.5).all()
