"""The recipes of CellCLIP's tables: each smoke twin runs whole, and names only rows and settings its full recipe has."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.conftest import REPOSITORY

from impasto import recipe as recipes
from impasto.recipe import run as run_stages

pytestmark = pytest.mark.usefixtures("_text_model")
FOLDER = REPOSITORY / "recipes"


TABLES = (
    "cellclip_table1",
    "cellclip_table2",
    "cellclip_s2",
    "cellclip_s3",
    "cellclip_ablation",
    "cellclip_control",
    "cellclip_s1",
    "cellclip_s5",
    "cellclip_table3",
    "cellclip_s4",
)
SIZES = re.compile(r"loop\.epochs$|optim\.warmup$|encoder\.layers$|^features\.encoder$")
"""What a smoke twin says in its rows in a size of its own."""
PHENOTYPES = "data/phenotypes/cpjump1_phenotypes.parquet"


@pytest.fixture(scope="module")
def six_plates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two U2OS plates each of compounds, guides and ORFs, of the 35 of CPJUMP1's phenotypes: a third of the perturbations, and controls."""
    table = pd.read_parquet(REPOSITORY / PHENOTYPES)
    u2os = table[table["Metadata_cell_line"] == "U2OS"]
    plates = u2os.groupby("Metadata_pert_type")["Metadata_Plate"].unique()
    path = tmp_path_factory.mktemp("phenotypes") / "six_plates.parquet"
    kept = (
        u2os["Metadata_perturbation"].isin(sorted(u2os["Metadata_perturbation"].dropna().unique())[::3])
        | u2os["Metadata_control_type"].notna()
    )
    u2os[kept & u2os["Metadata_Plate"].isin([name for names in plates for name in sorted(names)[:2]])].to_parquet(path, index=False)
    return path


def on_six_plates(smoke: recipes.Recipe, six_plates: Path) -> recipes.Recipe:
    """A twin that reads six plates where it reads the 35 of the phenotypes."""
    read = {"profiles.profiles": str(six_plates)}
    changes: dict[str, Any] = {}
    for stage in (stage for stage in smoke.stages if stage.verb == "sweep"):
        if stage.values["recipe"] == "../cellclip_table3_row.toml":
            changes[f"{stage.name}.given"] = {**stage.values["given"], **read}
        rows = [{**row, "set": {**row["set"], **read}} if PHENOTYPES in str(row.get("set")) else row for row in stage.values["row"]]
        changes[f"{stage.name}.row"] = rows
    return smoke.changed(changes)


@pytest.mark.parametrize("name", TABLES)
def test_the_smoke_twin_prints_the_table(name: str, tmp_path: Path, six_plates: Path) -> None:
    smoke, full = recipes.read(FOLDER / "smoke" / f"{name}.toml"), recipes.read(FOLDER / f"{name}.toml")
    table = next(stage for stage in smoke.stages if stage.name == "table").values["results"]
    labels: list[str] = []
    for result in table:
        small, whole = (next(s for s in r.stages if s.name == result.removeprefix("@")).values["row"] for r in (smoke, full))
        # No row is missing, and each says what it says in the full recipe; a row that needs a file may have it here.
        assert [row["label"] for row in small] == [row["label"] for row in whole]
        for row, other in zip(small, whole, strict=True):
            assert _said(row) == _said(other) or ("needs" in other and "needs" not in row)
            assert row.get("needs") is None or [Path(n).name for n in row["needs"]] == [Path(n).name for n in other["needs"]]
        labels += [row["label"] for row in small]
    run_stages(on_six_plates(smoke, six_plates), tmp_path)
    told = json.loads((tmp_path / "table" / "table.json").read_text())
    labels = list(dict.fromkeys(labels))
    assert [row[0] for row in told["rows"] if row[0] in labels] == labels
    ran = [row for row in told["rows"] if not row[1].startswith("not run: needs ")]
    cells = pd.read_csv(tmp_path / "table" / "table.csv")
    assert {row[0] for row in ran} == set(cells["row"])
    assert len(ran) > 1
    assert cells.loc[cells["row"].isin(labels) & cells["column"].str.contains("R@"), "value"].between(0, 1).all()
    if _has_two_pools(full, smoke):
        among = json.loads((tmp_path / "table_pairs" / "table.json").read_text())
        assert [row[0] for row in among["rows"]] == [row[0] for row in told["rows"]]
        assert "all pairs" in among["note"]
        assert "unique candidates" not in among["note"]


def _has_two_pools(*both: recipes.Recipe) -> bool:
    """Whether the recipe and its twin rank among all pairs too: both do, or neither."""
    (has,) = {any(stage.name == "table_pairs" for stage in one.stages) for one in both}
    return has


def _said(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.get("set", {}).items() if not SIZES.search(key)}


def test_sizes_are_measured_and_stand_beside_the_scores(tmp_path: Path) -> None:
    smoke = recipes.read(FOLDER / "smoke" / "cellclip_s1.toml")
    stages = [stage for stage in smoke.stages if stage.name in ("plates", "sites", "sizes", "table_s6")]
    run_stages(dataclasses.replace(smoke, stages=tuple(stages)), tmp_path)
    told = {row[0]: row[1:] for row in json.loads((tmp_path / "table_s6" / "table.json").read_text())["rows"]}
    assert told["DINOv2 (giant)"][0].startswith("not run: needs ")
    # EfficientNet-Lite0 without its classifier has 3.4 million parameters.
    assert float(told["random weights"][0].split()[0].strip("*·")) == pytest.approx(3.4, abs=0.1)
    assert float(told["random weights"][1].split()[0].strip("*·")) > 0.5
    assert told["statistics of intensity"][:2] == ["", ""]
    assert all(told[name][2] for name in ("random weights", "statistics of intensity"))
