"""Plates of images segmented by several processes, and one that cannot be."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

pytest.importorskip("skimage", reason="scikit-image is not installed (pip install 'impasto[classical]')")

from impasto import recipe
from impasto.cells import image_run
from impasto.cells.folder import Cells
from impasto.schema import InputError
from impasto.simulate import paint, truth
from impasto.stages.cells import CellsSettings
from impasto.stages.ingest import IngestSettings


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """P1 and P2 are painted; P3 has nothing but noise."""
    folder = tmp_path_factory.mktemp("plates")
    for number, plate in enumerate(("P1", "P2", "P3")):
        (folder / plate).mkdir()
        for place, well in enumerate(("A01", "A02")):
            site = truth.site(2 * number + place, cells=8, pixels=160, magnification=1.0)
            for channel, plane in zip(paint.CHANNELS, site.planes, strict=True):
                flat = np.full(plane.shape, 500, np.uint16)
                tifffile.imwrite(folder / plate / f"{well}_s1_{channel}.tif", flat if plate == "P3" else plane)
    (folder / "map.csv").write_text("well,perturbation,control_type\nA01,DMSO,negcon\nA02,x,trt\n")
    return folder


def ingested(plates: Path, out: Path, *names: str) -> Path:
    said = {
        "sources": [str(plates / name) for name in names],
        "platemap": [str(plates / "map.csv")],
        "pattern": "{well}_s{site}_{channel}.tif",
    }
    recipe.execute("ingest", IngestSettings.read(said, where="test"), out=out)
    return out


def cells_of(images: Path, out: Path, **settings: object) -> Cells:
    recipe.execute("cells", CellsSettings.read({"sources": [str(images)], **settings}, where="test"), out=out)
    return Cells(out)


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "run.json"
    }


def test_two_processes_leave_the_bytes_of_one(plates: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = ingested(plates, tmp_path / "images", "P1", "P2")
    one = cells_of(images, tmp_path / "one")
    said = capsys.readouterr().out
    other = cells_of(images, tmp_path / "other", shards="local:2")
    assert files_of(one.folder) == files_of(other.folder)
    assert capsys.readouterr().out.count("the median over 1 fields of controls") == said.count("the median over 1 fields of controls") == 2


def test_a_plate_that_shows_no_nuclei_is_left_out_with_its_reason(plates: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = ingested(plates, tmp_path / "images", "P1", "P3")
    cells = cells_of(images, tmp_path / "cells")
    out = pd.read_csv(tmp_path / "cells" / image_run.QUARANTINE, keep_default_na=False)
    assert out["plate"].tolist() == ["P3", "P3"]
    assert out["reason"].str.contains("no field shows nuclei to estimate their diameter by").all()
    assert "left out: plate-00001: plate P3: no field shows nuclei" in capsys.readouterr().out
    assert (cells.wells.set_index("plate")["cell_count_all"].loc["P3"] == 0).all()
    alone = cells_of(ingested(plates, tmp_path / "alone", "P1"), tmp_path / "of-one")
    np.testing.assert_array_equal(alone.well("P1", "A02").X, cells.well("P1", "A02").X)
    with pytest.raises(InputError, match=r"1 of 2 plates failed, and 0 may|no field shows nuclei"):
        cells_of(images, tmp_path / "strict", max_bad=0.0)
    shutil.rmtree(tmp_path / "strict", ignore_errors=True)


def test_shards_are_for_images(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "image.csv").write_text("ImageNumber\n1\n")
    with pytest.raises(InputError, match=r"--shards does not fit .*: it is for images, and these are tables; leave it out"):
        cells_of(tmp_path / "tables", tmp_path / "cells", shards="local:2")
