"""The path of cells on the command line: tables or images, check, pool, evaluate, montage."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import tifffile
from tests import terminal
from tests.cells import made_tables

from impasto.simulate import paint, truth


def impasto(*words: object, code: int = 0) -> str:
    done = terminal.impasto(*words, code=code)
    return done.out if code == 0 else done.err


def test_tables_become_cells_are_checked_and_pooled(tmp_path: Path) -> None:
    made_tables.write_cytominer(tmp_path / "plate.sqlite", *made_tables.made(3))
    (tmp_path / "map.csv").write_text("well,perturbation\nA01,DMSO\nA02,DMSO\nA03,x\nB01,y\n")
    said = impasto("cells", tmp_path / "plate.sqlite", "--platemap", tmp_path / "map.csv", "--negcon", "DMSO", "--out", tmp_path / "cells")
    assert "Cytoplasm: joined to 39 of 46 Cells; 7 have none" in said
    assert "already there" in impasto(
        *("cells", tmp_path / "plate.sqlite", "--platemap", tmp_path / "map.csv", "--negcon", "DMSO", "--out", tmp_path / "cells")
    )
    receipt = json.loads(impasto("check", tmp_path / "cells", "--json"))
    assert (receipt["cells"], receipt["kept"]) == (46, 39)
    assert "39 of 46 cells are kept" in impasto("check", tmp_path / "cells")
    words = impasto("profile", tmp_path / "cells", "--pool", "mean", "--out", tmp_path / "p.csv", code=2)
    assert "none of 4 wells has a profile: 0 hold no kept cell, 4 are out by the check" in words


def test_a_dry_run_says_what_would_be_joined_and_writes_nothing(tmp_path: Path) -> None:
    made_tables.write_csv(tmp_path / "run", *made_tables.made(3))
    said = impasto("cells", tmp_path / "run", "--out", tmp_path / "cells", "--dry-run")
    for line in (
        "1 run, 8 images of 4 wells; plates: 1",
        "Cells: one row a cell, 3 features",
        "Cytoplasm: 2 features, by Parent_Cells of Cytoplasm",
        "Nuclei: 3 features, by Parent_Nuclei of Cells",
        "Stray: not related to Cells; would be left out",
        "this takes about 0.2 GB of memory, under 0.1 GB of disk",
        "dry run: nothing was written",
    ):
        assert line in said
    assert not (tmp_path / "cells").exists()
    assert json.loads(impasto("cells", tmp_path / "run", "--out", tmp_path / "cells", "--dry-run", "--json"))["understood"]
    assert "no table of 'Kells'" in impasto("cells", tmp_path / "run", "--unit", "Kells", "--out", tmp_path / "c", "--dry-run", code=2)


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    made_tables.write_csv(tmp_path / "run", *made_tables.made(3))
    assert "choose one with --unit" in impasto("cells", tmp_path / "run", "--unit", "Cel", "--out", tmp_path / "c", code=2)
    assert not (tmp_path / "c").exists()
    assert "lies in the input" in impasto("cells", tmp_path / "run", "--out", tmp_path / "run" / "c", code=2)
    assert "--nucleus does not fit" in impasto("cells", tmp_path / "run", "--nucleus", "20", "--out", tmp_path / "c", code=2)
    assert "needs --out" in impasto("check", tmp_path / "run", code=2)
    impasto("cells", tmp_path / "run", "--out", tmp_path / "cells")
    assert "needs the column 'perturbation'" in impasto("evaluate", "subpopulations", tmp_path / "cells", "--out", tmp_path / "e", code=2)
    words = impasto("montage", tmp_path / "cells", "--perturbation", "x", "--out", tmp_path / "m.png", code=2)
    assert "a montage needs the column 'perturbation'" in words


def test_images_become_cells_and_a_montage(tmp_path: Path) -> None:
    pytest.importorskip("skimage", reason="scikit-image is not installed (pip install 'impasto[classical]')")
    (tmp_path / "P1").mkdir()
    for seed, well in enumerate(("A01", "A02", "B01")):
        site = truth.site(seed, cells=12, pixels=256, magnification=1.0)
        for channel, plane in zip(paint.CHANNELS, site.planes, strict=True):
            tifffile.imwrite(tmp_path / "P1" / f"{well}_s1_{channel}.tif", plane)
    (tmp_path / "map.csv").write_text("well,perturbation,control_type\nA01,DMSO,negcon\nA02,DMSO,negcon\nB01,x,trt\n")
    pattern = ("--pattern", "{well}_s{site}_{channel}.tif")
    impasto("ingest", tmp_path / "P1", "--platemap", tmp_path / "map.csv", *pattern, "--out", tmp_path / "ingested")
    assert "nuclei of" in impasto("cells", tmp_path / "ingested", "--out", tmp_path / "cells")
    out = tmp_path / "x.png"
    impasto("montage", tmp_path / "cells", "--perturbation", "x", "--by", "random", "--count", 4, "--out", out)
    assert out.read_bytes().startswith(b"\x89PNG")
    listed = pd.read_csv(tmp_path / "x.png.cells.csv")
    assert listed["row"].value_counts().max() <= 4
    assert set(listed.loc[listed["row"] == "chosen", "well"]) == {"B01"}
