"""What lies at a path, or will: headers, what a stage is expected to leave, and nothing where nobody knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.cells import made_tables
from tests.profiles.test_shape import made

from impasto import profiles
from impasto.cells import build, sources
from impasto.profiles.shape import Shape
from impasto.stages import held, ingest
from impasto.stages.held import CellRows, Images, Sizes


def test_what_is_expected_goes_before_what_lies_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles.write(made(), tmp_path / "t.parquet")
    sizes = Sizes()
    assert sizes.table(tmp_path / "t.parquet") == Shape(40, 6)
    sizes.expect({tmp_path / "t.parquet": Shape(9, 3), tmp_path / "later.parquet": Shape(1, 2)})
    monkeypatch.chdir(tmp_path)
    assert sizes.table(Path("t.parquet")) == Shape(9, 3), "a path is the same from any folder"
    assert sizes.in_memory(Path("later.parquet")) == Shape(1, 2)
    assert sizes.table(tmp_path / "missing.parquet") is None
    sizes.expect({tmp_path / "t.parquet": Shape(9, 3, 2)})
    assert sizes.in_memory(tmp_path / "t.parquet") is None, "a folder of plates is not read whole"


def test_each_kind_is_asked_for_by_itself(tmp_path: Path) -> None:
    images, cells = Images(4, 2, 5, 10, 20, 2), CellRows(7, 3, 2, 84)
    sizes = Sizes()
    sizes.expect({tmp_path / "i": images, tmp_path / "c": cells, tmp_path / "t": Shape(1, 1)})
    asked = {name: (sizes.images(tmp_path / name), sizes.cells(tmp_path / name), sizes.table(tmp_path / name)) for name in "ict"}
    assert asked == {"i": (images, None, None), "c": (None, cells, None), "t": (None, None, Shape(1, 1))}
    assert images.pixels == 4 * 5 * 10 * 20
    assert images.bytes_of_site == 5 * 10 * 20 * 2
    assert (sizes.images(tmp_path), sizes.cells(tmp_path)) == (None, None)


def plates(folder: Path) -> Path:
    """Two plates; of the first, one well of two sites, of the second two wells of one."""
    for name, sites in (("P1", ("A01_s1", "A01_s2")), ("P2", ("B01_s1", "B02_s1"))):
        (folder / name).mkdir(parents=True)
        for site in sites:
            for stain in ("DNA", "ER", "RNA"):
                tifffile.imwrite(folder / name / f"{site}_{stain}.tif", np.full((30, 20), 7, np.uint16))
    return folder


def test_an_ingest_is_expected_to_leave_what_it_leaves(tmp_path: Path) -> None:
    values = {"sources": [str(plates(tmp_path / "raw"))], "pattern": "{plate}/{well}_s{site}_{channel}.tif"}
    settings, out = ingest.IngestSettings.read(values, where="test"), tmp_path / "ingested"
    said = ingest.VERB.leaves(settings, out, Sizes())
    assert said == {out: Images(sites=4, wells=3, channels=3, height=30, width=20, itemsize=2)}
    ingest.run(settings, out)
    assert Sizes().images(out) == said[out]
    profiles.write(made(), tmp_path / "t.csv")
    of_table = ingest.IngestSettings.read({"sources": [str(tmp_path / "t.csv")]}, where="test")
    assert ingest.VERB.leaves(of_table, out, Sizes()) == {out / "profiles.parquet": Shape(40, 6)}
    yet_to_come = ingest.IngestSettings.read({"sources": [str(tmp_path / "none")]}, where="test")
    assert ingest.VERB.leaves(yet_to_come, out, Sizes()) == {}


def test_cells_of_tables_by_their_columns_and_images(tmp_path: Path) -> None:
    made_tables.write_csv(tmp_path / "run", *made_tables.made(3))
    opened = sources.open_all([tmp_path / "run"])
    images = build.survey(opened, columns={})[0]
    columns = sum(map(len, opened[0].objects.values()))
    # Eight images of four wells of one plate; its four kinds of objects have nine features in all.
    expected = held.of_runs(opened, images, values=50.0 * columns)
    assert expected == CellRows(rows=50, width=expected.width, wells=4, largest=50 * expected.width * 4)
    assert 8 <= expected.width <= columns
