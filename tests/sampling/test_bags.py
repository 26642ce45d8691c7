"""Bags are seeded and masked, and hold whole groups where no size is given."""

from __future__ import annotations

import numpy as np
from tests.sampling.tables import wells

from impasto.sampling import bags


def test_bags_hold_whole_groups_or_seeded_parts_of_them() -> None:
    members = list(bags.groups(wells(replicates=6), by=["perturbation"]).values())
    rows, mask = bags.draw(members[:3], size=None, seed=[0])
    assert mask.all()
    assert sorted(rows[0].tolist()) == members[0].tolist()
    some, _ = bags.draw(members[:3], size=2, seed=[0, 1])
    again, _ = bags.draw(members[:3], size=2, seed=[0, 1])
    other, _ = bags.draw(members[:3], size=2, seed=[0, 2])
    np.testing.assert_array_equal(some, again)
    assert (some != other).any()
    uneven, mask = bags.draw([members[0], members[1][:1]], size=4, seed=[0])
    assert mask.sum(axis=1).tolist() == [4, 1]
    assert set(uneven[1]) == {members[1][0]}
