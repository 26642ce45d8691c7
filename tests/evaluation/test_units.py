"""Units are told by their names: any order of rows gives the same groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impasto.evaluation import units
from impasto.statistics import jackknife


def test_units_and_their_groups_do_not_depend_on_the_order_of_things() -> None:
    names = np.array([f"c{i % 9}" for i in range(30)])
    order = np.random.default_rng(0).permutation(30)
    first, second = units.named(names, word="compound"), units.named(names[order], word="compound")
    assert first.names == second.names == tuple(f"c{i}" for i in range(9))
    assert first.digest == second.digest != units.named([*names, "c9"], word="compound").digest
    assert (first.groups(seed=3)[order] == second.groups(seed=3)).all()
    assert first.count(seed=3) == 9
    assert units.named([f"c{i}" for i in range(40)], word="compound").count(seed=3) == 20
    assert first.part(names == "c3").names == ("c3",)


def test_a_unit_of_several_names_goes_by_the_first() -> None:
    made = units.of_codes(np.array([7, 7, 2, 2]), np.array(["b@10", "a@1", "z", "y"]), word="compound")
    assert made.names == ("a@1", "y")
    assert made.of.tolist() == [0, 0, 1, 1]


def test_the_word_says_what_was_done_to_the_cells() -> None:
    assert units.kind_of(pd.DataFrame({"well": ["A01"]})) == "perturbation"
    assert units.kind_of(pd.DataFrame({"perturbation_type": ["compound", None]})) == "compound"
    assert units.kind_of(pd.DataFrame({"perturbation_type": ["compound", "crispr"]})) == "perturbation"


def test_the_t_interval_is_over_the_means_of_units() -> None:
    values = np.array([0.2, 0.4, 0.3, 0.5, 0.6, 0.1, 0.4, np.nan])
    sampled = units.named(list("aabcdefg"), word="gene")
    found = units.mean_over(values, sampled, value=0.35)
    means = np.array([0.3, 0.3, 0.5, 0.6, 0.1, 0.4])
    reach = 2.570582 * means.std(ddof=1) / np.sqrt(6) / (0.35 * 0.65)
    assert found.low == pytest.approx(1 / (1 + np.exp(-(np.log(0.35 / 0.65) - reach))), abs=1e-5)
    assert (found.method, found.clusters, found.df) == ("t over genes", 6, 5)
    few = units.mean_over(values[:4], sampled.part(np.arange(4)), value=0.3)
    assert (few.low, few.why) == (None, "3 units (gene); 6 are needed")


def test_strata_of_one_kind_add_their_degrees_of_freedom() -> None:
    rng = np.random.default_rng(0)
    one = jackknife.LeftOut(0.5, 0.5 + 0.01 * rng.normal(size=20), None, 40)
    plates = [jackknife.LeftOut(0.5, 0.5 + 0.01 * rng.normal(size=8), None, 12) for _ in range(3)]
    found = jackknife.of_score([one, plates], unit="u", share=False)
    assert found.df == min(19, 3 * 7)
    reach = 2.093024 * np.sqrt(sum(jackknife.variance(part) for part in [one, *plates]))
    assert found.high == pytest.approx(0.5 + reach, abs=1e-6)
    alone = jackknife.of_score([one, [plates[0], jackknife.LeftOut(0.5, np.array([0.5]), None, 1)]], unit="u")
    assert alone.low is None
    assert "a single group" in alone.why
