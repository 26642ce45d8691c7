"""Nested choice against plain loops, optimism on shuffled mechanisms, and pairs that are as sure as they say."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.evaluation.test_ways import profiles

from impasto.evaluation import choosing, ways
from impasto.schema import InputError
from impasto.statistics.familywise import holm


def noisy(data: anndata.AnnData, *, seed: int, share: float = 1.0) -> anndata.AnnData:
    """The same wells, with noise added."""
    made = data.copy()
    made.X = made.X + share * 3 * np.random.default_rng(seed).normal(size=made.shape).astype(np.float32)
    return made


def pool() -> list[ways.Candidate]:
    """Two ways in three settings each; the first setting of the first way is the good one."""
    data = profiles()
    good = [ways.candidate(noisy(data, seed=s, share=s / 2), "good", f"s{s}", batch="batch") for s in range(3)]
    return good + [ways.candidate(noisy(data, seed=10 + s), "poor", f"s{s}", batch="batch") for s in range(3)]


@pytest.mark.parametrize("outer", ["compound", "mechanism"])
@pytest.mark.parametrize("name", ["NSC", "NSB"])
def test_each_unit_is_scored_by_the_setting_that_is_best_without_it(outer: ways.Outer, name: str) -> None:
    """The tables are really made again without the unit, and the best setting is taken by hand."""
    data = profiles()
    tables = {f"s{s}": noisy(data, seed=s) for s in range(4)}
    column = {"compound": "perturbation", "mechanism": "moa"}[outer]
    expected = []
    for unit in sorted(set(data.obs[column])):
        criteria = {}
        for setting, table in tables.items():
            bare = ways.candidate(table[(table.obs[column] != unit).to_numpy()].copy(), "way", setting, batch="batch")
            criteria[setting] = sum(bare.asked(q).treatments["precision"].mean() for q in ("NSC", "NSB"))
        best = max(criteria, key=criteria.__getitem__)
        own = ways.candidate(tables[best], "way", best, batch="batch").asked(name).treatments
        expected.append(own[own[outer] == unit].assign(setting=best))
    found = choosing.nested([ways.candidate(t, "way", s, batch="batch") for s, t in tables.items()], outer, name)
    wanted = pd.concat(expected, ignore_index=True)
    pd.testing.assert_frame_equal(found[wanted.columns], wanted)
    assert len(set(found["setting"])) > 1


def test_the_best_of_many_settings_of_noise_is_at_chance_where_hindsight_is_not() -> None:
    """Nothing is planted: the choice must not find it."""
    chosen, hindsight, chance = [], [], []
    for seed in range(6):
        data = profiles(seed=seed)
        settings = []
        for number in range(12):
            empty = data.copy()
            empty.X = np.random.default_rng([seed, number]).normal(size=data.shape).astype(np.float32)
            settings.append(ways.candidate(empty, "noise", f"s{number}", batch="batch"))
        chosen.append(choosing.nested(settings, "compound", "NSC")["precision"].mean())
        hindsight.append(max(one.nsc.treatments["precision"].mean() for one in settings))
        chance.append(settings[0].nsc.chance)
    assert np.mean(chosen) == pytest.approx(np.mean(chance), abs=0.04)
    assert np.mean(hindsight) > np.mean(chance) + 0.06


def test_pairs_are_a_jackknife_over_mechanisms_by_hand_and_holm_is_over_those_listed() -> None:
    pairs = [("good", "poor"), ("good: s0", "good: s2"), ("poor: s0", "poor: s1")]
    candidates = pool()
    found = choosing.choose(candidates, pairs=pairs).tables["pairs"]
    of_nsc = found[found["metric"] == "mAP NSC"].reset_index(drop=True)
    one, other = (next(c for c in candidates if c.name == n).nsc.treatments for n in pairs[1])
    steps = one["precision"] - other["precision"]
    without = np.array([steps[one["mechanism"] != m].mean() for m in sorted(set(one["mechanism"]))])
    assert of_nsc.loc[1, "value"] == pytest.approx(steps.mean())
    assert len(without) == 4
    # Four mechanisms are too few for an interval, and the sentence says so.
    assert "cannot be compared" in of_nsc.loc[1, "sentence"]
    assert "6 are needed" in of_nsc.loc[1, "sentence"]
    assert of_nsc["p_holm"].isna().all()


def many(*, seed: int, signal: float) -> anndata.AnnData:
    """Twelve mechanisms of three compounds, one dose, two weeks."""
    rng = np.random.default_rng(seed)
    directions, own = rng.normal(size=(12, 12)), rng.normal(size=(36, 12))
    rows = [(c, w) for c in range(36) for w in range(2)]
    obs = pd.DataFrame(
        {
            "plate": [f"W{w}" for _, w in rows],
            "batch": [f"W{w}" for _, w in rows],
            "well": [f"A{c % 24 + 1:02d}" for c, _ in rows],
            "perturbation": [f"c{c:02d}" for c, _ in rows],
            "concentration": 1.0,
            "moa": [f"m{c % 12:02d}" for c, _ in rows],
            "control_type": "trt",
        }
    ).rename(index=str)
    values = np.array([signal * directions[c % 12] + own[c] + rng.normal(size=12) for c, _ in rows], dtype=np.float32)
    return anndata.AnnData(X=values, obs=obs, var=profiles_var(12))


def profiles_var(width: int) -> pd.DataFrame:
    from impasto import profiles as tables

    return tables.describe_features([f"emb_{i:04d}" for i in range(width)])


def test_an_interval_of_twelve_mechanisms_is_students_with_eleven_degrees() -> None:
    first, second = (ways.candidate(noisy(many(seed=0, signal=2.0), seed=s), "w", f"s{s}", batch="batch").nsc.treatments for s in (1, 2))
    value, of, count = choosing.compared(first, second)
    steps = first["precision"].to_numpy() - second["precision"].to_numpy()
    without = np.array([steps[(first["mechanism"] != m).to_numpy()].mean() for m in sorted(set(first["mechanism"]))])
    sd = np.sqrt(11 / 12 * ((without - without.mean()) ** 2).sum())
    reach = stats.t.ppf(0.975, 11) * sd
    assert (value, of.df, count) == (pytest.approx(steps.mean()), 11, 36)
    assert (of.low, of.high) == (pytest.approx(value - reach), pytest.approx(value + reach))


def test_ways_are_compared_on_the_treatments_that_both_scored() -> None:
    data = many(seed=1, signal=2.0)
    whole = ways.candidate(data, "a", "s", batch="batch").nsc.treatments
    part = ways.candidate(data[(data.obs["perturbation"] != "c03").to_numpy()].copy(), "b", "s", batch="batch").nsc.treatments
    value, _, count = choosing.compared(whole, part)
    both = whole.merge(part, on=ways.KEYS)
    assert count == len(both) == 35
    assert value == pytest.approx((both["precision_x"] - both["precision_y"]).mean())


def test_a_pair_is_above_only_where_holm_says_so() -> None:
    data = many(seed=2, signal=1.5)
    good = ways.candidate(data, "good", "s", batch="batch")
    poor = [ways.candidate(noisy(data, seed=s, share=1.5), f"poor{s}", "s", batch="batch") for s in range(3)]
    names = [("good", f"poor{s}") for s in range(3)]
    found = choosing.choose([good, *poor], pairs=names).tables["pairs"]
    for _, rows in found.groupby("metric"):
        assert rows["p_holm"].to_numpy() == pytest.approx(holm(rows["p"].to_numpy()))
        assert all(("is above" in s) == (p <= 0.05) for s, p in zip(rows["sentence"], rows["p_holm"], strict=True))
    assert found["sentence"].str.contains("good is above poor0").any()
    value, of, _ = choosing.compared(good.nsc.treatments, poor[0].nsc.treatments)
    assert "lean apart" in choosing.say("good", "poor0", value, of, p=0.06)
    assert "lean apart" not in choosing.say("good", "poor0", value, of, p=0.04)


def test_equal_features_are_seldom_called_different() -> None:
    """Two noisy views of the same compounds: equally good by construction, 150 tables."""
    alarms = 0
    for seed in range(150):
        data = many(seed=seed, signal=1.0)
        pair = [ways.candidate(noisy(data, seed=1000 + 2 * seed + s, share=0.5), "w", str(s), batch="batch").nsc.treatments for s in (0, 1)]
        _, of, _ = choosing.compared(*pair)
        alarms += of.low is not None and of.high is not None and not of.low <= 0 <= of.high
    assert alarms <= 150 * 0.08


def test_scores_name_the_way_its_settings_and_what_the_choice_did_not_see() -> None:
    candidates = pool()
    result = choosing.choose(candidates, beside=[ways.candidate(profiles(), "position only", "", batch="batch")])
    scores = result.scores
    assert set(scores["group"]) == {"good", "poor", choosing.ALL, "position only", *(c.name for c in candidates)}
    as_it_is = scores[(scores["group"] == "good: s0") & (scores["metric"] == "mAP NSC")].iloc[0]
    assert as_it_is["value"] == pytest.approx(candidates[0].nsc.treatments["precision"].mean())
    assert as_it_is["protocol"] == "not same compound, as it is"
    assert (as_it_is["chance"], as_it_is["n"]) == (pytest.approx(candidates[0].nsc.chance), 24)
    picks = result.tables["picks"]
    assert set(picks["outer"]) == {"compound", "mechanism"}
    whole = picks[(picks["ways"] == choosing.ALL) & (picks["outer"] == "compound")]
    assert set(whole["way"]) == {"good"}
    assert set(whole["left_out"]) == {f"c{i:02d}" for i in range(12)}
    # By default each way and the first.
    assert set(zip(result.tables["pairs"]["first"], result.tables["pairs"]["second"], strict=True)) == {("poor", "good")}


def test_what_cannot_be_chosen_is_a_sentence() -> None:
    with pytest.raises(InputError, match="nothing to choose from"):
        choosing.choose([])
    with pytest.raises(InputError, match=r"way to compare .*'goood'.*did you mean 'good'"):
        choosing.choose(pool(), pairs=[("goood", "poor")])
