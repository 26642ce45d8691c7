"""Estimates by hand: the libraries, and a multiple of what headers say; none where memory does not grow with the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from tests.cells import made_cells
from tests.profiles.test_shape import made

from impasto import pace, profiles, recipe
from impasto.need import Need
from impasto.profiles.shape import Shape
from impasto.profiling import ENCODERS, WITHOUT_NET
from impasto.profiling.encoders import vision_encoder
from impasto.stages import STAGES, needs, times

MB = 2**20
TABLE = 40 * 6 * 4


def need_of(verb: str, out: str = "o.parquet", **values: Any) -> Need | None:
    kind = STAGES[verb]
    return kind.need(kind.settings.read(values, where="test"), Path(out))


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
        230 * MB + 15 * TABLE, TABLE * 3 // 2, by_plate, seconds=times.of_correction(["standardize"], Shape(40, 6))
    )
    as_text = need_of("correct", "o.csv", profiles=table, steps=[{"method": "sphering"}])
    assert as_text == Need(230 * MB + 15 * TABLE, int(TABLE * 2.8), by_plate)
    assert need_of("evaluate", task="hits", profiles=[table]) == Need(
        230 * MB + 30 * TABLE, 0, by_plate, seconds=times.of_task("hits", Shape(40, 6))
    )
    twice = need_of("evaluate", task="hits", profiles=[table, table])
    assert twice is not None
    assert twice.seconds == pytest.approx(2 * (3.5 + 0.55e-6 * 240))
    assert need_of("evaluate", task="conservation", profiles=[table]) == Need(230 * MB + 4 * TABLE, 0, by_plate)
    trained = need_of("embed", run=str(tmp_path), profiles=table)
    assert trained is not None
    assert trained.memory == 500 * MB + 8 * TABLE


def test_of_several_tables_the_largest_counts_and_drawn_rows_are_no_more_than_drawn(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles.write(made(30, 2), tmp_path / "small.parquet")
    assert need_of("evaluate", task="replicates", profiles=[table, str(tmp_path / "small.parquet")]) == need_of(
        "evaluate", task="replicates", profiles=[table]
    )
    monkeypatch.setitem(needs._DRAWN, "mixing", 10)
    drawn = need_of("evaluate", task="mixing", profiles=[table])
    assert drawn is not None
    assert drawn.memory == 230 * MB + 4 * TABLE + 14 * 10 * 6 * 4


def test_a_folder_of_plates_has_no_estimate(tmp_path: Path) -> None:
    profiles.write(made(), tmp_path / "t.plates")
    path = str(tmp_path / "t.plates")
    assert need_of("correct", profiles=path, steps=[{"method": "standardize"}]) is None
    assert need_of("evaluate", task="hits", profiles=[path]) is None
    assert need_of("index", profiles=path) is None


def test_a_site_and_workers_of_images(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for well in ("A01", "A02"):
        for stain in ("DNA", "ER"):
            tifffile.imwrite(images / f"{well}_s1_{stain}.tif", np.full((64, 50), 7, np.uint16))
    settings = STAGES["ingest"].settings.read({"sources": [str(images)], "pattern": "{well}_s{site}_{channel}.tif"}, where="test")
    recipe.execute("ingest", settings, out=tmp_path / "ingested")
    site = 2 * 64 * 50 * 2
    one = need_of("profile", images=str(tmp_path / "ingested"), encoder="random")
    assert one == Need(500 * MB + 5 * 8 * site, 0, "--per-batch 2")
    three = need_of("profile", images=str(tmp_path / "ingested"), encoder="random", shards="local:3", per_batch=2)
    assert three == Need(500 * MB + 3 * (500 * MB + 5 * 2 * site), 0, "--shards local:1")
    for encoder in WITHOUT_NET:
        measured = need_of("profile", images=str(tmp_path / "ingested"), encoder=encoder)
        assert measured is not None
        assert measured.memory == 380 * MB + 8 * site
    assert need_of("cells", sources=[str(tmp_path / "ingested")]) is None


def test_encoders_that_no_net_reads_are_said_where_encoders_are() -> None:
    assert {name for name in ENCODERS if ENCODERS[name] is not vision_encoder} == set(WITHOUT_NET)


def test_cells_by_the_size_of_their_files(tmp_path: Path) -> None:
    wells = made_cells.wells_of(["P1"], ["DMSO", "a"])
    cells = wells.loc[wells.index.repeat(50), ["plate", "well"]].assign(Nuclei_AreaShape_Area=1.5, Nuclei_Texture_A=2.0)
    made_cells.write(tmp_path, pd.DataFrame(cells).reset_index(drop=True), wells)
    size = sum(path.stat().st_size for path in (tmp_path / "run").iterdir())
    tables = need_of("cells", sources=[str(tmp_path / "run")])
    assert tables == Need(230 * MB + int(0.3 * size), size // 2, "give fewer plates at a time")
    pooled = need_of("profile", images=str(tmp_path / "cells"), encoder="intensity")
    assert pooled is not None
    assert 230 * MB + 100 * 2 * 4 <= pooled.memory < 231 * MB
    assert need_of("cells", sources=[str(tmp_path / "missing")]) is None
