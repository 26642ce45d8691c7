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


def test_kinds_of_wells_have_one_colour_each_everywhere() -> None:
    assert style.colours(["trt", "negcon", "poscon", "empty", "unknown"]) == {
        "trt": "#0072b2",
        "negcon": "#5b6270",
        "poscon": "#d55e00",
        "empty": "#c9ced6",
        "unknown": style.GREY,
    }
    assert style.colours(["negcon"]) == {"negcon": "#5b6270"}
    named = [f"plate {n}" for n in range(12)]
    assert [style.colours(named)[name] for name in named] == [*style.PALETTE, style.GREY, style.GREY]


def test_the_colours_of_a_page_are_variables() -> None:
    assert set(style.KINDS.values()) <= set(style.THEME)
    assert 'fill="var(--trt)"' in style.on_page('<svg viewBox="0 0 10 10"><path fill="#0072b2"/></svg>')
