from __future__ import annotations

from matplotlib.figure import Figure
from tests.evaluation.test_crop_rows import cells

from impasto.report.figures import montage


def test_rows_are_named_by_what_they_show() -> None:
    axes = montage.draw(*cells(), Figure().subplots(), perturbation="AMG900", by="nearest", caption="red Mito")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["AMG900: nearest", "controls: nearest"]
    assert len(axes.get_images()) == 1
    assert axes.get_xlabel() == "red Mito"
