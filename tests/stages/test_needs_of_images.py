"""Estimates of images and cells by hand: a batch of sites a worker, the largest plate of cells, the size of files."""

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
from impasto.profiling import ENCODERS, WITHOUT_NET, size
from impasto.profiling.encoders import vision_encoder
from impasto.profiling.extract import ProfileSettings, open_encoder, plates_of
from impasto.stages import STAGES, needs_of_images, times
from impasto.stages.held import CellRows, Images, Sizes

MB = 2**20
SITES = Images(sites=2, wells=2, channels=2, height=64, width=50, itemsize=2)


def need_of(verb: str, out: str = "o.parquet", **values: Any) -> Need | None:
    kind = STAGES[verb]
    return kind.need(kind.settings.read(values, where="test"), Path(out), Sizes())


@pytest.fixture(autouse=True)
def _as_fast_as_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "slowness", lambda: 1.0)


@pytest.fixture
def ingested(tmp_path: Path) -> str:
    """Two wells of one site of two stains."""
    images = tmp_path / "images"
    images.mkdir()
    for well in ("A01", "A02"):
        for stain in ("DNA", "ER"):
            tifffile.imwrite(images / f"{well}_s1_{stain}.tif", np.full((64, 50), 7, np.uint16))
    settings = STAGES["ingest"].settings.read({"sources": [str(images)], "pattern": "{well}_s{site}_{channel}.tif"}, where="test")
    recipe.execute("ingest", settings, out=tmp_path / "ingested")
    return str(tmp_path / "ingested")


def test_a_site_and_workers_of_images(ingested: str) -> None:
    site = 2 * 64 * 50 * 2
    disk = int(2 * 2 * 1280 * 4 * 1.5) + 2 * 1280 * 650
    one = need_of("profile", images=ingested, encoder="random")
    assert one == Need(500 * MB + 5 * 8 * site, disk, "--per-batch 2", seconds=times.of_encoder("random", SITES, crops=2))
    three = need_of("profile", images=ingested, encoder="random", shards="local:3", per_batch=2)
    assert three is not None
    assert (three.memory, three.helps) == (500 * MB + 3 * (500 * MB + 5 * 2 * site), "--shards local:1")
    for encoder in WITHOUT_NET:
        measured = need_of("profile", images=ingested, encoder=encoder)
        assert measured is not None
        assert measured.memory == 380 * MB + 8 * site
    assert need_of("cells", sources=[ingested]) is None
    assert need_of("check", images=ingested) == Need(230 * MB + site, 0, "give fewer plates at a time", seconds=times.of_check(SITES))


def test_crops_rows_and_columns_of_profiles(ingested: str) -> None:
    of = needs_of_images.of_profiles
    out, sizes = Path("o.parquet"), Sizes()
    settings = {"images": Path(ingested), "encoder": "dinov2_s14"}
    assert of(ProfileSettings(**settings), out, sizes) == {out: Shape(2, 2 * 384)}
    # A site of 64 x 50 is covered by two squares.
    assert of(ProfileSettings(**settings, instances=True), out, sizes) == {out: Shape(4, 2 * 384)}
    assert of(ProfileSettings(**settings, level="well"), out, sizes) == {out: Shape(2, 2 * 384)}
    assert of(ProfileSettings(**{**settings, "encoder": "cp_measure"}), out, sizes) == {}
    timed = [need_of("profile", images=ingested, encoder="intensity", **more) for more in ({}, {"illumination": "estimate"})]
    assert [need is not None and need.seconds is not None for need in timed] == [True, False]


def test_features_of_a_channel_are_those_of_the_encoder(ingested: str) -> None:
    for name in ("random", "intensity"):
        encoder = open_encoder(ProfileSettings(images=Path(ingested), encoder=name), plates_of(Path(ingested)))
        assert len(encoder.features(["DNA", "ER"])) == 2 * needs_of_images._FEATURES[name]
    net = size.of_encoder(ProfileSettings(images=Path(ingested), encoder="random"))
    assert net is not None
    assert net.operations / 1e9 == pytest.approx(0.77, abs=0.01), "what times._PLANES says of it"


def test_an_ingest_counts_images_or_values(ingested: str, tmp_path: Path) -> None:
    images = need_of("ingest", "o", sources=[str(tmp_path / "images")])
    assert images == Need(230 * MB, 0, "give fewer plates at a time", seconds=times.of_image_files(4))
    profiles.write(made(), tmp_path / "t.parquet")
    tables = need_of("ingest", "o", sources=[str(tmp_path / "t.parquet")] * 2)
    disk, seconds = 2 * (1440 + 6 * 650), 2 * times.of_table(Shape(40, 6))
    assert tables == Need(230 * MB + 16 * 960, disk, "give fewer plates at a time", seconds=seconds)
    assert need_of("ingest", "o", sources=[str(tmp_path / "missing.csv")]) is None


def test_encoders_that_no_net_reads_are_said_where_encoders_are() -> None:
    assert {name for name in ENCODERS if ENCODERS[name] is not vision_encoder} == set(WITHOUT_NET)


def test_cells_by_the_size_of_their_files(tmp_path: Path) -> None:
    wells = made_cells.wells_of(["P1"], ["DMSO", "a"])
    cells = wells.loc[wells.index.repeat(50), ["plate", "well"]].assign(Nuclei_AreaShape_Area=1.5, Nuclei_Texture_A=2.0)
    made_cells.write(tmp_path, pd.DataFrame(cells).reset_index(drop=True), wells)
    size = sum(path.stat().st_size for path in (tmp_path / "run").iterdir())
    tables = need_of("cells", sources=[str(tmp_path / "run")])
    assert tables == Need(230 * MB + int(0.3 * size), size // 4, "give fewer plates at a time")
    pooled = need_of("profile", images=str(tmp_path / "cells"), encoder="intensity")
    assert pooled is not None
    assert 230 * MB + 100 * 2 * 4 <= pooled.memory < 231 * MB
    assert need_of("cells", sources=[str(tmp_path / "missing")]) is None
    cells = Sizes().cells(tmp_path / "cells")
    assert cells is not None
    assert cells[:3] == CellRows(rows=100, width=2, wells=2, largest=0)[:3]
    assert pooled.memory == 230 * MB + cells.largest
    assert pooled.seconds == times.of_cells(cells, checked=False)
    checked = need_of("check", images=str(tmp_path / "cells"))
    assert checked is not None
    assert checked.seconds == times.of_cells(cells, checked=True)


def test_only_of_sqlite_the_size_tells_how_many_values_there_are(tmp_path: Path) -> None:
    (tmp_path / "plate.sqlite").write_bytes(b"x" * 10_000)
    (tmp_path / "plate.csv").write_bytes(b"x" * 10_000)
    known = need_of("cells", sources=[str(tmp_path / "plate.sqlite")])
    assert known is not None
    assert known.seconds == times.of_tables_of_cells(1000)
    unknown = need_of("cells", sources=[str(tmp_path / name) for name in ("plate.sqlite", "plate.csv")])
    assert unknown is not None
    assert unknown.seconds is None
