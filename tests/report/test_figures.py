"""Figures: what is drawn stands where its numbers say, in words too, and in files that need no page."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from matplotlib import colors
from matplotlib.figure import Figure

from impasto.report.figures import curve, drawing, lines, panels, plate, receipt, scatter, scores, style
from impasto.schema import InputError


def axes() -> object:
    return Figure().subplots()


def points(values: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"x": [0.1, 1.0, 10.0], "value": values, "low": [v - 0.05 for v in values], "high": [v + 0.05 for v in values], "chance": 0.2}
    )


def test_a_curve_holds_its_values_and_baselines_have_no_band() -> None:
    drawn = lines.draw(
        {"profiles": points([0.2, 0.4, 0.6]), "position only": points([0.3, 0.3, 0.3])}, axes(), x_label="µM", y_label="AP", log=True
    )
    profiles, baseline, chance = drawn.get_lines()
    assert profiles.get_ydata().tolist() == [0.2, 0.4, 0.6]
    assert profiles.get_xdata().tolist() == [0.1, 1.0, 10.0]
    assert baseline.get_color() == style.GREY != profiles.get_color()
    assert chance.get_ydata().tolist() == [0.2] * 3
    assert len(drawn.collections) == 1
    assert drawn.get_xscale() == "log"
    assert drawn.get_ylim() == (0, pytest.approx(0.7))


def test_scores_are_dots_with_intervals_and_baselines_are_hollow() -> None:
    rows = pd.DataFrame(
        {"group": ["mine", "position only"], "value": [0.5, 0.9], "low": [0.4, np.nan], "high": [0.6, np.nan], "chance": [0.1, np.nan]}
    )
    drawn = scores.draw(rows, axes(), top=1.0)
    chance, interval, dot, hollow = drawn.get_lines()
    assert chance.get_xdata().tolist() == [0.1, 0.1]
    assert interval.get_xdata().tolist() == [0.4, 0.6]
    assert (dot.get_xdata()[0], hollow.get_xdata()[0]) == (0.5, 0.9)
    assert hollow.get_markerfacecolor() == style.PAPER != dot.get_markerfacecolor()
    assert [text.get_text() for text in drawn.texts] == ["0.500", "0.900"]
    # The first row stands on top.
    assert drawn.get_ylim()[0] > drawn.get_ylim()[1]


def test_wells_stand_at_their_places_with_the_colour_of_their_value() -> None:
    obs = pd.DataFrame(
        {"well": ["A01", "B03", "H12"], "v": [0.0, 1.0, np.nan], "control_type": ["negcon", "trt", "trt"], "perturbation": list("xyz")}
    )
    drawn = plate.draw(obs, axes(), value="v", low=0.0, high=1.0)
    (squares,) = drawn.collections
    corners = [tuple(path.vertices[0]) for path in squares.get_paths()]
    assert corners == [(0, 0), (2, 1), (11, 7)]
    assert squares.get_facecolors()[0].tolist() == list(style.HEAT(0.0))
    assert squares.get_facecolors()[1].tolist() == list(style.HEAT(1.0))
    assert colors.to_hex(squares.get_facecolors()[2]) == style.GRID
    assert colors.to_hex(squares.get_edgecolors()[0]) == "#5b6270"  # a negative control is grey everywhere
    assert drawn.get_xlim() == (0, 12)


def test_a_plate_of_1536_wells_has_its_own_format() -> None:
    obs = pd.DataFrame({"well": ["AF48"], "v": [0.3], "perturbation": ["x"]})
    assert plate.draw(obs, axes(), value="v", low=0, high=1).get_xlim() == (0, 48)


def test_a_receipt_has_two_bars_a_factor() -> None:
    made = {"explained": {"plate": {"before": 0.4, "after": 0.1}}, "signal": {"before": 0.02, "after": 0.03}}
    drawn = receipt.draw(made, axes())
    assert [bar.get_width() for bar in drawn.patches] == [0.4, 0.02, 0.1, 0.03]
    assert [label.get_text() for label in drawn.get_yticklabels()] == ["plate", "replicate signal (cosine)"]
    unknown = {**made, "signal": {"before": None, "after": None}}
    assert receipt.rows(unknown) == [("plate", 0.4, 0.1)]


def test_a_training_curve_shows_loss_and_validation_on_two_scales() -> None:
    log = [{"epoch": 0, "loss": 2.0}, {"epoch": 1, "loss": 1.0, "validation_score": 0.3}]
    drawn = curve.draw(log, axes())
    assert drawn.get_lines()[0].get_ydata().tolist() == [2.0, 1.0]
    left, right = drawn.figure.axes
    assert left is drawn
    assert right.get_lines()[0].get_xdata().tolist() == [1]


def test_a_map_thins_its_points_and_colours_the_commonest() -> None:
    rng = np.random.default_rng(0)
    drawn = scatter.draw(rng.normal(size=(4000, 2)), pd.Series(["a"] * 3000 + ["b"] * 1000), [""] * 4000, axes())
    assert len(drawn.collections[0].get_offsets()) == scatter.MOST_POINTS
    found = {colors.to_hex(c[:3]) for c in drawn.collections[0].get_facecolors()}
    assert found == set(style.PALETTE[:2])


def test_panels_draw_every_row_and_controls_first() -> None:
    labels = pd.DataFrame({"perturbation": ["c", panels.CONTROL, "c"], "batch": ["1", "2", "1"]})
    places = np.array([[0.0, 0.0], [1.0, 1.0], [0.5, 0.5]], dtype=np.float32)
    figure = panels.draw([("before", places, labels), ("after", places, labels)])
    assert [a.get_title() for a in figure.get_axes()] == ["before", "after"] * 2
    first = figure.get_axes()[0].collections[0]
    assert first.get_offsets()[0].tolist() == [1.0, 1.0]
    assert colors.to_hex(first.get_facecolors()[0]) == style.INK
    with pytest.raises(InputError, match="umap-learn"):
        panels_without_umap(places)


def panels_without_umap(places: np.ndarray) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("impasto.atlas.layout.has_umap", lambda: False)
        panels.flat(places, method="umap", seed=0)


def made(title: str = "mAP, 5 %") -> drawing.Drawing:
    return drawing.draw(lambda axes: axes.plot([0, 1], [0, 1], label="R & D"), title=title, width=60, height=40)


def test_figures_are_files_that_need_no_page(tmp_path: Path) -> None:
    written = drawing.write(iter([made(), made()]), tmp_path / "figures")
    assert [p.name for p in written] == ["map_5.svg", "map_5_2.svg"]
    text = written[0].read_text()
    root = ET.fromstring(text)
    assert root.attrib["aria-label"] == "mAP, 5 %"
    assert "var(--" not in text
    assert "metadata" not in text


def test_a_figure_has_the_same_bytes_each_time() -> None:
    assert made().svg == made().svg


def test_on_a_page_a_figure_takes_the_pages_colours_and_no_name_clashes() -> None:
    drawn = drawing.draw(lambda axes: axes.set_xlabel("dose"), title="t").__html__()
    assert style.INK not in drawn
    assert "var(--ink)" in drawn
    assert "<style" not in drawn
    names = re.findall(r' id="([^"]*)"', drawn)
    assert all(f"#{name}" in drawn for name in names)


def test_png_has_the_figures_shape(tmp_path: Path) -> None:
    from PIL import Image

    (written,) = drawing.write(iter([made("line")]), tmp_path, png=True)
    image = Image.open(written.with_suffix(".png")).convert("RGB")
    assert image.size == (180, 120)
    assert len(np.unique(np.asarray(image).reshape(-1, 3), axis=0)) > 3


def test_drawings_are_found_at_any_depth() -> None:
    one, two = made("one"), made("two")
    assert [d.title for d in drawing.drawings({"a": [{"b": one}], "c": ("x", two), "d": 3})] == ["one", "two"]


def test_names_are_escaped_and_points_speak() -> None:
    rows = pd.DataFrame({"group": ["<x>"], "value": [0.5], "low": [0.4], "high": [0.6], "chance": [0.1]})
    obs = pd.DataFrame({"well": ["A01", "H12"], "v": [0.1, np.nan], "perturbation": ["<y>", None]})
    drawn = [
        drawing.draw(lambda a: scores.draw(rows, a), title="<x>"),
        drawing.draw(lambda a: plate.draw(obs, a, value="v", low=0, high=1), title="t"),
        drawing.draw(lambda a: scatter.draw(np.zeros((2, 2)), pd.Series(["<z>", "b"]), ["<tip> & 5 %", ""], a), title="t"),
    ]
    for figure in drawn:
        for name in ("<x>", "<y>", "<z>", "<tip>"):
            assert name not in figure.__html__()
            assert name not in figure.svg
        ET.fromstring(figure.svg)
    assert "<title>A01 &lt;y&gt;: 0.1</title>" in drawn[1].svg
    assert "<title>&lt;tip&gt; &amp; 5 %</title>" in drawn[2].svg
    assert 'xlink:href="tip:' not in "".join(figure.svg for figure in drawn)


def test_the_ramp_darkens_evenly() -> None:
    lights = [sum(style.HEAT(s)[:3]) for s in np.linspace(0, 1, 11)]
    assert lights == sorted(lights, reverse=True)
