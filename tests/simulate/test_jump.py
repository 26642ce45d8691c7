"""Each plate is a pure function of the seed and its number, with the shape and the answer that it says."""

from __future__ import annotations

import numpy as np
import pytest

from impasto import wells
from impasto.simulate.jump import SHARE_ACTIVE, Shape, World, feature_names

SHAPE = Shape(plates=8, features=120, maps=2, large=1)


def test_a_plate_does_not_depend_on_those_before_it() -> None:
    one, other = World(SHAPE), World(SHAPE)
    one.plate(0)
    np.testing.assert_array_equal(one.plate(5).X, other.plate(5).X)
    assert one.plate(5).obs.equals(other.plate(5).obs)
    assert not np.array_equal(one.plate(5).X, World(Shape(plates=8, features=120, maps=2, large=1, seed=1)).plate(5).X, equal_nan=True)


def test_plates_have_controls_at_their_edges_and_replicates_on_others() -> None:
    world = World(SHAPE)
    first, second, third = (world.plate(number) for number in (0, 1, 2))
    assert first.shape == (384, 120)
    assert world.plate(7).n_obs == 1536
    assert wells.negative(first.obs).sum() == wells.positive(first.obs).sum() == 32
    assert set(first.obs["well"][wells.negative(first.obs)].str[1:]) <= {"01", "02", "23", "24"}
    treated = [set(plate.obs["perturbation"][wells.treated(plate.obs) & ~wells.positive(plate.obs)]) for plate in (first, second, third)]
    assert len(treated[0]) == 320
    assert treated[0] == treated[2]
    assert not treated[0] & treated[1]


def test_what_is_active_moves_and_the_rest_does_not() -> None:
    world = World(Shape(plates=8, features=120, maps=2, large=0))
    assert world.active.mean() == pytest.approx(SHARE_ACTIVE, abs=0.05)
    plate = world.plate(0)
    x = np.nan_to_num((plate.X - np.nanmean(plate.X, axis=0)) / np.nanstd(plate.X, axis=0))
    names = plate.obs["perturbation"].astype(str)
    number = np.array([int(name.rsplit(" ", 1)[1]) if name.startswith("compound") else -1 for name in names])
    active = np.array([n >= 0 and world.active[n] for n in number])
    assert (x[active] ** 2).mean() > 1.3 * (x[(number >= 0) & ~active] ** 2).mean()
    assert 0 < np.isnan(plate.X).sum() < 120


def test_names_are_all_different() -> None:
    names = feature_names(4762)
    assert len(set(names)) == 4762
    assert {name.split("_")[0] for name in names} == {"Cells", "Cytoplasm", "Nuclei"}


def test_compounds_act_on_the_gene_of_the_first_guide_of_their_group_and_pairs_are_of_active_guides() -> None:
    world = World(SHAPE)
    genes, guides = world.genes(), world.guides
    group = np.arange(len(genes)) % world._groups
    for number, gene in enumerate(genes):
        own = number if guides[number] else next((n for n in range(len(genes)) if guides[n] and group[n] == group[number]), group[number])
        assert gene == f"GENE{own:06d}"
    known = [n for n in range(len(genes)) if guides[n] and world.active[n]]
    expected = {(genes[a], genes[b]) for a in known for b in known if a < b and group[a] == group[b]}
    pairs = world.pairs()
    assert list(pairs.columns) == ["gene1", "gene2"]
    assert set(map(tuple, pairs.to_numpy())) == expected
    assert len(pairs) == len(expected) > 0
