"""Drawings: collected in order, written under names of their titles, two of one title apart."""

from __future__ import annotations

from pathlib import Path

from impasto.report.figures import drawing


def figure(title: str) -> drawing.Drawing:
    return drawing.Drawing(title, f"<svg>{title}</svg>", lambda: title.encode())


def test_drawings_in_nested_values_come_in_order() -> None:
    one, two, three = figure("a"), figure("b"), figure("c")
    assert list(drawing.drawings({"x": [one, {"y": two}], "z": (three, 4, "text")})) == [one, two, three]


def test_files_are_named_by_their_titles(tmp_path: Path) -> None:
    written = drawing.write(iter([figure("A map, of P1"), figure("a map of P1"), figure("???")]), tmp_path / "f", png=True)
    assert [path.name for path in written] == ["a_map_of_p1.svg", "a_map_of_p1_2.svg", "figure.svg"]
    assert written[1].read_text() == "<svg>a map of P1</svg>"
    assert written[1].with_suffix(".png").read_bytes() == b"a map of P1"


def test_a_figure_has_its_size_its_title_and_the_pages_colours() -> None:
    made = drawing.draw(lambda axes: axes.plot([0, 1], [0, 1]), title="a <line>", width=200, height=100)
    assert 'aria-label="a &lt;line&gt;"' in made.svg
    assert 'width="144pt"' in made.svg
    assert 'height="72pt"' in made.svg
    assert "max-width:200px" in made.__html__()
    assert "#1f2530" not in made.__html__()
    assert made.png()[:4] == b"\x89PNG"
    assert drawing.draw(lambda axes: axes.plot([0, 1], [0, 1]), title="a <line>", width=200, height=100).svg == made.svg
