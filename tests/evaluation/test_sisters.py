"""Sister matching against plain loops, and what it must not count."""

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluation.rows import rows

from impasto.evaluation import sisters
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
