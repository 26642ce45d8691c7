from __future__ import annotations

import io

import numpy as np
import pandas as pd
from PIL import Image

from impasto.evaluation import crop_rows


def cells() -> tuple[pd.DataFrame, np.ndarray]:
    kinds = ["chosen"] * 3 + ["controls"] * 2
    images = np.stack([np.full((4, 4, 3), 10 * n, dtype=np.uint8) for n in range(5)])
    return pd.DataFrame({"row": kinds}), images


def test_each_kind_has_a_row_and_each_cell_its_place() -> None:
    picture, kinds = crop_rows.grid(*cells())
    assert kinds == ["chosen", "controls"]
    assert picture.shape == (2 * 6 - 2, 3 * 6 - 2, 3)
    assert picture[0, [0, 6, 12], 0].tolist() == [0, 10, 20]
    assert picture[6, [0, 6, 12], 0].tolist() == [30, 40, 255]  # an empty place is white
    assert (picture[4:6] == 255).all()


def test_rows_are_named_and_a_picture_is_a_jpeg() -> None:
    assert crop_rows.of_kind("chosen", "AMG900", "nearest") == "AMG900: nearest"
    assert crop_rows.of_kind("random controls", "AMG900", "nearest") == "controls: random"
    read = Image.open(io.BytesIO(crop_rows.jpeg(np.full((8, 16, 3), 200, dtype=np.uint8))))
    assert (read.format, read.size) == ("JPEG", (16, 8))
