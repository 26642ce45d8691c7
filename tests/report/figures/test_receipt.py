"""A receipt as bars: before and after of each factor, the signal last where it is known."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from impasto.report.figures import receipt

RECEIPT = {
    "explained": {"plate": {"before": 0.4, "after": 0.1}, "row": {"before": 0.2, "after": -0.05}},
    "signal": {"before": 0.3, "after": 0.5},
}


def test_bars_are_the_numbers_of_the_receipt() -> None:
    assert receipt.rows(RECEIPT) == [("plate", 0.4, 0.1), ("row", 0.2, -0.05), ("replicate signal (cosine)", 0.3, 0.5)]
    assert len(receipt.rows({**RECEIPT, "signal": {"before": None, "after": None}})) == 2
    axes = receipt.draw(RECEIPT, Figure().subplots())
    assert [bar.get_width() for bar in axes.patches] == [0.4, 0.2, 0.3, 0.1, 0.0, 0.5]
    assert [text.get_text() for text in axes.texts] == ["0.400", "0.200", "0.300", "0.100", "-0.050", "0.500"]
    assert axes.get_xlim() == (0, pytest.approx(1.18 * 0.5))
    assert axes.yaxis_inverted()
