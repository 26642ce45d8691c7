"""What figures share: tooltips that survive into SVG, names that clash with no other figure, a fixed size."""

from __future__ import annotations

from impasto.report.figures import style


def test_tooltips_become_titles() -> None:
    figure = style.blank(width=300, height=200)
    assert figure.get_size_inches().tolist() == [3.0, 2.0]
    axes = figure.subplots()
    points = axes.scatter([0, 1], [0, 1])
    points.set_urls(style.tips(["A01: <x> & y", ""]))
    assert style.tips(["a b", ""]) == ["tip:a%20b", None]
    text = style.svg(figure, title="t")
    assert "<title>A01: &lt;x&gt; &amp; y</title>" in text
    assert "tip:" not in text
    assert text.count("<title>") == 1
    assert text.startswith("<svg role=")
    assert "<metadata>" not in text


def test_on_a_page_only_names_that_are_used_stay() -> None:
    text = '<svg width="72pt" height="36pt" viewBox="0 0 72 36"><g id="a"/><g id="b" fill="#69707d"/><use href="#b"/></svg>'
    page = style.on_page(text)
    assert 'id="a"' not in page
    assert 'id="b"' in page
    assert "var(--soft)" in page
    assert 'width="72pt"' not in page
    assert "max-width:100px" in page


def test_a_frame_has_four_sides_and_no_scales() -> None:
    axes = style.blank(width=100, height=100).subplots()
    style.frame(axes)
    assert all(spine.get_visible() for spine in axes.spines.values())
    assert axes.get_xticks().tolist() == []
