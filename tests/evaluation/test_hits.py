"""Hits as a user asks for them: the scores, the tables, what is said, and what is refused."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.evaluation.screens import screen
from tests.evaluation.small import plates

from impasto import identity
from impasto.evaluation import positions, reasons
from impasto.evaluation.calls import call
from impasto.evaluation.design import design
from impasto.evaluation.hits import evaluate
from impasto.schema import InputError


def test_planted_effects_are_hits_and_the_others_are_not() -> None:
    result = evaluate(screen(perturbations=40, active=15, width=20, effect=1.5), draws=4000)
    hit = result.per_group.set_index("perturbation")["hit"]
    assert hit[:15].mean() > 0.9
    assert hit[15:].mean() < 0.1


@pytest.mark.parametrize(
    "layout", [{"scrambled": True}, {"wells": 2, "plates": 2}, {"perturbations": 12, "plates": 5}], ids=["scrambled", "two", "few"]
)
def test_the_order_of_the_rows_changes_no_call(layout: dict[str, int]) -> None:
    table = screen(**{"perturbations": 24, "active": 6, "controls": 30, "spared": 15, "effect": 0.7, **layout})
    shuffled = table[np.random.default_rng(3).permutation(table.n_obs)].copy()
    first, second = (evaluate(each, draws=500) for each in (table, shuffled))
    pd.testing.assert_frame_equal(first.per_group, second.per_group, rtol=1e-5)
    pd.testing.assert_frame_equal(first.scores, second.scores, rtol=1e-5)


def test_the_tables_are_those_of_the_calls() -> None:
    data = screen(perturbations=24, active=6, controls=30, spared=15, effect=1.0)
    result = evaluate(data, draws=3000, seed=2)
    where = design(data, pool_doses=False, by_batch=False, seed=2)
    which = positions.played(where, seed=2)
    made = call(data.X, where, which, test="auto", components=50, draws=3000, rate=0.05, seed=2)
    per = result.per_group
    for column in ("T", "p", "p1", "p2", "q", "kept"):
        np.testing.assert_allclose(per[column], made.per[column])
    assert per["hit"].tolist() == made.per["called"].tolist()
    assert per.loc[~per["hit"], "reason"].tolist() == reasons.of_misses(made.per, rate=0.05)[~made.per["called"]].tolist()
    assert per.loc[per["hit"], "reason"].str.startswith("features ").all()
    assert set(result.tables["reasons"]["perturbation"]) == set(per.loc[per["hit"], "perturbation"])
    assert len(result.per_well) == 3 * (24 + 15)
    scores = result.scores.set_index(["group", "metric"])["value"]
    assert scores["profiles", "share of hits"] == per["hit"].mean()
    assert scores["spared positions", "share with p <= 0.05"] == made.spared.mean()
    assert scores["profiles", "share of hits kept without a plate"] == pytest.approx(per.loc[per["hit"], "kept"].mean())
    assert ("position only", "share of hits") in scores.index


def test_the_interval_is_wilsons_and_the_chance_of_spared_positions_is_their_level() -> None:
    scores = evaluate(screen(perturbations=24, active=6, controls=30, spared=15), draws=500).scores.set_index(["group", "metric"])
    spared = scores.loc[("spared positions", "share with p <= 0.05")]
    assert (spared["chance"], spared["n"], spared["unit"], spared["interval"]) == (0.05, 15, "position", "wilson")
    share = scores.loc[("profiles", "share of hits")]
    assert (share["chance"], share["n"], share["unit"]) == (0.0, 24, "perturbation")
    assert 0 <= share["low"] < share["value"] < share["high"] <= 1


@pytest.mark.parametrize(
    ("data", "protocol"),
    [
        (screen(perturbations=24), "reproduction over wells, false discovery 0.05 over the run"),
        (screen(perturbations=24, spared=11), "reproduction over wells, false discovery 0.05 over the run, position not excluded"),
        (plates(), "distance to plate controls, 50 components, false discovery 0.05 over the run"),
    ],
)
def test_the_protocol_says_what_was_tested_and_what_is_not_excluded(data: anndata.AnnData, protocol: str) -> None:
    assert set(evaluate(data, draws=500).scores["protocol"]) == {protocol}


def test_a_run_that_is_not_calibrated_calls_no_hit(capsys: pytest.CaptureFixture[str]) -> None:
    data = screen(perturbations=24, active=6, whole=True)
    identity.record_step(data, {"method": "standardize"})
    result = evaluate(data, draws=500)
    assert "hit" not in result.per_group
    assert set(result.per_group["reason"]) == {"NOT CALIBRATED"}
    assert "share of hits" not in set(result.scores["metric"])
    assert result.per_well.empty
    assert "NOT CALIBRATED, so no hit is called: a correction learned from all negative controls" in " ".join(
        capsys.readouterr().out.split()
    )
    fooled = evaluate(screen(perturbations=24, controls=20, spared=10, position=2.0), draws=500)
    assert "hit" not in fooled.per_group
    assert fooled.scores["group"].tolist() == ["spared positions"]
    said = " ".join(capsys.readouterr().out.split())
    assert "of 10 spared control positions at 0.05; look at the position of wells" in said
    called = int(said.split("the test calls ")[1].split(" of 10")[0])
    ends = stats.binomtest(called, 10).proportion_ci(0.95, method="wilson")
    assert called > 2
    assert f"of other positions it would call {ends.low:.2f} to {ends.high:.2f}, and 0.1 is the most" in said
    assert fooled.scores["protocol"].iloc[0].endswith("position not excluded, NOT CALIBRATED")


def test_the_plan_is_printed_first_and_alone_where_asked(capsys: pytest.CaptureFixture[str]) -> None:
    data = screen(plates=2, perturbations=72, controls=12, spared=12, whole=True)
    result = evaluate(data, plan=True, test="distance")
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith(
        "2 plates, 12 controls each: the smallest p is 0.0059; of 72 perturbations, 9 must reach it for one to be called"
    )
    values = result.scores.set_index("metric")["value"]
    assert values["smallest p-value"] == pytest.approx(1 / 169)
    assert (values["hits needed at the smallest p-value"], values["controls a plate for a lone hit"]) == (9, 37)
    assert result.per_group.empty
    assert result.tables["plan"]["perturbations"].tolist() == [72]
    evaluate(screen(perturbations=24), draws=100)
    assert capsys.readouterr().out.startswith("3 plates, reproduction is tested: the smallest p is")


def test_doses_are_tested_apart_unless_pooled() -> None:
    data = plates(doses=True)
    apart, pooled = evaluate(data, draws=20), evaluate(data, draws=20, pool_doses=True)
    assert apart.per_group["perturbation"].tolist() == [f"{n}@{d}" for n in "abcd" for d in (1, 10)]
    assert set(apart.per_group["family"]) == {"single doses"}
    assert pooled.per_group["perturbation"].tolist() == list("abcd")
    assert apart.scores["protocol"].iloc[0].endswith(", doses apart")
    assert pooled.scores["protocol"].iloc[0].endswith(", doses pooled")


def test_potent_compounds_have_lower_benchmark_doses() -> None:
    rng = np.random.default_rng(3)
    doses, rows, values = [0.03, 0.1, 0.3, 1.0, 3.0, 10.0], [], []
    for plate in range(3):
        for name, ec50 in (("potent", 0.1), ("weak", 3.0)):
            for dose in doses:
                rows.append((f"P{plate}", name, "trt", dose))
                values.append(rng.normal(size=20) + 4 * dose / (dose + ec50))
        for _ in range(20):
            rows.append((f"P{plate}", "DMSO", "negcon", 0.0))
            values.append(rng.normal(size=20))
    obs = pd.DataFrame(rows, columns=["plate", "perturbation", "control_type", "concentration"]).rename(index=str)
    details = evaluate(anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs), components=20, draws=100).details()
    assert details["dose_response"]["curve"].all()
    at = details["dose_response"].set_index("perturbation")["benchmark_concentration"]
    assert at["potent"] < at["weak"]


def test_names_of_one_inchikey_are_one_where_asked() -> None:
    data = screen(perturbations=24)
    data.obs["inchikey"] = data.obs["perturbation"].replace({"p01": "p00"}).where(data.obs["control_type"] == "trt")
    result = evaluate(data, draws=200, same_as="inchikey")
    assert len(result.per_group) == 23
    assert result.per_group["wells"].max() == 6
    assert result.tables["merged"]["names"].tolist() == ["p00, p01"]


def test_what_was_left_out_is_in_a_table_with_its_reason() -> None:
    data = screen(perturbations=24)
    data.obs.loc[data.obs.index[:2], "perturbation"] = None
    table = evaluate(data, draws=200).tables["left_out"]
    assert table.to_dict("records") == [{"profiles": "profiles", "reason": "2 wells of which nobody said what was done to them"}]


def test_a_baseline_that_never_varies_calls_nothing() -> None:
    data = screen(perturbations=24)
    data.obs["cell_count"] = 100
    scores = evaluate(data, draws=200).scores.set_index("group")["value"]
    assert scores["cell count only"] == 0.0


@pytest.mark.parametrize(
    ("change", "settings", "sentence"),
    [
        (lambda d: d[(d.obs["control_type"] == "trt").to_numpy()].copy(), {}, "needs negative controls, and none is marked"),
        (lambda d: d, {"rate": 0}, "rate is 0; a false discovery rate lies between 0 and 1"),
        (lambda d: d, {"rate": 1.5}, "rate is 1.5"),
        (lambda d: d, {"draws": 0}, "draws is 0"),
        (lambda d: d, {"components": 0}, "draws is 20000 and components is 0; both are 1 or more"),
        (lambda d: d, {"rate": 1}, "rate is 1; a false discovery rate lies between 0 and 1"),
        (lambda d: anndata.AnnData(X=np.ones_like(d.X), obs=d.obs), {}, "none of 8 features varies"),
        (lambda d: anndata.AnnData(X=np.where(np.arange(8) == 3, np.nan, d.X), obs=d.obs), {}, "missing or infinite"),
        (lambda d: anndata.AnnData(X=d.X, obs=d.obs.drop(columns="perturbation")), {}, "needs the column 'perturbation'"),
        (lambda d: d, {"family": "batch"}, None),
    ],
)
def test_bad_input_is_one_sentence(change, settings: dict, sentence: str | None) -> None:
    data = change(screen(perturbations=24))
    if sentence is None:
        assert set(evaluate(data, draws=100, **settings).per_group["family"]) == {"batch X"}
        return
    with pytest.raises(InputError, match=sentence):
        evaluate(data, **settings)
