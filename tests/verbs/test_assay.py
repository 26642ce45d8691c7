"""`impasto assay` from the command line: what it refuses and writes, what it says, and that a killed one goes on to the same bytes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.report import assays
from tests.workbooks import xlsx
from typer.testing import CliRunner, Result

from impasto import recipe, runs
from impasto.cli import app
from impasto.schema import InputError
from impasto.simulate import plates
from impasto.simulate.plan import Plan


def ran(*words: object) -> Result:
    return CliRunner().invoke(app, ["assay", *map(str, words)])


def said(result: Result) -> str:
    """What was printed, on one line."""
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return assays.table(tmp_path, plates=2, compounds=20, controls=24, active=6)


def test_a_dry_run_says_all_and_writes_nothing(table: Path, tmp_path: Path) -> None:
    printed = said(ran(table, "--out", tmp_path / "out", "--dry-run"))
    assert "design: 2 plates, 44 wells each; 20 perturbations; negative controls spared to judge by: 12 a plate" in printed
    assert "the smallest p is 5e-05" in printed
    assert "warning: 20 of 20 perturbations keep one well position on every plate" in printed
    assert "1/7 profiles (ingest): 0.2 GB of memory, under 0.1 GB of disk, under a minute of one core" in printed
    assert "5/7 hits (evaluate): 0.2 GB of memory, under a minute of one core" in printed
    assert "together about" in printed
    assert "dry run: nothing was written" in printed
    assert not (tmp_path / "out").exists()
    values = json.loads(ran(table, "--out", tmp_path / "out", "--dry-run", "--json").stdout)
    assert values["plan"]["positions"] == 12
    stages = {stage["stage"]: stage for stage in values["estimate"]["stages"]}
    assert list(stages) == ["profiles", "design", "corrected", "replicates", "hits", "index", "report"]
    assert stages["corrected"]["memory_bytes"] == 230 * 2**20 + 15 * 4 * 88 * pd.read_csv(table).filter(regex="^(?!Metadata_)").shape[1]


def refused(out: Path, *words: object) -> str:
    result = ran(*words, "--out", out)
    assert isinstance(result.exception, InputError)
    assert not out.exists()
    return str(result.exception)


def test_what_is_refused_writes_nothing(table: Path, tmp_path: Path) -> None:
    whole, out = pd.read_csv(table), tmp_path / "out"
    whole.drop(columns="Metadata_control_type").to_csv(table, index=False)
    assert "48 wells are named DMSO: --control DMSO" in refused(out, table)
    assert "24 negative controls" not in said(ran(table, "--control", "DMSO", "--out", out, "--dry-run"))
    pd.concat([whole, whole.iloc[[5]]]).to_csv(table, index=False)
    assert "share their plate and well" in refused(out, table)
    pd.concat([whole.assign(Metadata_site=1), whole.assign(Metadata_site=2)]).to_csv(table, index=False)
    assert "176 of 176 rows stand in a well that another row has too" in refused(out, table)
    whole.assign(Metadata_concentration=np.arange(len(whole)) % 3 + 1).to_csv(table, index=False)
    assert "--dose-unit uM" in refused(out, table)
    assert "--encoder is for images" in refused(out, table, "--dose-unit", "uM", "--encoder", "dinov2")
    whole.drop(columns=["Metadata_perturbation", "Metadata_control_type", "Metadata_moa"]).to_csv(table, index=False)
    assert "--platemap FILE" in refused(out, table)


def layout(folder: Path, wells: list[str]) -> Path:
    rows = [[w, "DMSO" if i % 2 else f"C{i}", "negative control" if i % 2 else "treatment"] for i, w in enumerate(wells)]
    return xlsx(folder / "map.xlsx", {"layout": [["Well", "Compound", "Type"], *rows]})


def test_a_platemap_that_lacks_wells(table: Path, tmp_path: Path) -> None:
    whole, out = pd.read_csv(table), tmp_path / "out"
    named = ["Metadata_perturbation", "Metadata_control_type", "Metadata_moa"]
    whole.drop(columns=named).to_csv(table, index=False)
    places = sorted(whole["Metadata_well"].unique())
    words = (table, "--platemap", layout(tmp_path, places[:20]))
    assert f"only 40 of 88 wells of the plates are in the platemap; not there: P1 {places[20]}, P1 {places[21]}" in refused(out, *words)
    assert "warning: 48 of 88 wells of the plates are not in the platemap" in said(ran(*words, "--out", out, "--partial", "--dry-run"))


def contents(folder: Path) -> dict[str, bytes]:
    """All that an assay leaves but what says when and for how long it ran."""
    kept = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.endswith("run.json")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in kept if path.name not in ("report.html", "hits.xlsx")}


def test_whole_killed_and_repeated(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    result = ran(table, "--out", out)
    assert result.exit_code == 0, result.output
    closing = result.output.strip().splitlines()[-5:]
    assert " of 20 tests differ from their plates' controls" in closing[0]
    assert closing[1].startswith("replicate mAP profiles ")
    assert closing[2] == "no compound has the doses for a curve"
    assert closing[3] == f"report: {(out / 'report.html').resolve()}"
    assert closing[4] == f"look closer: impasto explore {out}  (http://127.0.0.1:8765)"
    assert {"report.html", "hits.xlsx", "hits.csv", "recipe.toml", "index", "stages"} <= {path.name for path in out.iterdir()}
    first = contents(out)
    called = pd.read_csv(out / "hits.csv").set_index("id")["hit"] == "yes"
    assert called[[f"C{i:02d}" for i in range(6)]].sum() >= 4

    # Again, nothing is done twice; and the recipe alone repeats it in the same folder.
    stages = len(recipe.read(out / "recipe.toml").stages)
    assert ran(table, "--out", out).output.count("already there") == stages
    again = CliRunner().invoke(app, ["run", str(out.resolve() / "recipe.toml"), "--out", str(out)])
    assert again.output.count("already there") == stages

    # Killed at a stage, the rest is made again to the same bytes.
    shutil.rmtree(out / "stages" / "hits")
    for name in ("report.html", "report.html.run.json", "hits.csv", "hits.xlsx"):
        (out / name).unlink()
    real = runs.run_stage

    def killed(*args: Any, **words: Any) -> bool:
        if words["verb"] == "report":
            raise RuntimeError("killed")
        return real(*args, **words)

    with monkeypatch.context() as patched:
        patched.setattr(runs, "run_stage", killed)
        assert ran(table, "--out", out).exit_code != 0
    assert not (out / "report.html").exists()
    assert ran(table, "--out", out).exit_code == 0
    assert contents(out) == first


def test_a_recipe_of_somebody_else_is_not_replaced(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "recipe.toml").write_text("name = 'mine'\n")
    result = ran(table, "--out", out)
    assert isinstance(result.exception, InputError)
    assert "recipe.toml is there" in str(result.exception)
    assert (out / "recipe.toml").read_text() == "name = 'mine'\n"
    assert [path.name for path in out.iterdir()] == ["recipe.toml"]


def simulated(folder: Path, **plan: Any) -> Path:
    """Two plates as a Phenix writes them, with an Excel platemap: 18 compounds at 4 doses, 24 controls."""
    whole = {"batches": 1, "plates": 2, "perturbations": 18, "mechanisms": 6, "doses": [0.3, 1.0, 3.0, 10.0], "controls": 24, "sites": 1}
    values = {**whole, "layout": "fixed", "platemap": "excel", "strength": 3.0, "pixels": 192, **plan}
    plates.write(Plan.read(values, where="plan"), folder / "sim", seed=1)
    result = ran(folder / "sim" / "images", "--platemap", folder / "sim" / "platemap.xlsx", "--out", folder / "out")
    assert result.exit_code == 0, result.output
    return folder / "out"


@pytest.mark.slow
def test_planted_actives_are_found_and_inert_ones_are_not(tmp_path: Path) -> None:
    rows = pd.read_csv(simulated(tmp_path, inert=6) / "hits.csv")
    truth = pd.read_parquet(tmp_path / "sim" / "truth.parquet").set_index("perturbation")
    active = rows["id"].map(truth["potency"]) > 0
    called = rows["hit"] == "yes"
    assert set(rows["unit"]) == {"uM"}
    assert sorted(rows["dose"].unique()) == [0.3, 1.0, 3.0, 10.0]
    assert called[active & (rows["dose"] >= 1)].mean() > 0.5
    assert (called & ~active).sum() <= 0.05 * called.sum() + 1


@pytest.mark.slow
def test_none_of_72_inert_ones_is_called(tmp_path: Path) -> None:
    rows = pd.read_csv(simulated(tmp_path, inert=18) / "hits.csv")
    assert len(rows) >= 68
    assert not (rows["hit"] == "yes").any()


@pytest.mark.slow
def test_one_plate_of_the_same_says_that_it_cannot(tmp_path: Path) -> None:
    out = simulated(tmp_path, plates=1)
    assert not (pd.read_csv(out / "hits.csv")["hit"] == "yes").any()
    html = (out / "report.html").read_text()
    assert "This design cannot yield a hit" in html
    assert "no verdict" in html
