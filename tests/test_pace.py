"""How fast this machine is: the least of three measurements beside the reference, measured once."""

from __future__ import annotations

import pytest

from impasto import pace


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    pace.slowness.cache_clear()


def test_the_least_of_three_counts_and_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([9.0, 3.0, 5.0, 1.0])
    monkeypatch.setattr(pace, "_seconds", lambda: pace._REFERENCE * next(seconds))
    assert pace.slowness() == pytest.approx(3)
    assert pace.slowness() == pytest.approx(3)


def test_the_work_is_the_same_each_time_and_takes_some_of_this_thread() -> None:
    assert pace._work() == pace._work()
    assert 0 < pace._seconds() < 5
    assert 0.01 < pace.slowness() < 100
