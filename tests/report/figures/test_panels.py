"""Panels of several tables: flat maps, four abreast, colours that all panels share, controls below the others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import colors

from impasto.report.figures import panels, style


def unit(rows: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, 6)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_pca_is_the_two_widest_directions() -> None:
    vectors = unit(40)
    flat = panels.flat(vectors, method="pca", seed=0)
    left, widths, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(flat), np.abs(left[:, :2] * widths[:2]), atol=1e-4)
    assert flat.dtype == np.float32


@pytest.mark.parametrize("rows", [8, 40])
def test_tsne_takes_few_rows_too_and_is_seeded(rows: int) -> None:
    first, again = (panels.flat(unit(rows), method="tsne", seed=3) for _ in range(2))
    assert first.shape == (rows, 2)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, again)


def table(count: int, **columns: list[str]) -> tuple[np.ndarray, pd.DataFrame]:
    return np.random.default_rng(1).normal(size=(count, 2)).astype(np.float32), pd.DataFrame(columns)


def test_five_tables_stand_four_abreast_a_row_of_panels_a_colouring() -> None:
    points, labels = table(3, batch=["1", "2", "1"], compound=["a", "b", "c"])
    figure = panels.draw([(f"table {n}", points, labels) for n in range(5)], side=100)
    shown = [axes.get_title() for axes in figure.get_axes() if axes.axison]
    assert shown == [f"table {n}" for n in range(5)] * 2
    assert len(figure.get_axes()) == 16, "three of eight places of a colouring stay empty"
    assert [axes.get_ylabel() for axes in figure.get_axes()[::8]] == ["batch", "compound"]
    width, height = figure.get_size_inches() * style.DOTS_AN_INCH
    assert (width, height) == pytest.approx((18 + 4 * 110, 2 * 2 * 162))


def test_a_colour_means_the_same_in_all_panels_and_is_named_once() -> None:
    names = [f"compound {n:02d}" for n in range(12)]
    points, labels = table(30, compound=[*(["commonest, with a name that is long"] * 14), *names, *([panels.CONTROL] * 4)])
    _, other = table(1, compound=["compound 11"])
    figure = panels.draw([("before", points, labels), ("after", points[:1], other)])
    colour = panels._colours(pd.concat([labels["compound"], other["compound"]]))
    assert colour["commonest, with a name that is long"] == style.PALETTE[0]
    assert colour["compound 11"] == style.PALETTE[1]
    assert colour[panels.CONTROL] == style.INK
    assert list(colour.values()).count(style.GREY) == 13 - len(style.PALETTE)
    legend = [text.get_text() for text in figure.subfigs[0].legends[0].get_texts()]
    assert legend[0] == "commonest, with a nam…"
    assert legend[-2:] == [panels.CONTROL, "3 others"]
    assert len(legend) == len(style.PALETTE) + 2
    after = figure.get_axes()[1].collections[0]
    assert colors.to_hex(after.get_facecolors()[0]) == style.PALETTE[1]


def test_controls_are_drawn_first_and_the_others_in_a_mixed_order() -> None:
    points = np.stack([np.arange(9), np.arange(9)], axis=1).astype(np.float32)
    labels = pd.DataFrame({"compound": ["a", panels.CONTROL, *["a"] * 7]})
    axes = panels.draw([("one", points, labels)]).get_axes()[0]
    low, high = np.quantile(points, 0.002, axis=0), np.quantile(points, 0.998, axis=0)
    placed = np.clip((points - low) / (high - low), 0, 1)
    np.testing.assert_allclose(axes.collections[0].get_offsets(), placed[[1, 0, 4, 8, 5, 2, 6, 3, 7]])
    assert axes.get_xlim() == pytest.approx((-0.03, 1.03))
    assert axes.get_ylim() == pytest.approx((-0.03, 1.03))
