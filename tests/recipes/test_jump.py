"""CellPainTR's bench on JUMP's thirteen sources: from the listing to the finished table, on made-up files in the layout of cpg0016."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.conftest import REPOSITORY
from tests.datasets import layouts
from tests.loopback import Server

from impasto import cli, lacking, recipe
from impasto import profiles as tables

FULL = REPOSITORY / "recipes" / "cellpaintr_jump.toml"
ROWS = ("baseline", "rank normal", "ComBat", "Harmony", "sphering", "TVN", "Scanorama", "scVI")
ROWS += ("CellPainTR (1)", "CellPainTR (2)", "CellPainTR (3)")
TABLES = ("plate.csv.gz", "well.csv.gz", "compound.csv.gz", "perturbation_control.csv")
SET = "JUMP, 13 sources"


def sizes(twin: recipe.Recipe) -> dict[str, Any]:
    """What the twin says of nets and of the search: its sizes."""
    (row,) = next(s for s in twin.stages if s.name == "sets").values["row"]
    return {key: value for key, value in row["set"].items() if not key.startswith("simulated.")}


def with_values(whole: recipe.Recipe, values: dict[str, Any]) -> recipe.Recipe:
    (row,) = next(s for s in whole.stages if s.name == "sets").values["row"]
    return whole.changed({"sets.row": [{**row, "set": {**row["set"], **values}}]})


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["impasto", *map(str, words)])
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.mark.timeout(900)
def test_from_the_listing_to_the_table(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layouts.cpg0016_sources(server)
    registry = layouts.registry_of(server, tmp_path)
    home = tmp_path / "jump"
    # The command that stands in the recipe.
    said = next(line for line in FULL.read_text().splitlines() if "impasto fetch" in line).split("impasto ")[1].split()
    words = [home if word == "data/jump" else word for word in said]
    assert run(monkeypatch, *words, "--registry", registry) == 0
    monkeypatch.setattr(lacking, "is_installed", lambda extra: False)
    here = {
        "wells.sources": [str(home)],
        "wells.platemap": [
            str(home / "tables" / name) for name in ("plate.csv.gz", "well.csv.gz", "compound.csv.gz", "perturbation_control.csv")
        ],
        # Eight controls a plate: half are spared.
        "conservation.options.k": 5,
    }
    (row,) = next(s for s in recipe.read(FULL).stages if s.name == "sets").values["row"]
    assert [Path(p).name for p in row["set"]["wells.platemap"]] == [Path(p).name for p in here["wells.platemap"]]
    twin = recipe.read(REPOSITORY / "recipes" / "smoke" / FULL.name)
    recipe.run(with_values(recipe.read(FULL), {**sizes(twin), **here}), tmp_path / "run")

    inner = tmp_path / "run" / "sets" / "jump_13_sources" / "0"
    wells = tables.read(inner / "wells" / "profiles.parquet")
    assert sorted(wells.obs["source"].unique()) == sorted(layouts.SOURCES)
    assert (wells.n_obs, wells.obs["plate"].nunique()) == (13 * 26, 13), "the ORF plate was not asked for"
    assert wells.obs["control_type"].value_counts().to_dict() == {"trt": 234, "negcon": 104}
    assert wells.obs.loc[wells.obs["control_type"] == "trt", "inchikey"].nunique() == 18
    baseline = tables.read(inner / "baseline" / "profiles.parquet")
    assert "Cells_Neighbors_NumberOfNeighbors_5" in wells.var_names
    assert "Cells_Neighbors_NumberOfNeighbors_5" not in baseline.var_names, "a constant feature is dropped"
    told = json.loads((tmp_path / "run" / "table" / "table.json").read_text())
    shown = {line[0]: line[1:] for line in told["rows"]}
    assert [name for name in shown if name.removeprefix(f"{SET}: ") in ROWS] == [f"{SET}: {name}" for name in ROWS]
    for name, need in (("Scanorama", "scanorama"), ("scVI", "scvi")):
        assert shown[f"{SET}: {name}"][0] == f"not run: needs pip install 'impasto[{need}]'"
    cells = pd.read_csv(tmp_path / "run" / "table" / "table.csv")
    own = cells[cells["row"].isin([f"{SET}: {name}" for name in ROWS])]
    assert own["value"].notna().all()
    # Doing nothing leaves each source's own offset... after the plates' controls took it away: planted compounds are found again.
    value = own.set_index(["row", "column"])["value"]
    assert value[f"{SET}: baseline", "biology: mAP (no rep)"] > 0.5
    assert value[f"{SET}: baseline", "batch correction: graph conn., Eq. 14"] == 1


@pytest.mark.slow
def test_the_twin_has_every_row_and_column_of_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lacking, "is_installed", lambda extra: False)
    twin, full = recipe.read(REPOSITORY / "recipes" / "smoke" / FULL.name), recipe.read(FULL)
    columns = [next(s for s in one.stages if s.name == "table").values["column"] for one in (twin, full)]
    assert columns[0] == columns[1]
    recipe.run(twin, tmp_path)
    told = json.loads((tmp_path / "table" / "table.json").read_text())
    assert [line[0] for line in told["rows"] if line[0].removeprefix(f"{SET}: ") in ROWS] == [f"{SET}: {name}" for name in ROWS]
    assert pd.read_csv(tmp_path / "sets" / "results.csv")["group"].str.startswith(f"{SET}: ").any()
