"""Minibatches have exactly the size that was asked for; rows of one name are apart; what is smaller is said."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.sampling import minibatches


@pytest.mark.parametrize(
    ("rows", "size", "sizes"), [(127, 64, [64]), (133, 64, [64, 64]), (128, 64, [64, 64]), (5, 64, [5]), (0, 4, []), (3, 1, [1, 1, 1])]
)
def test_each_has_exactly_the_size_and_the_rest_waits(rows: int, size: int, sizes: list[int]) -> None:
    order = np.random.default_rng(0).permutation(rows)
    parts = minibatches.cut(order, size)
    assert [len(part) for part in parts] == sizes
    assert np.concatenate([*parts, []]).tolist() == order[: sum(sizes)].tolist()


def test_a_name_is_in_a_minibatch_once_and_their_size_is_exact_where_the_names_allow_it() -> None:
    names = np.array([0] * 3 + [1] * 2 + list(range(2, 9)))  # 12 rows, the first name three times
    for seed in range(20):
        rng = np.random.default_rng(seed)
        parts = minibatches.cut_apart(rng.permutation(12), 4, names, rng)
        assert [len(part) for part in parts] == [4, 4, 4]
        assert all(len(set(names[part])) == len(part) for part in parts)
        parts = minibatches.cut_apart(rng.permutation(12), 6, names, rng)
        assert [len(part) for part in parts] == [4, 4, 4]  # three rows of one name need three minibatches, and then no row waits
        assert sorted(np.concatenate(parts)) == list(range(12))
        assert all(len(set(names[part])) == len(part) for part in parts)


def test_without_repeated_names_the_rest_waits() -> None:
    rng = np.random.default_rng(0)
    parts = minibatches.cut_apart(rng.permutation(127), 64, np.arange(127), rng)
    assert [len(part) for part in parts] == [64]
    assert minibatches.cut_apart(np.empty(0, dtype=np.intp), 4, np.empty(0, dtype=np.intp), rng) == []


def test_what_is_smaller_than_asked_for_is_said_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    minibatches.say_if_smaller([np.arange(64)] * 2, 64, what="bags")
    assert capsys.readouterr().out == ""
    minibatches.say_if_smaller([np.arange(5)], 64, what="bags")
    assert capsys.readouterr().out == "minibatch = 64 was asked for, and there are 5 bags: all of them make one minibatch\n"
    minibatches.say_if_smaller([np.arange(134), np.arange(133)], 512, what="bags")
    assert "minibatches have 133 bags or one more: those of one name are kept apart, which takes 2 minibatches" in capsys.readouterr().out
