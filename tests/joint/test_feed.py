"""Minibatches of bags."""

from __future__ import annotations

import numpy as np
import torch

from impasto.joint.described import Features
from impasto.joint.feed import BagFeed


def test_profiles_alone_make_bags_without_perturbations() -> None:
    feed = BagFeed(torch.randn(6, 2, 3), None, [np.array([0, 1]), np.array([2])], minibatch=2, bag=None, seed=0)
    (whole,) = feed.whole()
    assert whole.perturbation == ()
    assert whole.mask.tolist() == [[True, True], [True, False]]


def feed(names: list[str] | None = None) -> BagFeed:
    values = torch.arange(20.0).view(20, 1, 1)
    described = Features(10 * torch.arange(20.0)[:, None])
    return BagFeed(values, described, [np.array([i, i + 1]) for i in range(0, 20, 2)], minibatch=4, bag=1, seed=5, names=names)


def test_an_epoch_has_a_group_once_at_most_and_another_order_each_time() -> None:
    made = feed()
    first, second = (np.concatenate(made.epoch(number)) for number in (0, 1))
    assert len(set(first)) == len(set(second)) == 8
    assert set().union(*(np.concatenate(made.epoch(number)) for number in range(9))) == set(range(10))  # what waits comes in another epoch
    assert first.tolist() != second.tolist()
    assert first.tolist() == np.concatenate(feed().epoch(0)).tolist()
    assert [len(rows) for rows in made.epoch(0)] == [4, 4]


def test_groups_of_one_name_never_meet() -> None:
    names = list("aaabbcdefg")
    for number in range(20):
        for rows in feed(names).epoch(number):
            met = [names[row] for row in rows]
            assert len(met) == len(set(met))


def test_a_bag_lies_beside_its_own_perturbation() -> None:
    made = feed()
    given = made.minibatch(np.array([7, 2]), epoch=0)
    assert given.size == 2
    assert given.unit.tolist() == [7, 2]
    assert given.perturbation[0].tolist() == [[140.0], [40.0]]  # of the first row of each group
    for bag, rows in zip(given.profiles[:, :, 0, 0].tolist(), ([14, 15], [4, 5]), strict=True):
        assert len(bag) == 1
        assert bag[0] in rows
    whole = made.whole(minibatch=3)
    assert [int(u) for part in whole for u in part.unit] == list(range(10))
    assert sorted(x for part in whole for x in part.profiles.flatten().tolist()) == list(range(20))


def test_fewer_groups_than_a_minibatch_are_one_minibatch() -> None:
    members = [np.array([i]) for i in range(3)]
    feed = BagFeed(torch.zeros(3, 1, 1), None, members, minibatch=8, bag=None, seed=0)
    assert [sorted(rows.tolist()) for rows in feed.epoch(0)] == [[0, 1, 2]]
