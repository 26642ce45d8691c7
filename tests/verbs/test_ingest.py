"""`impasto ingest`: the dry run tells all, and the command that it suggests works."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from tests.workbooks import xlsx
from typer.testing import CliRunner

from impasto import profiles, wells
from impasto.cli import app
from impasto.schema import InputError
from impasto.stages import ingest
from impasto.verbs import dry_run


def run(command: str) -> str:
    result = CliRunner().invoke(app, shlex.split(command.removeprefix("impasto ")), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def told(command: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(run(command + " --dry-run --json"))
    return found


@pytest.fixture
def newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two Opera Phenix plates and an Excel platemap, as a laboratory has them."""
    for number, plate in enumerate(("000412", "000413")):
        folder = tmp_path / plate / "Images"
        folder.mkdir(parents=True)
        for row in (1, 2):
            for column in (1, 2, 3):
                for channel in (1, 2):
                    pixels = np.full((8, 8), 100 * number + 10 * row + column + channel, dtype=np.uint16)
                    tifffile.imwrite(folder / f"r{row:02d}c{column:02d}f01p01-ch{channel}sk1fk1fl1.tiff", pixels)
        entries = "".join(
            f"<Entry><ChannelID>{n}</ChannelID><ChannelName>{name}</ChannelName></Entry>"
            for n, name in enumerate(("HOECHST 33342", "Concanavalin A"), 1)
        )
        (folder / "Index.idx.xml").write_text(f'<E xmlns="http://www.perkinelmer.com/V6">{entries}</E>')
    rows = [["Screen 7"], ["Plate ID", "Well", "Compound", "Conc (µM)", "Type"]]
    for plate in ("000412", "000413"):
        for letter in "AB":
            rows += [[plate, f"{letter}1", "DMSO", None, "sample"]]  # type: ignore[list-item]
            rows += [[plate, f"{letter}{c}", f"cpd{c}", 1 if letter == "A" else 10.5, "sample"] for c in (2, 3)]  # type: ignore[list-item]
    xlsx(tmp_path / "platemap.xlsx", {"Layout": rows})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_newcomers_plates_are_ingested_by_the_command_that_the_dry_run_suggests(newcomer: Path) -> None:
    command = "impasto ingest 000412 000413 --platemap platemap.xlsx --out ingested"
    printed = run(command + " --dry-run")
    assert not (newcomer / "ingested").exists()
    assert "this takes about 0.2 GB of memory, under a minute of one core" in printed
    suggested = printed.strip().splitlines()[-1].strip()
    assert suggested == "impasto ingest 000412 000413 --platemap platemap.xlsx --negcon DMSO --out ingested"
    run(suggested)
    found = pd.read_parquet(newcomer / "ingested" / "wells.parquet")
    assert wells.counts_of_kinds(found) == {"negcon": 4, "trt": 8}
    assert found.groupby("plate").size().to_dict() == {"000412": 6, "000413": 6}
    assert found.set_index(["plate", "well"]).loc[("000413", "B03"), ["perturbation", "concentration"]].tolist() == ["cpd3", 10.5]
    assert len(pd.read_parquet(newcomer / "ingested" / "images.parquet")) == 24


def test_the_dry_run_gives_the_same_as_json(newcomer: Path) -> None:
    whole = told("ingest 000412 000413 --platemap platemap.xlsx --out ingested")
    assert [p["plate"] for p in whole["plates"]] == ["000412", "000413"]  # type: ignore[attr-defined]
    assert whole["words"] == {
        "platemap.xlsx": {
            "plate": "Plate ID",
            "well": "Well",
            "perturbation_name": "Compound",
            "control_type": "Type",
            "concentration": "Conc (µM)",
        }
    }
    assert whole["kinds"] == {"trt": 12}
    assert whole["doses"] == {"cpd2": 2, "cpd3": 2}
    covers = {"wells": 12, "described": 12, "rows": 12, "present": 12, "not_described": [], "not_present": []}
    assert whole["joins"] == [
        {"table": "platemap.xlsx", "keys": ["plate", "well"], "found": 12, "not_found": 0, "unused": 0, "notes": [], "covers": covers}
    ]
    assert whole["problems"] == [
        {
            "sentence": "no negative control is marked; 4 wells are named DMSO: --negcon DMSO",
            "command": "impasto ingest 000412 000413 --platemap platemap.xlsx --negcon DMSO --out ingested",
        }
    ]
    assert whole["next"] == "impasto ingest 000412 000413 --platemap platemap.xlsx --negcon DMSO --out ingested"
    assert set(whole) == {
        *("sources", "plates", "words", "kinds", "unknown_words", "joins", "doses", "shared_inchikeys", "features", "left_out"),
        *("problems", "notes", "next", "dose_unit"),
    }


def test_refusals_are_problems_that_the_next_command_solves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"Well": ["A01", "A02", "A03"], "compound": ["DMSO", "x", "y"], "a": [1.0, 2.0, 4.0]})
    frame.assign(Cells_AreaShape_Area=[1.0, 2.0, 3.0], Cells_AreaShape_Center_X=5, Cells_Intensity_X=["1", "2", "n.d."]).to_csv(
        "t.csv", index=False
    )
    Path("m.csv").write_text("Assay plate,well,moa,compound\nP1,A01,v,DMSO\nP2,A01,v,z\n")
    whole = told("ingest t.csv --out out")
    commands = [p["command"] for p in whole["problems"]]  # type: ignore[attr-defined]
    assert commands[0] == "impasto ingest t.csv --leave-out Cells_Intensity_X --out out"
    assert commands[1] == "impasto ingest t.csv --features rest --out out"
    assert whole["next"] == "impasto ingest t.csv --features rest --leave-out Cells_Intensity_X --negcon DMSO --out out"
    assert whole["left_out"] == {"t.csv": ["Cells_Intensity_X", "Cells_AreaShape_Center_X"]}
    run(str(whole["next"]))
    assert list(profiles.read("out/profiles.parquet").var_names) == ["a", "Cells_AreaShape_Area"]
    with pytest.raises(InputError, match="does not exist"):
        told("ingest nowhere.csv --out out")


def test_the_command_of_settings_is_read_back() -> None:
    settings = ingest.IngestSettings.read(
        {
            "sources": ["a b", "c"],
            "platemap": ["m.xlsx"],
            "negcon": ["DMSO", "neg ctl"],
            "columns": {"plate": "Assay plate"},
            "annotation": ["a", "b"],
            "leave_out": ["x y"],
            "depth": 0,
            "level": "site",
            "channels": ["ch1=DNA"],
        },
        where="t",
    )
    command = dry_run.command_of(settings, out=Path("out"))
    assert command == (
        "impasto ingest 'a b' c --platemap m.xlsx --channels ch1=DNA --depth 0 --set 'columns.plate=Assay plate' --annotation a,b "
        "--leave-out 'x y' --negcon DMSO --negcon 'neg ctl' --level site --out out"
    )
    assert dry_run.with_options(settings, ("--odd", "1")) == settings
    assert dry_run.with_options(settings, ("--set", "columns.well=W")).columns == {"plate": "Assay plate", "well": "W"}


def test_json_without_a_dry_run_writes_and_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("Metadata_Plate,Metadata_Well,emb_0000\nP,A01,1\n")
    whole = json.loads(run("ingest t.csv --out out --json"))
    assert whole["features"] == {"t.csv": {"count": 1, "how": "embeddings"}}
    assert (tmp_path / "out" / "profiles.parquet").exists()


@pytest.mark.parametrize(
    ("source", "options", "sentence"),
    [
        ("000412", {"layer": "x"}, "--layer is for tables of profiles, and 000412 holds images; leave it out"),
        ("000412", {"leave_out": ["x"]}, "--leave-out is for tables of profiles, and 000412 holds images; leave it out"),
        ("t.csv", {"depth": 0}, "--depth is for images, and t.csv holds tables of profiles; leave it out"),
        ("t.csv", {"channel": ["ch1=DNA"]}, "--channel is for images, and t.csv holds tables of profiles; leave it out"),
    ],
)
def test_an_option_of_the_other_kind_of_source_is_refused(newcomer: Path, source: str, options: dict[str, object], sentence: str) -> None:
    (newcomer / "t.csv").write_text("Plate,Well,Cells_AreaShape_Area\nP,A01,1\nP,A02,2\n")
    with pytest.raises(InputError) as refused:
        ingest.survey(ingest.IngestSettings.read({"sources": [source], **options}, where="impasto ingest"))
    assert str(refused.value) == sentence


def test_one_image_and_a_document_are_no_tables(newcomer: Path) -> None:
    tifffile.imwrite(newcomer / "one.tif", np.zeros((4, 4), dtype=np.uint16))
    with pytest.raises(InputError, match=r"one\.tif is neither a sheet .* of single images give the folder"):
        ingest.survey(ingest.IngestSettings(sources=[Path("one.tif")]))
    (newcomer / "layout.pdf").write_bytes(b"%PDF-1.4\n")
    with pytest.raises(InputError, match=r"layout\.pdf is no table \(PDF document\); allowed: CSV, TSV, Excel, ods, Parquet"):
        ingest.survey(ingest.IngestSettings(sources=[Path("000412")], platemap=[Path("layout.pdf")]))
