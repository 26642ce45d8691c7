"""`impasto panels`: a panel a table and a colouring, well-formed SVG, the same twice."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from impasto import profiles as tables
from impasto.report.figures import panels
from impasto.schema import InputError
from impasto.simulate.plan import Plan
from impasto.simulate.profiles import simulate
from impasto.stages.panels import PanelsSettings, run


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
        dots = [e for e in figure.iter() if e.tag.endswith("}use") and "fill-opacity" in e.get("style", "")]
        assert len(dots) == 4 * 24  # two tables by two colourings
        assert {"perturbation", "source", "before", "after"} <= {e.text for e in figure.iter() if e.text}
        assert text == (tmp_path / "b" / f"{method}.svg").read_text()
    assert (tmp_path / "a" / "panels.html").exists()


def test_panels_do_not_overlap_and_their_colours_are_named() -> None:
    batches = pd.DataFrame({"batch": [f"b{i % 14}" for i in range(28)]})
    points = np.random.default_rng(0).normal(size=(28, 2)).astype(np.float32)
    figure = panels.draw([(f"table {i}", points, batches) for i in range(6)])
    figure.draw_without_rendering()
    boxes = [axes.get_position(original=False) for axes in figure.get_axes() if axes.axison]
    assert len(boxes) == 6
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert len({round(box.x0, 3) for box in boxes}) == 4
    (legend,) = [legend for part in figure.subfigs for legend in part.legends]
    names = [text.get_text() for text in legend.get_texts()]
    assert names[0] == "b0"
    assert names[-1] == "4 others"  # ten have a colour of their own
    assert "b13" not in names
    assert legend.get_window_extent().y1 <= min(axes.get_window_extent().y0 for axes in figure.get_axes() if axes.axison)


def test_bad_input_is_a_sentence(two: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"methods\.1 is 'pac' \(did you mean 'pca'\?\), but input should be 'pca', 'tsne' or 'umap'"):
        PanelsSettings.read({"profiles": two, "methods": ["pac"]}, where="impasto panels")
    with pytest.raises(InputError, match="panels needs the column 'dye'"):
        run(PanelsSettings(profiles=two, methods=["pca"], colours=["dye"]), tmp_path / "out")
    tables.write(tables.read(two[0])[:2].copy(), tmp_path / "few.parquet")
    with pytest.raises(InputError, match=r"2 rows of \d+ features make no map"):
        run(PanelsSettings(profiles=[tmp_path / "few.parquet"], methods=["pca"]), tmp_path / "out")
