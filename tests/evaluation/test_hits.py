"""Hits: calibrated on noise, and the planted doses found again."""

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluation.small import plates

from impasto.evaluation import hits, permutation
from impasto.evaluation.hits import evaluate
from impasto.schema import InputError


def _plates(seed: int, *, effect: float, compounds: int = 30, controls: tuple[int, ...] = (8, 16, 24)) -> anndata.AnnData:
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(compounds, 12)) * effect
    direction[compounds // 2 :] = 0
    rows, values = [], []
    for plate, number in enumerate(controls):
        for well in range(compounds + number):
            treated = well < compounds
            rows.append((f"P{plate}", f"C{well:02d}" if treated else "DMSO", "trt" if treated else "negcon"))
            values.append(rng.normal(size=12) + (direction[well] if treated else 0) + plate)
    obs = pd.DataFrame(rows, columns=["plate", "perturbation", "control_type"]).rename(index=str)
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs)


def test_p_values_are_uniform_on_noise_with_unequal_controls() -> None:
    found = [evaluate(_plates(seed, effect=0, compounds=20), draws=199, seed=seed).per_group["p_value"].to_numpy() for seed in range(100)]
    for level in (0.01, 0.05, 0.1, 0.5):
        # The compounds of one layout share its controls, so layouts (not compounds) are what is independent.
        share = (np.array(found) <= level).mean(axis=1)
        assert abs(share.mean() - level) < 3 * share.std(ddof=1) / np.sqrt(len(share)), level


def test_planted_effects_are_hits_and_the_others_are_not() -> None:
    details = evaluate(_plates(0, effect=1.5), draws=500).details()
    hit = details["per_group"].set_index("perturbation")["hit"]
    assert hit[:15].mean() > 0.9
    assert hit[15:].mean() < 0.2


def test_the_distance_is_the_loop_of_its_definition() -> None:
    rng = np.random.default_rng(0)
    space = rng.normal(size=(12, 3))
    pools = [(np.array([0, 1]), np.array([2, 3, 4])), (np.array([5]), np.array([6, 7, 8, 9]))]
    length, null = hits.distance(space, pools, draws=50, seed=0)
    shift = [0.0, 0.0, 0.0]
    for treated, controls in pools:
        for d in range(3):
            shift[d] += sum(space[i][d] for i in treated) / len(treated) - sum(space[i][d] for i in controls) / len(controls)
    assert length == pytest.approx(sum((s / 2) ** 2 for s in shift) ** 0.5)
    assert null.shape == (50,)


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
    at = details["dose_response"].set_index("perturbation")["benchmark_concentration"]
    assert at["potent"] < at["weak"]


def test_no_controls_is_refused() -> None:
    profiles = _plates(0, effect=1, controls=(1, 1))
    with pytest.raises(InputError, match="two negative controls"):
        evaluate(profiles)


def test_the_table_of_hits_is_written_out_by_hand() -> None:
    """Every perturbation: its distance over plates, p against its own permutations, BH over those tested; unlabelled wells are not."""
    data = plates(signal=2.0)
    result = evaluate(data, components=4, draws=60, seed=3, rate=0.2)
    per = result.per_group.set_index("perturbation")
    assert per.index.tolist() == list("abcd")
    space = hits.scores_of_components(data.X, 4)
    plate = (data.obs["batch"] + data.obs["plate"]).to_numpy()
    p = {}
    for name in "abcd":
        chosen, negative = data.obs["perturbation"] == name, data.obs["control_type"] == "negcon"
        places = [plate == q for q in ("XP1", "XP2", "YP1")]
        sides = [(np.flatnonzero(chosen & here), np.flatnonzero(negative & here)) for here in places]
        shift = np.mean([space[t].mean(axis=0) - space[c].mean(axis=0) for t, c in sides], axis=0)
        length, null = hits.distance(space, sides, draws=60, seed=3)
        assert length == pytest.approx(float(np.sqrt((shift**2).sum())))
        assert per.loc[name, "distance"] == pytest.approx(length)
        p[name] = (1 + sum(n >= length - 1e-9 for n in null)) / 61
        assert per.loc[name, "p_value"] == pytest.approx(p[name])
        assert (per.loc[name, "wells"], per.loc[name, "plates"]) == (6, 3)
    ranked = sorted(p.values())
    for name in "abcd":
        corrected = min(q * 4 / (i + 1) for i, q in enumerate(ranked) if q >= p[name])
        assert per.loc[name, "corrected_p_value"] == pytest.approx(min(1.0, corrected))
        assert per.loc[name, "hit"] == (corrected < 0.2)
    share = result.scores[result.scores["group"] == "profiles"].iloc[0]
    assert (share["metric"], share["value"], share["n"], share["chance"]) == ("share of hits", per["hit"].mean(), 4, 0.0)
    assert share["protocol"] == "distance to plate controls, 4 components, false discovery 0.2"


def test_doses_are_tested_apart_unless_pooled() -> None:
    data = plates(doses=True)
    apart, pooled = evaluate(data, draws=20), evaluate(data, draws=20, pool_doses=True)
    assert apart.per_group["perturbation"].tolist() == [f"{n}@{d}" for n in "abcd" for d in (1, 10)]
    assert pooled.per_group["perturbation"].tolist() == list("abcd")
    assert apart.scores["protocol"].iloc[0].endswith(", doses apart")
    assert pooled.scores["protocol"].iloc[0].endswith(", doses pooled")
    assert evaluate(plates(), draws=20).scores["protocol"].iloc[0].endswith("false discovery 0.05")


def test_a_third_of_the_controls_play_treatments_against_the_others() -> None:
    data = plates()
    of = hits.Plates.of(data.obs, pool_doses=False)
    played = hits._controls_as_treatments(of, seed=0)
    assert played.treated.sum() == 6  # two of six on each of three plates
    assert set(played.names[played.treated]) == {"control 0", "control 1"}
    for plate, rows in played.controls.items():
        taken = np.flatnonzero(played.treated & (played.plate == plate))
        assert len(rows) == 4
        assert sorted([*rows, *taken]) == of.controls[plate].tolist()


def test_components_are_those_of_features_scaled_to_one_variance() -> None:
    from sklearn.decomposition import PCA

    values = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32) * [1, 10, 100, 1, 0]
    scaled = (values[:, :4] - values[:, :4].mean(axis=0)) / values[:, :4].std(axis=0)
    theirs = PCA(3).fit_transform(scaled.astype(np.float64))
    ours = hits.scores_of_components(values.astype(np.float32), 3)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-3)


def test_false_discovery_is_benjamini_and_hochbergs_and_nan_is_not_counted() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.5])
    # Sorted .01 .03 .04 .5 of four tests: p * 4 / rank, then never above what comes later.
    expected = [0.04, np.nan, 0.04 * 4 / 3, 0.04 * 4 / 3, 0.5]
    np.testing.assert_allclose(permutation.corrected(p), expected)
    assert np.isnan(permutation.corrected(np.array([np.nan]))).all()


def test_the_p_value_counts_ties_and_the_observed_one() -> None:
    assert permutation.p_value(0.5, np.array([0.5, 0.4, 0.6, 0.5 - 1e-12])) == pytest.approx(4 / 5)
    assert permutation.p_value(1.0, np.zeros(9)) == pytest.approx(1 / 10)


def test_a_hit_is_called_by_the_corrected_p_and_played_controls_by_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permutation, "corrected", lambda p: np.ones(len(p)))
    scores = evaluate(plates(signal=3.0), draws=30, rate=0.99).scores.set_index("metric")
    assert scores.loc["share of hits", "value"].tolist() == [0.0, 0.0]
    assert scores.loc["share with p < 0.99", "value"] > 0


def test_spared_controls_judge_alone_and_empty_wells_are_not_tested() -> None:
    data = plates()
    negative = (data.obs["control_type"] == "negcon").to_numpy()
    data.obs["spared"] = negative & data.obs["well"].isin(["B03", "B04"]).to_numpy()
    data.obs.loc[data.obs.index[0], "control_type"] = "empty"
    of = hits.Plates.of(data.obs, pool_doses=False)
    assert [len(rows) for rows in of.controls.values()] == [2, 2, 2]
    assert of.treated.sum() == 23
