"""Sister matching against plain loops, and what it must not count."""

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluation.rows import rows
from tests.evaluation.small import plates, precision

from impasto.evaluation import replicates, sisters
from impasto.evaluation.sisters import Sisters, evaluate
from impasto.ranking import unit
from impasto.schema import InputError


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
    found = sisters.average_precisions(
        vectors, Sisters([str(i) for i in range(12)], labels, np.array(["compound"] * 12), np.arange(12)), across=False, absolute=False
    )
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
    found = sisters.average_precisions(vectors, Sisters(names, labels, np.array(["compound"] * 6), compound), across=False, absolute=False)
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
    assert sisters._score(found.groupby("label")[["average_precision", "chance"]].mean(), "p", "profiles", "m", seed=0).value == per.mean()


def test_shuffled_labels_keep_the_doses_of_a_compound_together_and_stay_within_a_class() -> None:
    kind = np.array(["compound"] * 6 + ["orf"] * 2)
    compound = np.array([0, 0, 1, 1, 2, 2, 3, 4])
    labels = [frozenset({f"T{c}"}) for c in compound]
    every, moved = np.ones(8, dtype=bool), 0
    for seed in range(5):
        mixed = sisters._choose(Sisters(list("abcdefgh"), labels, kind, compound), every, shuffle=True, seed=seed).labels
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
