"""Means over rows, and the first value that is not finite, looked at when asked."""

from __future__ import annotations

import pytest
import torch
from tests.reads import Reads

from impasto.schema import InputError
from impasto.training.totals import Totals


def test_means_are_over_rows() -> None:
    totals = Totals()
    with Reads() as reads:
        totals.add({"a": torch.tensor(1.0), "b": torch.tensor(5.0)}, rows=3)
        totals.add({"a": torch.tensor(4.0), "b": torch.tensor(1.0)}, rows=1)
    assert reads.waited == []
    assert totals.means() == {"a": pytest.approx(7 / 4), "b": pytest.approx(4.0)}
    assert totals.rows == 4
    assert Totals().means() == {}


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_the_first_value_that_is_not_finite_is_kept_until_somebody_looks(bad: float) -> None:
    totals = Totals()
    for value in (1.0, bad, float("nan"), 2.0):
        totals.add({"fine": torch.tensor(0.0), "match": torch.tensor(value)}, rows=2)
    with pytest.raises(InputError, match=f"the loss term 'match' is {bad} in epoch 7; lower the learning rate"):
        totals.look(epoch=7)
    Totals().look(epoch=0)
