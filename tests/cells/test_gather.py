from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.cells import made_tables
from tests.cells.made_tables import Objects

from impasto import progress, recipe
from impasto.cells import columns, gather
from impasto.cells.folder import Cells
from impasto.schema import InputError
from impasto.stages.cells import CellsSettings

WRITERS: dict[str, Callable[[Path, list[dict[str, object]], Objects], Path]] = {}


def _csv(folder: Path, images: list[dict[str, object]], objects: Objects) -> Path:
    made_tables.write_csv(folder / "run", images, objects)
    return folder / "run"


def _csv_prefix(folder: Path, images: list[dict[str, object]], objects: Objects) -> Path:
    made_tables.write_csv(folder / "run", images, objects, prefix="MyExpt_")
    return folder / "run"


def _two_headers(folder: Path, images: list[dict[str, object]], objects: Objects) -> Path:
    made_tables.write_two_headers(folder / "run", images, objects)
    return folder / "run"


def _cytominer(folder: Path, images: list[dict[str, object]], objects: Objects) -> Path:
    made_tables.write_cytominer(folder / "plate.sqlite", images, objects)
    return folder / "plate.sqlite"


def _export(folder: Path, images: list[dict[str, object]], objects: Objects) -> Path:
    made_tables.write_export(folder / "plate.db", images, objects, prefix="MyExpt_")
    return folder / "plate.db"


def _per_object(folder: Path, images: list[dict[str, object]], objects: Objects) -> Path:
    made_tables.write_per_object(folder / "plate.db", images, objects)
    return folder / "plate.db"


LAYOUTS = (_csv, _csv_prefix, _two_headers, _cytominer, _export, _per_object)


def cells_of(source: Path, out: Path, **settings: object) -> Cells:
    recipe.execute("cells", CellsSettings.read({"sources": [str(source)], **settings}, where="test"), out=out)
    return Cells(out)


def compare(cells: Cells, expected: dict[tuple[str, str, int], dict[str, float]]) -> None:
    seen = 0
    for well in cells.iter_wells(kept=False):
        frame = well.to_df()
        for row, place in enumerate(well.obs[["well", "site", "object"]].itertuples(index=False)):
            values = expected[str(place.well), str(place.site), int(place.object)]
            assert set(values) - {"center_x"} == set(frame.columns)
            for name, value in values.items():
                got = well.obs["center_x"].iloc[row] if name == "center_x" else frame[name].iloc[row]
                assert np.isclose(got, value, rtol=6.2e-5, equal_nan=True), (place, name)
            seen += 1
    assert seen == len(expected)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cells_of_each_layout_equal_those_of_dicts_and_loops(layout: object, tmp_path: Path) -> None:
    images, objects = made_tables.made(3)
    cells = cells_of(layout(tmp_path, images, objects), tmp_path / "cells")  # type: ignore[operator]
    compare(cells, made_tables.oracle(images, objects))
    well_of = {i["ImageNumber"]: i["Metadata_Well"] for i in images}
    counted = [sum(well_of[image] == well for image, _ in objects["Cells"]) for well in made_tables.WELLS]
    assert cells.wells["cell_count_all"].tolist() == counted


def test_orphans_carry_their_bit_and_are_left_out_of_what_is_kept(tmp_path: Path) -> None:
    images, objects = made_tables.made(3)
    cells = cells_of(_csv(tmp_path, images, objects), tmp_path / "cells")
    with_cytoplasm = {(i, r["Parent_Cells"]) for (i, _), r in objects["Cytoplasm"].items()}
    number = {(i["Metadata_Well"], str(i["Metadata_Site"])): i["ImageNumber"] for i in images}
    for well in cells.iter_wells(kept=False):
        orphan = (well.obs["qc"] & columns.BIT["orphan"]) > 0
        expected = [(number[w, s], o) not in with_cytoplasm for w, s, o in well.obs[["well", "site", "object"]].itertuples(index=False)]
        assert orphan.tolist() == expected
        assert (well.obs["object_cytoplasm"].isna() == orphan).all()
    assert cells.wells["cell_count"].sum() == len(objects["Cytoplasm"]) == sum(w.n_obs for w in cells.iter_wells())


def test_what_is_lost_is_said_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images, objects = made_tables.made(3)
    with progress.silent(False):
        cells_of(_csv(tmp_path, images, objects), tmp_path / "cells")
    said = capsys.readouterr().out
    count, nuclei = len(objects["Cells"]), len(objects["Nuclei"])
    assert f"Nuclei: {nuclei - count} of {nuclei} have no Cells; left out" in said
    assert f"Cytoplasm: joined to {len(objects['Cytoplasm'])} of {count} Cells; 7 have none" in said
    assert "Foci: several a cell (up to" in said
    assert "Stray: not related to Cells; left out" in said
    assert "1 of 8 images hold no Cells" in said


def test_the_order_of_rows_and_files_changes_no_byte(tmp_path: Path) -> None:
    images, objects = made_tables.made(3)
    for number in (1, 2):
        made_tables.write_csv(tmp_path / f"run{number}", images, objects, seed=number)
        cells_of(tmp_path / f"run{number}", tmp_path / f"cells{number}")
    first, second = (tmp_path / f"cells{n}" / "-" / "-" / "P1.parquet" for n in (1, 2))
    assert first.read_bytes() == second.read_bytes()


def test_runs_of_one_plate_are_one_plate_and_image_numbers_begin_again(tmp_path: Path) -> None:
    images, objects = made_tables.made(3)
    for part, numbers in enumerate(((1, 2, 3), (4, 5, 6, 7, 8))):
        own = [{**i, "ImageNumber": numbers.index(i["ImageNumber"]) + 1} for i in images if i["ImageNumber"] in numbers]
        rows = {k: {(numbers.index(i) + 1, n): r for (i, n), r in o.items() if i in numbers} for k, o in objects.items()}
        made_tables.write_csv(tmp_path / "runs" / str(part), own, rows)
    compare(cells_of(tmp_path / "runs", tmp_path / "cells"), made_tables.oracle(images, objects))


def test_text_that_is_no_number_is_missing(tmp_path: Path) -> None:
    images, objects = made_tables.made(3)
    for row in list(objects["Nuclei"].values())[::3]:
        row["AreaShape_M1"] = "nan"
    source = _cytominer(tmp_path, images, objects)
    for row in objects["Nuclei"].values():
        row["AreaShape_M1"] = float(row["AreaShape_M1"])
    compare(cells_of(source, tmp_path / "cells"), made_tables.oracle(images, objects))


def test_cells_at_any_border_of_an_image_of_known_size_carry_the_bit(tmp_path: Path) -> None:
    """Boxes are half-open: one that ends at 100 touches the border of 100 pixels, one that ends at 99 does not."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "Image.csv").write_text("ImageNumber,Metadata_Plate,Metadata_Well,Width_DNA,Height_DNA\n1,P1,A01,100,80\n")
    boxes = [(1, 1, 99, 79), (0, 1, 9, 9), (1, 0, 9, 9), (50, 50, 100, 60), (50, 50, 60, 80)]
    names = [f"AreaShape_BoundingBox{end}_{axis}" for end in ("Minimum", "Maximum") for axis in "XY"]
    lines = [",".join(map(str, (1, n, 5.0, *box))) for n, box in enumerate(boxes, start=1)]
    (tmp_path / "run" / "Cells.csv").write_text("\n".join([",".join(["ImageNumber", "ObjectNumber", "AreaShape_Area", *names]), *lines]))
    well = cells_of(tmp_path / "run", tmp_path / "cells").well("P1", "A01")
    assert ((well.obs["qc"] & columns.BIT["edge"]) > 0).tolist() == [False, True, True, True, True]
    assert well.obs[["box_x0", "box_y0", "box_x1", "box_y1"]].astype(int).to_numpy().tolist() == [list(box) for box in boxes]


def test_rows_that_only_fill_up_a_table_of_all_kinds_are_no_objects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images, objects = made_tables.made(3)
    with progress.silent(False):
        cells_of(_per_object(tmp_path, images, objects), tmp_path / "cells")
    said = " ".join(capsys.readouterr().out.split())
    assert "belong to no image" not in said
    of_cells = sum(row["Parent_Cells"] > 0 for row in objects["Foci"].values())
    assert f"Foci: {len(objects['Foci']) - of_cells} of {len(objects['Foci'])} have no Cells; not counted" in said


def test_a_number_of_zero_is_none_and_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images, objects = made_tables.made(3)
    objects["Cells"] = {(i, n if n > 1 else 0): row for (i, n), row in objects["Cells"].items()}
    with progress.silent(False):
        cells = cells_of(_csv(tmp_path, images, objects), tmp_path / "cells")
    assert "Cells: 7 have a number below 1, which means none; left out" in capsys.readouterr().out
    assert sum(well.n_obs for well in cells.iter_wells(kept=False)) == len(objects["Cells"]) - 7


def test_a_table_without_one_object_makes_no_orphans(tmp_path: Path) -> None:
    images, objects = made_tables.made(3)
    source = _csv(tmp_path, images, objects)
    (source / "Foci.csv").write_text((source / "Foci.csv").read_text().splitlines()[0] + "\n")
    cells = cells_of(source, tmp_path / "cells")
    counts = np.concatenate([well[:, "Cells_Children_Foci_Count"].X.ravel() for well in cells.iter_wells()])
    assert counts.tolist() == [0.0] * len(objects["Cytoplasm"])


def test_tables_without_one_cell_are_refused(tmp_path: Path) -> None:
    images, objects = made_tables.made(3)
    source = _csv(tmp_path, images, objects)
    (source / "Cells.csv").write_text((source / "Cells.csv").read_text().splitlines()[0] + "\n")
    with pytest.raises(InputError, match="not one of 8 images has Cells to write"):
        cells_of(source, tmp_path / "cells")


def test_another_unit(tmp_path: Path) -> None:
    images, objects = made_tables.made(3)
    cells = cells_of(_export(tmp_path, images, objects), tmp_path / "cells", unit="Nuclei")
    assert sum(well.n_obs for well in cells.iter_wells(kept=False)) == len(objects["Nuclei"])
    foci = np.concatenate([well[:, "Nuclei_Children_Foci_Count"].X for well in cells.iter_wells(kept=False)])
    assert foci.sum() == sum(row["Parent_Cells"] > 0 for row in objects["Foci"].values())  # through the cell of each nucleus


KILL = """
import time
from pathlib import Path
from impasto.cells import gather
plain = gather.Gathering.{step}
calls = []
def slow(self, *given):
    calls.append(1)
    if len(calls) == 2:
        print("ready", flush=True)
        time.sleep(60)
    return plain(self, *given)
gather.Gathering.{step} = slow
from impasto import recipe
from impasto.stages.cells import CellsSettings
recipe.execute("cells", CellsSettings.read({{"sources": [{source!r}]}}, where="test"), out=Path({out!r}))
"""


@pytest.mark.parametrize("step", ["_lay_out", "_group"])
def test_a_killed_run_goes_on_to_the_same_bytes(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, objects = made_tables.made(3)
    source = _csv(tmp_path, images, objects)
    script = KILL.format(step=step, source=str(source), out=str(tmp_path / "cells"))
    if step == "_group":
        script = script.replace(
            "from impasto import recipe", "from impasto.cells import store; store.WELLS_OF_GROUP = 2\nfrom impasto import recipe"
        )
    source_of_impasto = str(Path(progress.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source_of_impasto}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        while b"ready" not in process.stdout.readline():
            assert process.poll() is None
        time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
    assert list((tmp_path / "cells").glob(".cells-*/*"))
    assert not list((tmp_path / "cells").rglob("P1.parquet"))
    if step == "_group":
        monkeypatch.setattr("impasto.cells.store.WELLS_OF_GROUP", 2)
    cells_of(source, tmp_path / "cells")
    cells_of(source, tmp_path / "again")
    names = sorted(p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*") if p.is_file() and p.name != "run.json")
    assert (
        sorted(p.relative_to(tmp_path / "cells") for p in (tmp_path / "cells").rglob("*") if p.is_file() and p.name != "run.json") == names
    )
    assert all((tmp_path / "cells" / n).read_bytes() == (tmp_path / "again" / n).read_bytes() for n in names)


def test_an_image_that_is_left_out_has_no_number() -> None:
    """Of a run whose images were rows 0, 2 and 3 of its table, and of one that none is left of."""
    images = pd.DataFrame({gather.RUN: [0, 1, 1, 1], gather.ROW: [5, 3, 0, 2]})
    assert gather._image_numbers(images, 1).tolist() == [2, -1, 3, 1]
    assert gather._image_numbers(images, 2).tolist() == []
    numbers = gather._image_numbers(images, 1)
    assert gather._own(np.array([3, 1, -1, 4, 0]), numbers).tolist() == [1, -1, -1, -1, 2]
