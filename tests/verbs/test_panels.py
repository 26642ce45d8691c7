"""`impasto panels`: a panel a table and a colouring, well-formed SVG, the same twice."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from impasto.verbs.panels import PanelsSettings, run

from impasto import profiles as tables
from impasto.report.figures import panels
from impasto.schema import InputError
from impasto.simulate.plan import Plan
from impasto.simulate.profiles import simulate


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    wells, _ = simulate(Plan(sources=2, batches=1, plates=1, perturbations=8, mechanisms=4, controls=4), seed=0)
    after = wells.copy()
    after.X = after.X - after.X.mean(axis=0)
    for name, table in (("before", wells), ("after", after)):
        tables.write(table, tmp_path / f"{name}.parquet")
    return [tmp_path / "before.parquet", tmp_path / "after.parquet"]


def test_each_table_has_a_panel_in_each_colouring(two: list[Path], tmp_path: Path) -> None:
    for out in ("a", "b"):
        run(PanelsSettings(profiles=two, methods=["pca", "tsne"]), tmp_path / out)
    for method in ("pca", "tsne"):
        text = (tmp_path / "a" / f"{method}.svg").read_text()
        figure = ET.fromstring(text)
        frames = [e for e in figure.iter() if e.get("class") == "frame"]
        dots = "".join(e.get("d", "") for e in figure.iter() if e.get("class") == "dots")
        assert len(frames) == 4  # two tables by two colourings
        assert dots.count("M") == 4 * 24
        assert {"perturbation", "source", "before", "after"} <= {e.text for e in figure.iter() if e.text}
        assert text == (tmp_path / "b" / f"{method}.svg").read_text()
    assert (tmp_path / "a" / "panels.html").exists()


def test_panels_do_not_overlap_and_their_colours_are_named() -> None:
    told = pd.DataFrame({"batch": [f"b{i % 14}" for i in range(28)]})
    points = np.random.default_rng(0).normal(size=(28, 2)).astype(np.float32)
    figure = ET.fromstring(panels.draw([(f"table {i}", points, told) for i in range(6)], title="t"))
    frames = [tuple(float(e.get(k, "")) for k in ("x", "y", "width", "height")) for e in figure.iter() if e.get("class") == "frame"]
    heads = {e.text: float(e.get("y", "")) for e in figure.iter("text")}
    assert len({x for x, *_ in frames}) == 4
    assert frames[4][1] > heads["table 4"] > frames[0][1] + frames[0][3]
    assert heads["b0"] > frames[4][1] + frames[4][3]
    assert "4 others" in heads  # ten have a colour of their own
    assert "b13" not in heads


def test_bad_input_is_a_sentence(two: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown map 'pac' \\(did you mean 'pca'\\?\\)"):
        run(PanelsSettings(profiles=two, methods=["pac"]), tmp_path / "out")
    with pytest.raises(InputError, match="panels needs the column 'dye'"):
        run(PanelsSettings(profiles=two, methods=["pca"], colours=["dye"]), tmp_path / "out")
    tables.write(tables.read(two[0])[:2].copy(), tmp_path / "few.parquet")
    with pytest.raises(InputError, match=r"2 rows of \d+ features make no map"):
        run(PanelsSettings(profiles=[tmp_path / "few.parquet"], methods=["pca"]), tmp_path / "out")
