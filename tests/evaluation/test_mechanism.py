"""Mechanism matching: never the same compound, never the same batch, chance from mechanisms dealt anew."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluation.naive import deleted, permuted
from tests.evaluation.rows import rows

from impasto import profiles as tables
from impasto.evaluation import mechanism
from impasto.evaluation.tidy import Score
from impasto.schema import InputError
from impasto.statistics import jackknife


def made(*, signal: float, batch: float = 0.0, seed: int = 0) -> anndata.AnnData:
    """Six mechanisms of four compounds, two doses, each compound in two of four weeks; features hold mechanism, compound and week."""
    rng = np.random.default_rng(seed)
    directions, weeks, own = rng.normal(size=(6, 16)), rng.normal(size=(4, 16)), rng.normal(size=(24, 16))
    rows, values = [], []
    for compound in range(24):
        for week in (compound % 4, (compound + 1) % 4):
            for dose in (0.5, 1.0):
                for well in range(2):
                    where = {"plate": f"Week{week}_{well}", "well": f"A{compound + 1:02d}", "replicate": str(well)}
                    rows.append({**where, "perturbation": f"c{compound:02d}", "concentration": dose, "moa": f"m{compound % 6}"})
                    rows[-1] |= {"control_type": "trt"}
                    values.append(signal * directions[compound % 6] + batch * weeks[week] + 2 * own[compound] + 0.3 * rng.normal(size=16))
    obs = pd.DataFrame(rows).rename(index=str)
    names = [f"emb_{i:04d}" for i in range(16)]
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs, var=tables.describe_features(names))


def scores(profiles: anndata.AnnData, **changes: object) -> dict[str, Score]:
    found = rows(mechanism.evaluate(profiles, batch_pattern="^[^_]+", draws=50, **changes))  # type: ignore[arg-type]
    return {s.protocol.split(", 1-NN")[0]: s for s in found if s.group == "profiles"}


def oracle(profiles: anndata.AnnData, *, across: bool) -> float:
    """Loops over treatments, from the definition."""
    obs = profiles.obs.assign(week=profiles.obs["plate"].str.split("_").str[0])
    keys = ["perturbation", "concentration", "moa"] + (["week"] if across else [])
    groups = [(dict(zip(keys, key, strict=True)), profiles.X[obs.index.isin(g.index)].mean(axis=0)) for key, g in obs.groupby(keys)]
    right = []
    for mine, vector in groups:
        best, answerable = None, False
        for other, theirs in groups:
            if other["perturbation"] == mine["perturbation"] or (across and other["week"] == mine["week"]):
                continue
            answerable |= other["moa"] == mine["moa"]
            cosine = float(vector @ theirs / np.linalg.norm(vector) / np.linalg.norm(theirs))
            if best is None or cosine > best[0]:
                best = (cosine, other["moa"] == mine["moa"])
        if answerable and best is not None:
            right.append(best[1])
    return float(np.mean(right))


@pytest.mark.parametrize("batch", [0.0, 3.0])
def test_it_is_the_definition(batch: float) -> None:
    profiles = made(signal=1.5, batch=batch)
    found = scores(profiles)
    assert found["not same compound"].value == pytest.approx(oracle(profiles, across=False))
    assert found["not same compound, not same batch"].value == pytest.approx(oracle(profiles, across=True))
    assert found["not same compound"].n == 48
    assert found["not same compound, not same batch"].n == 96


def test_noise_scores_as_chance() -> None:
    values = [scores(made(signal=0.0, seed=s))["not same compound"] for s in range(20)]
    assert np.mean([v.value for v in values]) == pytest.approx(float(np.mean([v.chance for v in values])), abs=0.06)  # type: ignore[arg-type]
    strong = scores(made(signal=4.0))["not same compound"]
    assert strong.value > 0.9
    assert strong.low > strong.chance  # type: ignore[operator]


def test_a_classifier_never_trains_on_the_part_it_predicts() -> None:
    profiles = made(signal=3.0)
    found = scores(profiles, classify_by="replicate")["logistic regression across replicate, rows, 6 classes"]
    assert found.value > 0.9
    assert found.chance == pytest.approx(1 / 6)
    noise = made(signal=0.0)
    noise.X = np.random.default_rng(0).normal(size=noise.X.shape).astype(np.float32)
    assert scores(noise, classify_by="replicate")["logistic regression across replicate, rows, 6 classes"].value < 0.35


def test_what_is_missing_is_a_sentence() -> None:
    profiles = made(signal=1.0)
    bare, alone = profiles.copy(), profiles.copy()
    del bare.obs["moa"]
    alone.obs["moa"] = alone.obs["perturbation"]
    with pytest.raises(InputError, match="needs the column 'moa'"):
        mechanism.evaluate(bare)
    with pytest.raises(InputError, match="batch_pattern 'Day' does not match 'Week0_0'"):
        mechanism.evaluate(profiles, batch_pattern="Day")
    with pytest.raises(InputError, match="no two compounds share a moa"):
        mechanism.evaluate(alone)
    with pytest.raises(InputError, match=r"no column 'replicat' \(did you mean 'replicate'\?\)"):
        mechanism.evaluate(profiles, classify_by="replicat")


def test_a_compound_named_by_dose_is_one_compound() -> None:
    """Names `c@3uM` as BBBC021 has them: another dose of the same compound is no candidate."""
    profiles = made(signal=0.5)
    named = profiles.copy()
    named.obs["perturbation"] = [f"{n}@{d:g}uM" for n, d in zip(profiles.obs["perturbation"], profiles.obs["concentration"], strict=True)]
    for table in (named, named[:, :].copy()):
        assert scores(table)["not same compound"].value == scores(profiles)["not same compound"].value
    bare = named.copy()
    del bare.obs["concentration"]
    found = scores(bare)["not same compound"]
    assert (found.value, found.n) == (scores(profiles)["not same compound"].value, 48)


def test_two_names_of_one_molecule_are_one_compound() -> None:
    profiles = made(signal=0.0)
    twin = profiles.obs["perturbation"].astype(str).replace({"c06": "c00"})
    keyed = profiles.copy()
    keyed.obs["inchikey"] = twin.where(twin == "c00", twin + "-key").to_numpy()
    renamed = profiles.copy()
    renamed.obs["perturbation"] = twin.to_numpy()
    one, other = scores(keyed)["not same compound"], scores(renamed)["not same compound"]
    assert (one.value, one.n) == (other.value, other.n) == (one.value, 46)


def test_doses_are_treatments_of_their_own_unless_pooled() -> None:
    profiles = made(signal=1.0)
    found = mechanism.evaluate(profiles, draws=5)
    assert found.scores["protocol"].iloc[0] == "not same compound, 1-NN, mean, doses apart"
    assert found.scores["n"].iloc[0] == 48
    pooled = mechanism.evaluate(profiles, draws=5, pool_doses=True)
    assert pooled.scores["protocol"].iloc[0] == "not same compound, 1-NN, mean, doses pooled"
    assert pooled.scores["n"].iloc[0] == 24


def test_each_treatment_and_its_nearest_are_listed() -> None:
    found = mechanism.evaluate(made(signal=1.5), draws=5)
    per = found.per_group[(found.per_group["metric"] == "accuracy NSC") & (found.per_group["profiles"] == "profiles")]
    assert per["right"].mean() == found.scores["value"].iloc[0]
    assert (per["right"] == (per["mechanism"] == per["nearest_mechanism"])).all()
    assert (per["compound"] != per["nearest"].str.split("|").str[0]).all()


def test_a_treatment_without_a_right_answer_is_not_asked_and_wells_without_a_label_are_no_class() -> None:
    profiles = made(signal=1.0)
    alone, unlabelled = profiles.copy(), profiles.copy()
    alone.obs.loc[alone.obs["perturbation"] == "c00", "moa"] = "one of its kind"
    assert scores(alone)["not same compound"].n == 46
    unlabelled.obs.loc[unlabelled.obs["perturbation"] == "c00", ["perturbation", "control_type"]] = None
    found = scores(unlabelled, classify_by="replicate")
    assert found["not same compound"].n == 46
    assert found["logistic regression across replicate, rows, 6 classes"].n == 192 - 8


@pytest.mark.parametrize("across", [False, True])
def test_the_interval_is_that_of_deleted_compounds(across: bool) -> None:
    """Eight compounds at two doses: a compound leaves with both, as query and as candidate."""
    table = made(signal=1.0, seed=2)
    table = table[table.obs["perturbation"].isin([f"c{c:02d}" for c in (0, 1, 2, 6, 7, 8, 13, 14)])].copy()
    name = "not same compound" + (", not same batch" if across else "")

    def value(part: anndata.AnnData) -> float:
        return scores(part, shuffles=0)[name].value

    expected = jackknife.of_score(deleted(value, table, list(table.obs["perturbation"])), unit="compound")
    found = scores(table, shuffles=0)[name]
    assert (found.unit, found.clusters, found.df, found.about) == ("compound", 8, expected.df, "other compounds")
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_p_is_that_of_mechanisms_shuffled_over_compounds() -> None:
    assert scores(made(signal=3.0), shuffles=99)["not same compound"].p_chance == pytest.approx(0.01)
    p = scores(made(signal=0.0), shuffles=99)["not same compound"].p_chance
    assert p is not None
    assert p > 0.05
    assert scores(made(signal=0.0), shuffles=0)["not same compound"].p_chance is None


def test_rows_in_another_order_give_the_same_numbers() -> None:
    table = made(signal=0.8)
    first, second = (mechanism.evaluate(t, batch_pattern="^[^_]+", draws=20, shuffles=20).scores for t in (table, permuted(table)))
    pd.testing.assert_frame_equal(first, second)


def test_a_classifier_is_as_sure_as_its_parts_agree() -> None:
    """By hand: V = s² (1/R + 1/(R - 1)), R parts, on the logit."""
    profiles = made(signal=0.3)
    profiles.obs["part"] = [f"r{int(plate[4]) % 3}" for plate in profiles.obs["plate"]]
    found = scores(profiles, classify_by="part", shuffles=0)["logistic regression across part, rows, 6 classes"]
    assert (found.interval, found.unit, found.clusters, found.df) == ("corrected t", "part", 3, 2)
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.value < found.high < 1


def test_many_treatments_get_the_t_interval_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mechanism, "MOST_TREATMENTS", 0)
    found = scores(made(signal=1.0), shuffles=0)["not same compound"]
    assert (found.interval, found.clusters) == ("t over compounds", 24)


@pytest.mark.parametrize("unit", ["compound", "mechanism"])
def test_the_mean_average_precision_is_jackknifed_over_queries_of_a_unit(unit: str) -> None:
    """By hand from the table of treatments: units leave as queries, so the precision of those that stay is the same."""
    found = mechanism.evaluate(made(signal=1.5), unit=unit, shuffles=0, draws=5)  # type: ignore[arg-type]
    score = next(s for s in rows(found) if s.metric == "mAP NSC" and s.group == "profiles")
    per = found.per_group[(found.per_group["metric"] == "accuracy NSC") & (found.per_group["profiles"] == "profiles")]
    assert score.value == pytest.approx(per["average_precision"].mean())
    group = jackknife.deal(len(set(per[unit])), seed=0)
    of = {name: group[place] for place, name in enumerate(sorted(set(per[unit])))}
    gone = per[unit].map(of)
    single = np.array([per.loc[gone != g, "average_precision"].mean() for g in range(max(group) + 1)])
    expected = jackknife.of_score(jackknife.LeftOut(score.value, single, None, len(of)), unit=unit)
    assert (score.low, score.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert (score.unit, score.clusters, score.protocol) == (unit, len(of), "not same compound, ranked, mean, doses apart")
    assert score.chance == pytest.approx(7 / 46, abs=0.06)


def test_with_mechanisms_as_units_the_accuracy_leaves_whole_mechanisms_as_queries() -> None:
    found = mechanism.evaluate(made(signal=1.5), unit="mechanism", shuffles=0, draws=5)
    score = next(s for s in rows(found) if s.metric == "accuracy NSC" and s.group == "profiles")
    per = found.per_group[(found.per_group["metric"] == "accuracy NSC") & (found.per_group["profiles"] == "profiles")]
    single = np.array([per.loc[per["mechanism"] != m, "right"].mean() for m in sorted(set(per["mechanism"]))])
    spread = 5 / 6 * ((single - single.mean()) ** 2).sum()
    assert (score.unit, score.clusters, score.df) == ("mechanism", 6, 5)
    assert jackknife.variance(jackknife.LeftOut(score.value, single, None, 6)) == pytest.approx(spread)
    expected = jackknife.of_score(jackknife.LeftOut(score.value, single, None, 6), unit="mechanism")
    assert (score.low, score.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_parts_of_the_classifier_are_tests_of_models_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    plain = mechanism.resplits.of_resplits

    def recorded(values: np.ndarray, **settings):
        asked.append((len(values), settings["tested"], settings["trained"]))
        return plain(values, **settings)

    monkeypatch.setattr(mechanism.resplits, "of_resplits", recorded)
    rng = np.random.default_rng(0)
    obs = pd.DataFrame({"moa": list("abab") * 6, "replicate": np.repeat(["1", "2", "3"], 8)})
    score = mechanism._classified(rng.normal(size=(24, 3)).astype(np.float32), obs, label="moa", by="replicate", group="profiles")
    # Each of three parts is told by a model of two.
    assert asked == [(3, 1, 2)]
    assert (score.unit, score.chance) == ("replicate", 0.5)
