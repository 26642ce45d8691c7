"""Curves, and figures as files that stand on their own."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from impasto.report.figures import export, lines, svg


def curve(values: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"x": [0.1, 1.0, 10.0], "value": values, "low": [v - 0.05 for v in values], "high": [v + 0.05 for v in values], "chance": 0.2}
    )


def test_a_curve_rises_where_its_values_do_and_baselines_have_no_band() -> None:
    drawn = lines.draw(
        {"profiles": curve([0.2, 0.4, 0.6]), "position only": curve([0.3, 0.3, 0.3])}, x_label="µM", y_label="AP", title="t", log=True
    )
    root = ET.fromstring(drawn)
    assert len(root.findall(".//polygon")) == 1
    first = next(p for p in root.iter("polyline") if "stroke" in p.attrib)
    points = [tuple(map(float, p.split(","))) for p in first.attrib["points"].split()]
    assert points[0][1] > points[1][1] > points[2][1]
    # Decades are equally far apart on a logarithmic axis.
    assert points[1][0] - points[0][0] == pytest.approx(points[2][0] - points[1][0], abs=0.2)


def test_figures_are_files_that_need_no_page(tmp_path: Path) -> None:
    figure = svg.figure(
        [svg.text(4, 12, "R & D", kind="soft"), svg.dot(5, 5, radius=2, colour="#000000")], width=60, height=40, title="mAP, 5 %"
    )
    written = export.write(f"<html>{figure}{figure}</html>", tmp_path / "figures")
    assert [p.name for p in written] == ["map_5.svg", "map_5_2.svg"]
    text = written[0].read_text()
    ET.fromstring(text)
    assert 'width="60" height="40"' in text
    assert "var(--" not in text


def test_every_variable_of_the_style_has_a_colour_in_files() -> None:
    assert set(re.findall(r"var\((--\w+)\)", export.style())) <= set(export._COLOURS)


def test_png_has_the_figures_shape(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    from PIL import Image

    figure = svg.figure([svg.box(0, 0, 60, 40, colour="#ff0000")], width=60, height=40, title="red")
    (written,) = export.write(figure, tmp_path, png=True)
    image = Image.open(written.with_suffix(".png")).convert("RGB")
    assert image.size == (180, 120)
    assert image.getpixel((90, 60)) == (255, 0, 0)
