"""Grit against cytominer-eval's definition in a plain loop, its null, its interval over controls, and what cannot be measured."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluation.rows import rows
from tests.evaluation.screens import screen
from tests.evaluation.small import plates

from impasto.evaluation import grit
from impasto.evaluation.grit import evaluate
from impasto.schema import InputError
from impasto.statistics import counted, jackknife


def naive(x: np.ndarray, own: np.ndarray, controls: np.ndarray) -> float:
    """Each well in turn: z of its correlations with the other wells, by its correlations with the controls."""
    of_wells = []
    for i in own:
        reference = np.array([np.corrcoef(x[i], x[c])[0, 1] for c in controls])
        z = [(np.corrcoef(x[i], x[j])[0, 1] - reference.mean()) / reference.std(ddof=0) for j in own if j != i]
        of_wells.append(np.mean(z))
    return float(np.mean(of_wells))


@pytest.mark.parametrize("which", ["plates", "all"])
def test_grit_is_the_definition(which: str) -> None:
    data = screen(perturbations=20, active=5, spared=28, width=10)
    data = data[~((data.obs["perturbation"] == "p03") & (data.obs["plate"] == "P2")).to_numpy()].copy()
    result = evaluate(data, controls=which, with_baselines=False)
    x, obs = data.X.astype(np.float64), data.obs
    per = result.per_group.set_index("perturbation")
    for name in ("p00", "p03", "p15"):
        own = np.flatnonzero((obs["perturbation"] == name).to_numpy())
        judges = (obs["control_type"] == "negcon").to_numpy().copy()
        if which == "plates":
            judges &= obs["plate"].isin(obs["plate"].iloc[own]).to_numpy()
        assert per.loc[name, "grit"] == pytest.approx(naive(x, own, np.flatnonzero(judges)), abs=1e-4)
    assert rows(result)[0].value == pytest.approx(per["grit"].mean())
    assert result.per_well["grit"].mean() == pytest.approx((per["grit"] * per["wells"]).sum() / per["wells"].sum())


def test_only_spared_controls_judge_and_a_position_plays_against_the_others() -> None:
    data = screen(perturbations=20, controls=30, spared=15, width=10)
    result = evaluate(data, with_baselines=False)
    x, obs = data.X.astype(np.float64), data.obs
    spared = np.flatnonzero(obs["spared"].to_numpy())
    null = []
    for well in obs["well"].iloc[spared].unique():
        own = spared[(obs["well"].iloc[spared] == well).to_numpy()]
        null.append(naive(x, own, np.setdiff1d(spared, own)))
    assert len(null) == 15
    per = result.per_group
    expected = [(1 + sum(v >= g for v in null)) / 16 for g in per["grit"]]
    assert per["p_value"].tolist() == pytest.approx(expected)
    score = rows(result)[0]
    assert score.chance == pytest.approx(np.mean(null), abs=1e-4)


def test_a_perturbation_of_fewer_wells_is_put_among_positions_of_as_many() -> None:
    data = screen(perturbations=20, controls=30, spared=15, width=10)
    data = data[~((data.obs["perturbation"] == "p03") & (data.obs["plate"] == "P2")).to_numpy()].copy()
    x, obs = data.X.astype(np.float64), data.obs
    spared = np.flatnonzero(obs["spared"].to_numpy())
    null = []
    for well in obs["well"].iloc[spared].unique():
        own = spared[(obs["well"].iloc[spared] == well).to_numpy()][:2]
        judges = spared[obs["plate"].iloc[spared].isin(["P0", "P1"]).to_numpy()]
        null.append(naive(x, own, np.setdiff1d(judges, own)))
    p03 = evaluate(data, with_baselines=False).per_group.set_index("perturbation").loc["p03"]
    assert p03["p_value"] == pytest.approx((1 + sum(v >= p03["grit"] for v in null)) / 16)
    assert p03["grit"] == pytest.approx(naive(x, np.flatnonzero((obs["perturbation"] == "p03").to_numpy()), judges), abs=1e-4)


def test_the_interval_leaves_out_perturbations_and_control_wells() -> None:
    data = screen(perturbations=22, spared=28, width=6)
    score = rows(evaluate(data, with_baselines=False))[0]
    assert score.unit == "perturbation and control well"
    assert len(score.parts) == 0
    left = evaluate(data, with_baselines=False).left_out
    of_controls = left[left["part"] > 0]
    assert of_controls["part"].nunique() == 3
    assert (of_controls.groupby("part").size() == 8).all()
    # One group of controls of the first plate, by hand.
    obs = data.obs
    pool = np.flatnonzero(((obs["plate"] == "P0") & (obs["control_type"] == "negcon")).to_numpy())
    ordered = pool[np.argsort(obs["well"].iloc[pool].to_numpy(), kind="stable")]
    gone = ordered[jackknife.deal(28, seed=0, most=8) == 0]
    kept = np.setdiff1d(np.flatnonzero((obs["control_type"] == "negcon").to_numpy()), gone)
    x = data.X.astype(np.float64)
    names = sorted(set(obs["perturbation"]) - {"DMSO"})
    expected = np.mean([naive(x, np.flatnonzero((obs["perturbation"] == n).to_numpy()), kept) for n in names])
    assert of_controls["value"].iloc[0] == pytest.approx(expected, abs=1e-4)


def test_inert_perturbations_stand_among_control_positions() -> None:
    shares, p = [], []
    for seed in range(25):
        scores = rows(evaluate(screen(seed=seed, perturbations=30, spared=28, width=6, position=1.0), seed=seed, with_baselines=False))
        shares.append(scores[1].value)
        p.append(scores[0].p_chance)
        assert scores[1].chance == 0.05
    assert np.mean(shares) == pytest.approx(0.05, abs=0.035)
    assert np.mean(np.array(p) <= 0.1) <= 0.3
    acting = rows(evaluate(screen(perturbations=30, active=30, spared=28, width=40), with_baselines=False))
    assert acting[1].value > 0.9
    assert acting[0].p_chance is not None
    assert acting[0].p_chance < 0.01


def test_few_positions_give_grit_without_p_and_alike_controls_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    result = evaluate(plates())
    assert set(result.scores["metric"]) == {"mean grit"}
    assert result.per_group["p_value"].isna().all()
    assert "control positions can play a perturbation, and 12 are needed" in " ".join(capsys.readouterr().out.split())
    alike = screen()
    alike.X[(alike.obs["control_type"] == "negcon").to_numpy()] = np.arange(8)
    with pytest.raises(InputError, match="controls of each plate are all alike"):
        evaluate(alike)
    none = plates()
    none.obs["control_type"] = none.obs["control_type"].replace("negcon", "trt")
    with pytest.raises(InputError, match="negative controls, and none is marked"):
        evaluate(none)
    assert grit.CALLED_AT == 0.05


def test_the_interval_of_the_share_above_positions_takes_the_draw_of_positions() -> None:
    data = screen(perturbations=30, active=30, spared=28, width=12, effect=0.7)
    result = evaluate(data, with_baselines=False)
    score = rows(result)[1]
    assert score.unit == "perturbation and control position"
    per = result.per_group
    reached = np.round(per["p_value"] * 29 - 1).astype(int).to_numpy()
    above = reached == 0
    assert score.value == pytest.approx(above.mean())
    assert 0 < score.value < 1
    beside = counted.variance(reached, above, of=28)
    own = jackknife.leave_out(lambda keep: float(above[keep].mean()), 30, seed=0, pairs=False)
    expected = jackknife.of_score(own, unit="u", beside=beside)
    assert (score.low, score.high) == pytest.approx((expected.low, expected.high))
    alone = jackknife.of_score(own, unit="u")
    assert expected.high - expected.low > alone.high - alone.low  # type: ignore[operator]
