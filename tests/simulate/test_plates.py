"""Plates on disk: an image a channel, missing and cut ones written down, the same bytes for one seed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import tifffile

from impasto import annotation, spelling, wells
from impasto.plates import harmony
from impasto.simulate import plates
from impasto.simulate.plan import Plan

PLAN = Plan(perturbations=4, mechanisms=2, controls=2, batches=1, plates=1, pixels=32, cells=2, missing=1, corrupt=2)


def test_images_tables_and_damage(tmp_path: Path) -> None:
    plates.write(PLAN, tmp_path / "one", seed=1)
    plates.write(PLAN, tmp_path / "two", seed=1)
    folder = tmp_path / "one"
    images = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.tiff"))
    assert len(images) == 6 * 5 - 1
    damage = pd.read_csv(folder / "damage.csv")
    assert damage["damage"].tolist() == ["missing", "truncated", "empty"]
    assert [(folder / "images" / p).exists() or (folder / p).exists() for p in damage["path"]] == [False, True, True]
    for name in [*images, "platemap.csv", "relations_pairs.csv"]:
        assert (folder / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    names, _ = harmony.read(next(folder.rglob("Index.idx.xml")))
    assert names == {1: "DNA", 2: "ER", 3: "RNA", 4: "AGP", 5: "Mito"}
    assert len(pd.read_csv(folder / "platemap.csv")) == 6
    whole = [p for p in images if not damage["path"].str.endswith(Path(p).name).any()]
    assert tifffile.imread(folder / whole[0]).shape == (32, 32)
    assert "not real data" in (folder / "README.txt").read_text()
    assert len(pd.read_parquet(folder / "truth.parquet")) == 4
    plates.write(Plan(**{**PLAN.model_dump(), "missing": 0, "corrupt": 0}), tmp_path / "tables", seed=1, images=False)
    assert not (tmp_path / "tables" / "images").exists()


def test_a_platemap_as_a_laboratory_writes_it(tmp_path: Path) -> None:
    plan = Plan(**{**PLAN.model_dump(), "missing": 0, "corrupt": 0, "doses": [0.5, 2.0], "platemap": "excel"})
    plates.write(plan, tmp_path / "out", seed=1, images=False)
    assert not (tmp_path / "out" / "platemap.csv").exists()
    assert "platemap.xlsx" in (tmp_path / "out" / "README.txt").read_text()
    table = annotation.read(tmp_path / "out" / "platemap.xlsx")
    assert table.attrs["unit"] == "uM"
    assert set(table) == {"plate", "well", "perturbation_name", "concentration", "control_type"}
    known = pd.read_parquet(tmp_path / "out" / "profiles.parquet")
    by_place = table.assign(kind=wells.kinds(spelling.with_kinds(table)[0])).set_index("well")
    assert by_place.loc[known["Metadata_well"], "concentration"].astype(float).tolist() == known["Metadata_concentration"].tolist()
    assert by_place.loc[known["Metadata_well"], "perturbation_name"].tolist() == known["Metadata_perturbation"].tolist()
    assert by_place.loc[known["Metadata_well"], "kind"].tolist() == known["Metadata_control_type"].tolist()
