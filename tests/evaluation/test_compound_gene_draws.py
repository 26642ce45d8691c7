"""The genes a compound is ranked among, as the published rule draws them."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.evaluation.compound_gene_draws import draw, wanted

GENES = [f"G{i:02d}" for i in range(40)]


@pytest.mark.parametrize(("targets", "others"), [(1, 20), (10, 20), (11, 22), (30, 60)])
def test_two_others_a_target_and_at_least_twenty(targets: int, others: int) -> None:
    assert wanted(targets) == others


def test_the_generator_starts_anew_with_the_seed_for_each_compound() -> None:
    one = draw(GENES, {"G03"}, {"G05"}, seeds=3, seed=7, all_drawn=True)
    eligible = [i for i in range(40) if i not in (3, 5)]
    assert one.right.tolist() == [3]
    for row, seed in enumerate((7, 8, 9)):
        chosen = np.random.default_rng(seed).choice(eligible, 20, replace=False)
        assert one.order[row, :20].tolist() == chosen.tolist()
        # The others follow, each once.
        assert sorted(one.order[row].tolist()) == eligible
    # Another compound with as many genes to draw from takes the same places.
    other = draw(GENES, {"G30"}, {"G31"}, seeds=3, seed=7, all_drawn=True)
    places = [i for i in range(40) if i not in (30, 31)]
    assert [places.index(i) for i in other.order[0]] == [eligible.index(i) for i in one.order[0]]


def test_genes_that_leave_are_replaced_by_those_that_follow() -> None:
    made = draw(GENES, {"G03", "G04"}, set(), seeds=1, seed=0, all_drawn=True)
    keep = np.ones(40, dtype=bool)
    assert made.size(keep) == (2, 20)
    keep[made.order[0, :5]] = False
    assert made.size(keep) == (2, 20)
    keep[3] = False
    assert made.size(keep) == (1, 20)
    keep[made.order[0, :19]] = False
    assert made.size(keep) == (0, 0)


def test_too_few_others_leave_the_compound_out_or_are_taken_as_they_are() -> None:
    few = GENES[:12]
    every = np.ones(12, dtype=bool)
    assert draw(few, {"G00"}, set(), seeds=1, seed=0, all_drawn=True).size(every) == (0, 0)
    assert draw(few, {"G00"}, set(), seeds=1, seed=0, all_drawn=False).size(every) == (1, 11)
    assert draw(few, set(few), set(), seeds=1, seed=0, all_drawn=False).size(every) == (0, 0)
