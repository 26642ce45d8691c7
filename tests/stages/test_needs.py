"""Estimates by hand: the libraries, and a multiple of what headers say; none where memory does not grow with the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.profiles.test_shape import made

from impasto import pace, profiles
from impasto.need import Need
from impasto.profiles.shape import Shape
from impasto.stages import STAGES, needs, times
from impasto.stages.held import Sizes

MB = 2**20
TABLE = 40 * 6 * 4


def need_of(verb: str, out: str = "o.parquet", **values: Any) -> Need | None:
    kind = STAGES[verb]
    return kind.need(kind.settings.read(values, where="test"), Path(out), Sizes())


@pytest.fixture(autouse=True)
def _as_fast_as_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "slowness", lambda: 1.0)


@pytest.fixture
def table(tmp_path: Path) -> str:
    profiles.write(made(), tmp_path / "t.parquet")
    return str(tmp_path / "t.parquet")


def test_tables_in_memory(table: str, tmp_path: Path) -> None:
    by_plate = "give a folder of plates (impasto export TABLE --to plates --out NAME.plates)"
    steps = [{"method": "standardize"}]
    assert need_of("correct", profiles=table, steps=steps) == Need(
        230 * MB + 15 * TABLE, TABLE * 3 // 2 + 6 * 650, by_plate, seconds=times.of_correction(["standardize"], Shape(40, 6))
    )
    as_text = need_of("correct", "o.csv", profiles=table, steps=[{"method": "harmony"}])
    assert as_text == Need(230 * MB + 15 * TABLE, int(TABLE * 2.8), by_plate)
    assert need_of("evaluate", task="hits", profiles=[table]) == Need(
        230 * MB + 30 * TABLE, 0, by_plate, seconds=times.of_task("hits", Shape(40, 6))
    )
    twice = need_of("evaluate", task="hits", profiles=[table, table])
    assert twice is not None
    assert twice.seconds == pytest.approx(2 * (3.7 + 1.5e-4 * 40 + 0.7e-6 * 240))
    assert need_of("evaluate", task="conservation", profiles=[table]) == Need(230 * MB + 4 * TABLE, 0, by_plate)
    trained = need_of("embed", run=str(tmp_path), profiles=table)
    assert trained is not None
    assert trained.memory == 500 * MB + 8 * TABLE


def test_of_several_tables_the_largest_counts_and_drawn_rows_are_no_more_than_drawn(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles.write(made(30, 2), tmp_path / "small.parquet")
    small = str(tmp_path / "small.parquet")
    both, large, alone = (need_of("evaluate", task="replicates", profiles=each) for each in ([table, small], [table], [small]))
    assert both is not None
    assert large is not None
    assert alone is not None
    assert both.memory == large.memory
    assert both.seconds == pytest.approx((large.seconds or 0) + (alone.seconds or 0))
    profiles.write(made(), tmp_path / "t.plates")
    partly = need_of("evaluate", task="replicates", profiles=[table, str(tmp_path / "t.plates")])
    assert partly is not None
    assert partly.seconds is None, "of one of the two nothing is known"
    monkeypatch.setitem(needs._DRAWN, "mixing", 10)
    drawn = need_of("evaluate", task="mixing", profiles=[table])
    assert drawn is not None
    assert drawn.memory == 230 * MB + 4 * TABLE + 14 * 10 * 6 * 4
    pairs = need_of("evaluate", task="grit", profiles=[table])
    assert pairs is not None
    assert pairs.memory == 230 * MB + 4 * TABLE + 40 * 40 * 7 // 2
    monkeypatch.setattr(needs, "_MOST_PAIRED", 10)
    pairs = need_of("evaluate", task="grit", profiles=[table])
    assert pairs is not None
    assert pairs.memory == 230 * MB + 4 * TABLE + 10 * 10 * 7 // 2


def test_a_folder_of_plates_has_no_estimate(tmp_path: Path) -> None:
    profiles.write(made(), tmp_path / "t.plates")
    path = str(tmp_path / "t.plates")
    assert need_of("correct", profiles=path, steps=[{"method": "standardize"}]) is None
    assert need_of("evaluate", task="hits", profiles=[path]) is None
    assert need_of("index", profiles=path) is None
