"""Sister matching against plain loops, and what it must not count."""

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluation.naive import deleted, permuted
from tests.evaluation.rows import rows
from tests.evaluation.small import plates, precision

from impasto.evaluation import replicates, sister_scores, sisters
from impasto.evaluation.sister_scores import Sisters, SisterScore
from impasto.evaluation.sisters import evaluate
from impasto.evaluation.tidy import Score
from impasto.evaluation.units import named
from impasto.ranking import unit
from impasto.schema import InputError
from impasto.statistics import jackknife


def _profiles(rng: np.random.Generator, strength: float, opposite: bool = False) -> anndata.AnnData:
    genes, wells = 10, 3
    direction = rng.normal(size=(genes, 20))
    rows, values = [], []
    for kind, sign in (("compound", 1), ("crispr", -1 if opposite else 1)):
        for gene in range(genes):
            for sister in range(2):
                for well in range(wells):
                    rows.append((f"{kind}{gene}{sister}", kind, f"G{gene}", f"P{well}", f"A{gene + 1:02d}"))
                    values.append(sign * strength * direction[gene] + rng.normal(size=20))
    obs = pd.DataFrame(rows, columns=["perturbation", "perturbation_type", "targets", "plate", "well"]).rename(index=str)
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs)


def test_average_precision_is_the_loop_of_the_definition() -> None:
    rng = np.random.default_rng(0)
    vectors = unit(rng.normal(size=(12, 5)))
    labels = [frozenset({f"T{i % 4}"}) for i in range(12)]
    compounds = named([f"c{i:02d}" for i in range(12)], word="compound")
    made = Sisters([str(i) for i in range(12)], labels, np.array(["compound"] * 12), compounds)
    found = SisterScore(vectors, made, across=False, absolute=False, seed=0).per_query
    for row in found.itertuples():
        query = int(row.perturbation)
        ranked = sorted((i for i in range(12) if i != query), key=lambda i: -float(vectors[query] @ vectors[i]))
        right, total = 0, 0.0
        for place, other in enumerate(ranked, start=1):
            if labels[other] == labels[query]:
                right += 1
                total += right / place
        assert row.average_precision == pytest.approx(total / right)
        assert row.positives == 2


def test_planted_sisters_are_found_within_and_across_classes() -> None:
    scores = rows(evaluate(_profiles(np.random.default_rng(1), strength=2.0), protocol="all"))
    mine = [s for s in scores if s.group == "profiles"]
    assert len(mine) == 4
    assert all(s.value > 0.8 for s in mine)
    shuffled = [s for s in scores if s.group == "shuffled labels"]
    assert all(s.value < 0.5 for s in shuffled)


def test_opposite_sisters_need_the_absolute_cosine() -> None:
    scores = rows(evaluate(_profiles(np.random.default_rng(2), strength=2.0, opposite=True), protocol="all"))
    across = {s.metric: s.value for s in scores if s.group == "profiles" and "across" in s.protocol}
    assert across["mAP absolute cosine"] > 0.8
    assert across["mAP signed cosine"] < 0.2


def test_noise_scores_as_chance() -> None:
    gaps = []
    for seed in range(20):
        scores = rows(evaluate(_profiles(np.random.default_rng(seed), strength=0.0), protocol="all"))
        mine = next(s for s in scores if s.group == "profiles" and "within" in s.protocol and "signed" in s.metric)
        gaps.append(mine.value - mine.chance)
    assert abs(np.mean(gaps)) < 3 * np.std(gaps) / np.sqrt(len(gaps))


def test_a_table_without_shared_labels_is_refused() -> None:
    profiles = _profiles(np.random.default_rng(0), strength=1.0)
    profiles.obs["targets"] = profiles.obs["perturbation"]
    with pytest.raises(InputError, match="share"):
        evaluate(profiles, protocol="all")


def test_the_mean_is_over_labels_and_other_doses_of_a_compound_are_no_candidates() -> None:
    """By hand: a at two doses, b, c and d; a and b share T1, c and d share T2, b also T2; e has no target."""
    rng = np.random.default_rng(4)
    names = ["a@1", "a@2", "b", "c", "d", "e"]
    labels = [frozenset(x) for x in ({"T1"}, {"T1"}, {"T1", "T2"}, {"T2"}, {"T2"}, set())]
    compound = np.array([0, 0, 1, 2, 3, 4])
    vectors = unit(rng.normal(size=(6, 4)))
    made = Sisters(names, labels, np.array(["compound"] * 6), named(compound.astype(str), word="compound"))
    scored = SisterScore(vectors, made, across=False, absolute=False, seed=0)
    found = scored.per_query
    similarity = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    expected = {}
    for i, name in enumerate(names):
        candidates = [j for j in range(6) if compound[j] != compound[i] and labels[j]]
        right = [j for j in candidates if labels[j] & labels[i]]
        if right and labels[i] and len(right) < len(candidates):
            wrong = [j for j in candidates if j not in right]
            score = precision([similarity[i, j] for j in right], [similarity[i, j] for j in wrong])
            shared = labels[i] & frozenset().union(*(labels[j] for j in right))
            expected |= {(name, label): score for label in shared}
    assert {(r.perturbation, r.label): pytest.approx(r.average_precision) for r in found.itertuples()} == expected
    assert found.set_index("perturbation")["positives"].to_dict() == {"a@1": 1, "a@2": 1, "c": 2, "d": 2}
    assert set(found["perturbation"]) == {"a@1", "a@2", "c", "d"}  # all others of b share a target with it
    per = found.groupby("label")["average_precision"].mean()
    assert scored.value() == per.mean()


def test_shuffled_labels_keep_the_doses_of_a_compound_together_and_stay_within_a_class() -> None:
    kind = np.array(["compound"] * 6 + ["orf"] * 2)
    compound = np.array([0, 0, 1, 1, 2, 2, 3, 4])
    labels = [frozenset({f"T{c}"}) for c in compound]
    made, moved = Sisters(list("abcdefgh"), labels, kind, named(compound.astype(str), word="compound")), 0
    for seed in range(5):
        mixed = made.relabelled(made.shuffle(np.random.default_rng(seed))).labels
        assert mixed[0:6:2] == mixed[1:6:2]
        assert set(mixed[6:]) == set(labels[6:])
        moved += mixed != labels
    assert moved > 0


def test_unlabelled_wells_are_no_sisters_and_the_protocol_says_what_was_done_with_doses() -> None:
    data = plates(doses=True)
    codes, found, source = sisters._gather(data.obs, by="moa", pool_doses=False)
    assert found.names == [f"any {n}@{d}" for n in "abcd" for d in (1, 10)]
    assert (codes[data.obs["perturbation"].isna().to_numpy()] == -1).all()
    assert source == "moa"
    empty = data.obs.assign(control_type=np.where(data.obs["perturbation"] == "a", "empty", data.obs["control_type"]))
    assert sisters._gather(empty, by="moa", pool_doses=False)[1].names == [f"any {n}@{d}" for n in "bcd" for d in (1, 10)]
    result = evaluate(data, protocol="all", by="moa")
    assert set(result.scores["protocol"]) == {"all perturbations, within class, same moa, median, doses apart"}
    assert evaluate(plates(), protocol="all", by="moa").scores["protocol"].iloc[0].endswith("same moa, median")


def test_those_that_pass_are_those_of_replicate_detection() -> None:
    data = plates(signal=3.0)
    strong = data.obs["perturbation"].isin(["c", "d"]).to_numpy()
    data.X[~strong] = np.random.default_rng(0).normal(size=data.X[~strong].shape)
    codes, found, _ = sisters._gather(data.obs, by="moa", pool_doses=False)
    passing = sisters._passing(data, codes, pool_doses=False, draws=400, seed=0)
    per = replicates.evaluate(data, draws=400, with_baselines=False).per_group.set_index("perturbation")["corrected_p_value"]
    assert passing is not None
    assert passing.tolist() == [bool(per[name.removeprefix("any ")] < 0.05) for name in found.names]
    assert 0 < passing.sum() < 4


def _many(seed: int = 0, *, strength: float = 1.0, tied: bool = False) -> anndata.AnnData:
    """10 compounds in two wells, some of two targets, one without a target, two names of one molecule."""
    rng = np.random.default_rng(seed)
    targets = ["T0", "T0|T1", "T1", "T2", "T2|T0", "T3", "T3", None, "T1|T3", "T2"]
    rows, values = [], []
    for number, target in enumerate(targets):
        for plate in range(2):
            rows.append((f"c{number}", target, f"P{plate}", "KEY" if number in (3, 9) else f"K{number}"))
            centre = sum((np.eye(8)[int(t[1])] for t in target.split("|")), np.zeros(8)) if target else np.zeros(8)
            values.append(strength * centre + rng.normal(size=8))
    obs = pd.DataFrame(rows, columns=["perturbation", "targets", "plate", "inchikey"]).rename(index=str)
    x = np.array(values, dtype=np.float32)
    return anndata.AnnData(X=np.round(x[:, :2]) if tied else x, obs=obs)


def _within(table: anndata.AnnData, metric: str = "mAP signed cosine", *, by: str = "targets", shuffles: int = 0) -> Score:
    scores = rows(evaluate(table, protocol="all", by=by, shuffles=shuffles))
    return next(s for s in scores if s.group == "profiles" and s.metric == metric and "within" in s.protocol)


@pytest.mark.parametrize(("metric", "tied"), [("mAP signed cosine", True), ("mAP absolute cosine", False)])
def test_the_interval_is_that_of_deleted_compounds(metric: str, tied: bool) -> None:
    table = _many(tied=tied)
    unit = [{"c9": "c3"}.get(name, name) for name in table.obs["perturbation"]]
    left = deleted(lambda part: _within(part, metric).value, table, unit)
    expected = jackknife.of_score(left, unit="compound")
    found = _within(table, metric)
    assert (found.unit, found.clusters, found.df) == ("perturbation", 9, 8)
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert found.about == "other perturbations"


def test_with_one_label_a_compound_classes_come_and_go_together() -> None:
    rng = np.random.default_rng(3)
    names, moa = [f"c{i:02d}" for i in range(21)], [f"m{i % 7}" for i in range(21)]
    obs = pd.DataFrame({"perturbation": names, "moa": moa, "plate": "P"}).rename(index=str)
    table = anndata.AnnData(X=rng.normal(size=(21, 6)).astype(np.float32), obs=obs)
    left = deleted(lambda part: _within(part, by="moa").value, table, moa)
    expected, found = jackknife.of_score(left, unit="class"), _within(table, by="moa")
    assert (found.unit, found.clusters, found.about) == ("class", 7, "other classes")
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    five = _within(table[[m < "m5" for m in moa]].copy(), by="moa")
    assert (five.low, five.about) == (None, "5 units (class); 6 are needed")


def test_shuffled_labels_are_scored_as_a_table_with_those_labels() -> None:
    table = _many(seed=2, tied=True)
    codes, made, _ = sisters._gather(table.obs, by="targets", pool_doses=False)
    vectors = unit(sisters.inputs.consensus(table.X, codes))
    for seed in range(4):
        given = made.shuffle(np.random.default_rng(seed))
        assert [bool(made.labels[i]) for i in given] == [bool(labels) for labels in made.labels]
        for absolute in (False, True):
            quick = SisterScore(vectors, made, across=False, absolute=absolute, seed=0).of_labels(given)
            slow = SisterScore(vectors, made.relabelled(given), across=False, absolute=absolute, seed=0).value()
            assert quick == pytest.approx(slow, abs=1e-6)


def test_p_is_small_for_planted_sisters_and_uniform_for_none() -> None:
    assert _within(_many(strength=6.0), shuffles=199).p_chance == pytest.approx(1 / 200)
    p = [_within(_many(seed=seed, strength=0.0), shuffles=39).p_chance for seed in range(30)]
    assert np.mean([value <= 0.2 for value in p if value is not None]) < 0.2 + 3 * np.sqrt(0.16 / 30)
    assert _within(_many()).p_chance is None


def test_rows_in_another_order_give_the_same_numbers() -> None:
    table = _many(seed=4)
    first, second = (evaluate(t, protocol="all", by="targets", shuffles=20) for t in (table, permuted(table)))
    pd.testing.assert_frame_equal(first.scores, second.scores)
    pd.testing.assert_frame_equal(first.left_out, second.left_out)
    assert set(first.left_out["of"]) == {9}


def test_profiles_that_are_all_the_same_are_never_above_chance() -> None:
    table = _many()
    table.X[:] = 1.0
    found = _within(table, shuffles=99)
    assert found.p_chance is not None
    assert found.p_chance > 0.5


def test_a_table_too_large_for_the_jackknife_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sister_scores, "MOST_COMPARED", 0)
    monkeypatch.setattr(sister_scores, "MOST_SHUFFLED", 0)
    found = _within(_many(), shuffles=99)
    assert (found.interval, found.p_chance) == ("t over perturbations", None)
    assert found.low is not None
    assert found.low < found.value


def test_where_nothing_passes_replicate_detection_all_are_scored_and_passing_is_refused() -> None:
    data = plates()
    data.X[:] = 1.0
    assert {p.split(",")[0] for p in evaluate(data, by="moa").scores["protocol"]} == {"all perturbations"}
    with pytest.raises(InputError, match="no perturbation passes replicate detection"):
        evaluate(data, by="moa", protocol="passing")
    ties = rows(evaluate(data, by="moa", protocol="all"))[0]
    assert ties.low is None
