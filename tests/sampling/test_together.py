"""Minibatches of one batch of anchors: exact, in turn, every row at most once, nobody where it has no anchor."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impasto.sampling import together
from impasto.sampling.pairs import Pairs, PairSettings


def test_batches_come_in_turn_and_minibatches_are_exact() -> None:
    present = np.ones((13, 3), dtype=bool)
    made = together.in_turn(np.random.default_rng(0).permutation(13), present, 4, first=1)
    assert [batch for _, batch in made] == [1, 2, 0]
    assert [len(rows) for rows, _ in made] == [4, 4, 4]
    assert len(set(np.concatenate([rows for rows, _ in made]))) == 12


def test_a_row_is_only_where_it_has_an_anchor() -> None:
    present = np.array([[True, False]] * 5 + [[False, True]] * 3 + [[True, True]])
    for seed in range(10):
        made = together.in_turn(np.random.default_rng(seed).permutation(9), present, 3, first=seed)
        assert all(present[row, batch] for rows, batch in made for row in rows)
        assert all(len(rows) == 3 for rows, _ in made)
        assert len(made) >= 2
    # Too few for one minibatch: those of the batch that most have.
    made = together.in_turn(np.arange(9), present, 20, first=0)
    assert [(sorted(rows), batch) for rows, batch in made] == [([0, 1, 2, 3, 4, 8], 0)]
    assert together.in_turn(np.empty(0, dtype=np.intp), present, 3, first=0) == []


def obs() -> pd.DataFrame:
    rows = [
        {
            "perturbation": f"p{p}",
            "perturbation_type": "compound",
            "control_type": "trt",
            "batch": f"b{b}",
            "plate": f"P{b}",
            "well": f"A{p + 1:02d}",
        }
        for b in range(3)
        for p in range(10)
    ]
    return pd.DataFrame(rows).rename(index=str)


def test_anchors_of_a_minibatch_are_of_one_batch_and_targets_of_another() -> None:
    pairs = Pairs.of(obs(), PairSettings(together="batch", prefer="batch", repeats=2))
    rng = np.random.default_rng(0)
    made = pairs.minibatches(0, rng, size=4)
    assert [len(rows) for rows in made] == [4] * 4
    seen = []
    for rows in made:
        drawn = [pairs.draw(int(row), np.random.default_rng(int(row))) for row in rows]
        (batch,) = {int(pairs.batch[anchor]) for _, anchor, _ in drawn}
        seen.append(batch)
        assert len({group for group, _, _ in drawn}) == 4
        assert all(pairs.batch[target] != batch for _, _, target in drawn)
    assert set(seen) == {0, 1, 2}
    sites = Pairs.of(obs(), PairSettings(together="batch", epoch="sites"))
    for rows in sites.minibatches(1, rng, size=5):
        assert len({int(sites.batch[sites.draw(int(row), rng)[1]]) for row in rows}) == 1


def test_by_default_batches_are_mixed_as_they_come() -> None:
    pairs = Pairs.of(obs(), PairSettings())
    made = pairs.minibatches(0, np.random.default_rng(0), size=4)
    assert [len(rows) for rows in made] == [4, 4]
    assert max(int(rows.max()) for rows in made) < len(pairs)


@pytest.mark.parametrize(("epoch", "batches"), [(0, [0, 1, 2, 0]), (1, [1, 2, 0, 1])])
def test_batches_go_on_in_turn_from_pass_to_pass_and_each_epoch_begins_with_the_next(epoch: int, batches: list[int]) -> None:
    pairs = Pairs.of(obs(), PairSettings(together="batch", prefer="batch", repeats=2))
    made = pairs.minibatches(epoch, np.random.default_rng(0), size=4)
    drawn = [pairs.draw(int(rows[0]), np.random.default_rng(0)) for rows in made]
    assert [int(pairs.batch[anchor]) for _, anchor, _ in drawn] == batches
