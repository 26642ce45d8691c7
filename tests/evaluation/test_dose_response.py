"""Curves of a table: which compounds get one and why others do not, what is named, and how often flat ones are called."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto.evaluation import dose_response
from impasto.evaluation.dose_response import Curves
from impasto.statistics import discovery

DOSES = np.geomspace(0.03, 100, 8)


def _plates(
    *, doses: np.ndarray = DOSES, plates: int = 3, compounds: int = 6, active: int = 2, ec50: float = 1.0, reach: float = 6.0, seed: int = 0
) -> tuple[np.ndarray, pd.DataFrame]:
    """Plates of 12 controls; the first compounds act along a direction of their own."""
    rng = np.random.default_rng(seed)
    towards = rng.normal(size=(compounds, 20))
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    rows, values = [], []
    for plate in range(plates):
        shift = rng.normal(size=20)
        rows += [(f"P{plate}", "DMSO", "negcon", 0.0)] * 12
        values.append(rng.normal(size=(12, 20)) + shift)
        for dose in doses:
            rows += [(f"P{plate}", f"c{number}", "trt", float(dose)) for number in range(compounds)]
            effect = np.where(np.arange(compounds) < active, reach / (1 + (ec50 / dose) ** 1.5), 0.0)[:, None] * towards
            values.append(rng.normal(size=(compounds, 20)) + shift + effect)
    obs = pd.DataFrame(rows, columns=["plate", "perturbation", "control_type", "concentration"]).rename(index=str)
    return np.concatenate(values), obs


def _curves(values: np.ndarray, obs: pd.DataFrame, **settings: float) -> Curves:
    where = obs["plate"].to_numpy(dtype=str)
    negative = (obs["control_type"] == "negcon").to_numpy()
    controls = {plate: np.flatnonzero(negative & (where == plate)) for plate in np.unique(where)}
    return dose_response.curves(values, obs, where, controls, **settings)


def test_compounds_that_act_have_a_curve_and_an_ec50() -> None:
    result = _curves(*_plates())
    table = result.compounds.set_index("perturbation")
    assert table["curve"].tolist() == [True, True, False, False, False, False]
    assert np.log10(table.loc[["c0", "c1"], "ec50"].to_numpy(dtype=float)) == pytest.approx([0, 0], abs=0.3)
    assert (table["ec50_low"] < table["ec50"])[:2].all()
    assert (table["ec50"] < table["ec50_high"])[:2].all()
    assert (table.loc[["c0", "c1"], "benchmark_concentration"] < table.loc[["c0", "c1"], "ec50"]).all()
    assert (table.loc[["c0", "c1"], "why"] == "").all()
    silent = table.loc[["c2", "c3", "c4", "c5"]]
    assert silent[["span", "slope", "ec50", "ec50_low", "ec50_high", "benchmark_concentration"]].isna().all(axis=None)
    assert silent["why"].str.startswith("not distinguished from flat (q = ").all()
    np.testing.assert_allclose(table["corrected_p_value"], discovery.corrected(table["p_value"].to_numpy()))
    assert result.smallest_p == 1 / 2000
    assert table["p_value"].min() == 1 / 2000
    assert sorted(result.lines["perturbation"].unique()) == ["c0", "c1"]
    assert (result.lines.groupby("perturbation").size() == 61).all()
    assert ((result.lines["low"] <= result.lines["response"]) & (result.lines["response"] <= result.lines["high"])).all()
    assert (result.points.groupby("perturbation").size() == 24).all()


def test_points_lie_about_the_line() -> None:
    """Wells stand on one scale with the line: residuals about it have a standard deviation near 1."""
    result = _curves(*_plates())
    for name in ("c0", "c1"):
        line = result.lines[result.lines["perturbation"] == name]
        wells = result.points[result.points["perturbation"] == name]
        expected = np.interp(np.log(wells["concentration"]), np.log(line["concentration"]), line["response"])
        left = wells["response"] - expected
        assert abs(left.mean()) < 0.8
        assert 0.5 < left.std() < 2


def test_the_order_of_rows_changes_nothing() -> None:
    values, obs = _plates()
    order = np.random.default_rng(0).permutation(len(obs))
    first, second = (_curves(v, o).compounds.set_index("perturbation") for v, o in ((values, obs), (values[order], obs.iloc[order])))
    np.testing.assert_allclose(first.loc[["c0", "c1"], "ec50"], second.loc[["c0", "c1"], "ec50"])
    np.testing.assert_allclose(first.loc[["c0", "c1"], "span"], second.loc[["c0", "c1"], "span"])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"doses": DOSES[:2]}, "2 doses; a curve needs 4"),
        ({"doses": DOSES[:3]}, "3 doses; a curve needs 4"),
        ({"plates": 1}, "all doses on one plate; the direction of a response is learned on another plate"),
    ],
)
def test_designs_without_a_curve_say_why(change: dict[str, object], why: str) -> None:
    result = _curves(*_plates(**change))  # type: ignore[arg-type]
    assert result.compounds["why"].tolist() == [why] * 6
    assert result.compounds["p_value"].isna().all()
    assert not result.compounds["curve"].any()
    assert result.tested.empty


def test_one_dose_and_no_dose_have_no_rows() -> None:
    assert _curves(*_plates(doses=DOSES[:1])).compounds.empty
    values, obs = _plates()
    assert _curves(values, obs.drop(columns="concentration")).compounds.empty
    assert list(_curves(values, obs.drop(columns="concentration")).compounds.columns) == list(dose_response.COLUMNS)


def test_wells_without_a_dose_are_counted() -> None:
    values, obs = _plates()
    gone = (obs["perturbation"] == "c0") & (obs["plate"] == "P1")
    obs.loc[gone, "concentration"] = np.nan
    table = _curves(values, obs).compounds.set_index("perturbation")
    assert table.loc["c0", ["wells", "left_out", "plates"]].tolist() == [16, 8, 2]
    assert table.loc["c1", ["wells", "left_out", "plates"]].tolist() == [24, 0, 3]


def test_a_benchmark_that_is_not_reached_is_no_curve() -> None:
    table = _curves(*_plates(), benchmark=60.0).compounds.set_index("perturbation")
    assert table.loc["c0", "why"] == "does not reach 60 standard deviations within the doses tried"
    assert not table["curve"].any()


def test_a_response_that_turns_around_on_the_other_plate_is_no_curve() -> None:
    values, obs = _plates(plates=2, active=0)
    rise = np.where(obs["perturbation"] == "c0", np.searchsorted(DOSES, obs["concentration"]) + 1.0, 0.0)
    side = np.where(obs["plate"] == "P0", 1.0, -1.0)
    values[:, 0] += 3 * rise * side
    row = _curves(values, obs).compounds.set_index("perturbation").loc["c0"]
    assert row["corrected_p_value"] < 0.05
    assert row["why"] == "moves another way on each plate"
    assert not row["curve"]


def test_the_rate_is_the_users() -> None:
    values, obs = _plates(reach=2.5, seed=3)
    q = _curves(values, obs).compounds.set_index("perturbation")["corrected_p_value"]
    strict = _curves(values, obs, rate=float(q.min())).compounds
    assert not strict["curve"].any()
    assert _curves(values, obs, rate=float(q.min()) * 1.001).compounds["curve"].any()


def test_features_that_do_not_vary_make_no_curve() -> None:
    values, obs = _plates()
    table = _curves(np.ones_like(values), obs).compounds
    assert (table["p_value"] == 1).all()
    assert not table["curve"].any()


def test_a_compound_named_by_dose_has_one_curve() -> None:
    values, obs = _plates()
    obs["perturbation"] = np.where(
        obs["perturbation"] == "c0", "c0@" + obs["concentration"].map("{:g}".format) + "uM", obs["perturbation"].astype(str)
    )
    table = _curves(values, obs).compounds.set_index("perturbation")
    assert table.loc["c0", ["wells", "doses"]].tolist() == [24, 8]


def test_the_protocol_says_how_small_p_can_be() -> None:
    result = _curves(*_plates())
    assert result.protocol(1.349, 0.05).endswith("false discovery 0.05, benchmark 1.349 sd, p >= 0.0005")
    many = Curves(pd.DataFrame({"p_value": np.full(250, 0.5)}), smallest_p=1 / 2000)
    # 250 x .0005 / k < .05 from k = 3 on (2 gives .0625).
    assert many.protocol(1.349, 0.05).endswith("p >= 0.0005, needed by 3 of 250 for any call")


def test_flat_compounds_are_called_at_their_rate() -> None:
    p = [_curves(*_plates(compounds=10, active=0, plates=2, seed=seed)).compounds["p_value"].to_numpy() for seed in range(12)]
    assert np.mean(np.concatenate(p) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 120)
    assert not np.allclose(p[0][0], p[0])


def test_hits_gives_the_curves_of_its_table() -> None:
    from impasto.evaluation import hits

    values, obs = _plates()
    result = hits.evaluate(anndata.AnnData(X=values.astype(np.float32), obs=obs), draws=50)
    assert result.tables["dose_response"]["curve"].sum() == 2
    row = result.scores.set_index("metric").loc["share with a dose curve"]
    assert row["value"] == pytest.approx(2 / 6)
    assert {"dose_curves", "dose_wells"} <= set(result.tables)


def test_where_a_band_reaches_the_benchmark() -> None:
    line = pd.DataFrame({"concentration": [1.0, 2.0, 4.0, 8.0], "low": [0.0, 0.5, 1.0, 1.5], "high": [1.0, 1.4, 3.0, 4.0]})
    assert dose_response.benchmark_interval(line, response=1.349) == (2.0, 8.0)
    low, high = dose_response.benchmark_interval(line.assign(low=0.0, high=[2.0, 3.0, 4.0, 5.0]), response=1.349)
    assert np.isnan([low, high]).all()


def test_each_compound_has_permutations_of_its_own_in_every_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def p_value(*_: object, seed: int, **__: object) -> float:
        asked.append(seed)
        return 0.5

    monkeypatch.setattr(dose_response.flat, "p_value", p_value)
    for seed in (0, 2):
        _curves(*_plates(compounds=3), seed=seed)
    assert asked == [0, 1, 2, 2_000_006, 2_000_007, 2_000_008]
