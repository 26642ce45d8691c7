from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from impasto.report.figures import montage


def cells() -> tuple[pd.DataFrame, np.ndarray]:
    kinds = ["chosen"] * 3 + ["controls"] * 2
    images = np.stack([np.full((4, 4, 3), 10 * n, dtype=np.uint8) for n in range(5)])
    return pd.DataFrame({"row": kinds}), images


def test_each_kind_has_a_row_and_each_cell_its_place() -> None:
    picture, kinds = montage.grid(*cells())
    assert kinds == ["chosen", "controls"]
    assert picture.shape == (2 * 6 - 2, 3 * 6 - 2, 3)
    assert picture[0, [0, 6, 12], 0].tolist() == [0, 10, 20]
    assert picture[6, [0, 6, 12], 0].tolist() == [30, 40, 255]  # an empty place is white
    assert (picture[4:6] == 255).all()


def test_rows_are_named_by_what_they_show() -> None:
    axes = montage.draw(*cells(), Figure().subplots(), perturbation="AMG900", by="nearest")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["AMG900: nearest", "controls: nearest"]
    assert len(axes.get_images()) == 1
