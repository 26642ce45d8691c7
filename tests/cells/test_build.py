from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from tests.cells import made_tables
from tests.cells.test_gather import cells_of

from impasto.cells import build
from impasto.schema import InputError


def test_features_of_all_plates_are_read_and_the_others_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images, objects = made_tables.made(3)
    made_tables.write_csv(tmp_path / "runs" / "1", images, objects)
    fewer = {kind: rows for kind, rows in objects.items() if kind != "Foci"}
    made_tables.write_csv(tmp_path / "runs" / "2", [{**i, "Metadata_Plate": "P/2"} for i in images], fewer)
    cells = cells_of(tmp_path / "runs", tmp_path / "cells")
    assert "Cells_Children_Foci_Count" not in cells.features
    assert "1 features are not on all plates (first: Cells_Children_Foci_Count)" in capsys.readouterr().out
    assert json.loads((tmp_path / "cells" / "cells.json").read_text())["plates"][0]["file"] == "-/-/P%2F2.parquet"
    assert cells.well("P/2", "A01").n_obs == cells.well("P1", "A01").n_obs


def test_other_inputs_leave_no_plate_of_the_earlier_run(tmp_path: Path) -> None:
    images, objects = made_tables.made(3)
    for plate in ("P1", "P2"):
        made_tables.write_csv(tmp_path / plate, [{**i, "Metadata_Plate": plate} for i in images], objects)
        cells = cells_of(tmp_path / plate, tmp_path / "cells")
        assert cells.plates == [plate]
        assert [p.name for p in (tmp_path / "cells").rglob("P*.parquet")] == [f"{plate}.parquet"]


def test_a_platemap_and_controls_by_name(tmp_path: Path) -> None:
    images, objects = made_tables.made(3)
    made_tables.write_csv(tmp_path / "run", images, objects)
    (tmp_path / "map.csv").write_text("well,compound\n" + "\n".join(f"{w},{'DMSO' if w < 'A03' else w}" for w in made_tables.WELLS))
    cells = cells_of(tmp_path / "run", tmp_path / "cells", platemap=[str(tmp_path / "map.csv")], negcon=["dmso"])
    assert cells.wells["control_type"].fillna("").tolist() == ["negcon", "negcon", "trt", "trt"]
    with pytest.raises(InputError, match="no well is named 'DMS0'"):
        cells_of(tmp_path / "run", tmp_path / "other", platemap=[str(tmp_path / "map.csv")], negcon=["DMS0"])


def test_a_column_of_the_image_table_by_name(tmp_path: Path) -> None:
    images, objects = made_tables.made(3)
    images = [{**{k: v for k, v in i.items() if k != "Metadata_Well"}, "Where": i["Metadata_Well"]} for i in images]
    made_tables.write_csv(tmp_path / "run", images, objects)
    with pytest.raises(InputError, match=r"says the well .*--set columns.well=NAME"):
        cells_of(tmp_path / "run", tmp_path / "cells")
    assert cells_of(tmp_path / "run", tmp_path / "cells", columns={"well": "Where"}).wells["well"].tolist() == list(made_tables.WELLS)


def test_the_token_tells_files_and_settings_apart(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("1")
    first = build.token_of([file], {"unit": "Cells"})
    assert build.token_of([tmp_path], {"unit": "Cells"}) == first
    assert build.token_of([file], {"unit": "Nuclei"}) != first
    file.write_text("12")
    assert build.token_of([file], {"unit": "Cells"}) != first


def test_what_differs_within_a_well_is_not_said_of_it(tmp_path: Path) -> None:
    images, objects = made_tables.made(3)
    images = [{**i, "Metadata_Time": number, "Metadata_Donor": i["Metadata_Well"]} for number, i in enumerate(images)]
    made_tables.write_csv(tmp_path / "run", images, objects)
    wells = pd.DataFrame(cells_of(tmp_path / "run", tmp_path / "cells").wells)
    assert "time_h" not in wells
    assert wells["Donor"].tolist() == list(made_tables.WELLS)


def test_what_is_read_is_counted_by_plates_and_wells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images, objects = made_tables.made(3)
    made_tables.write_csv(tmp_path / "run", images, objects)
    cells_of(tmp_path / "run", tmp_path / "cells")
    wells = len({image["Metadata_Well"] for image in images})
    assert wells > 1
    assert f"1 run, {len(images)} images of {wells} wells; plates: 1" in capsys.readouterr().out
