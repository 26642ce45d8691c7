"""A map packed and plates placed from the command line, and the index that shows both."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from tests.atlas.plates_on_maps import plates
from typer.testing import CliRunner

import impasto as im
from impasto import cli
from impasto.atlas import layout


def impasto(*words: object, code: int = 0) -> str:
    done = CliRunner().invoke(cli.app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.output


def rows_of(printed: str) -> list[dict[str, object]]:
    """The JSON after what was said of controls."""
    rows: list[dict[str, object]] = json.loads(printed[printed.index("[\n") if "[\n" in printed else printed.index("[") :])
    return rows


def test_three_plates_become_a_map_and_two_are_placed_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "has_umap", lambda: False)
    im.write(plates(3, seed=0), tmp_path / "old.plates")
    im.write(plates(2, seed=5, name="N", moved=True), tmp_path / "new.parquet")
    run = tmp_path / "run"
    run.mkdir()
    impasto("correct", tmp_path / "old.plates", "--method", "standardize", "--method", "clip", "--keep", "--out", run / "c.plates")
    impasto("index", run / "c.plates", "--out", run / "index")
    impasto("map", run, "--licence", "CC0-1.0", "--out", tmp_path / "map")
    rows = rows_of(impasto("place", tmp_path / "new.parquet", "--on", tmp_path / "map", "--out", tmp_path / "placed", "--json"))
    assert {row["group"] for row in rows} >= {"profiles", "position only"}
    neighbours = pd.read_csv(tmp_path / "placed" / "neighbours.csv")
    assert set(neighbours.columns) >= {"perturbation", "rank", "neighbour", "score", "p", "q", "query_p", "itself"}
    assert len(pd.read_csv(tmp_path / "placed" / "wells.csv")) == 48
    found = rows_of(impasto("search", tmp_path / "placed", "--name", "c1", "--json"))
    assert found
    assert "is not as it was written" in _changed(tmp_path / "map", tmp_path / "new.parquet", tmp_path / "again")


def _changed(folder: Path, new: Path, out: Path) -> str:
    (folder / "reach.npy").write_bytes(b"x")
    done = CliRunner().invoke(cli.app, ["place", str(new), "--on", str(folder), "--out", str(out)])
    assert done.exit_code != 0
    assert not out.exists()
    return done.output + str(done.exception)


def test_python_says_the_same_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "has_umap", lambda: False)
    from tests.atlas.plates_on_maps import corrected

    corrected(plates(3, seed=0), tmp_path)
    folder = im.map(tmp_path / "run", tmp_path / "map", licence="CC0-1.0")
    placed = im.place(plates(1, seed=4, name="N"), folder, top=2)
    assert placed.neighbours.groupby("perturbation").size().eq(2).all()
