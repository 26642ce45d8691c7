"""What the user may say of images, and what a reader gives: nothing said means everything is taken."""

from __future__ import annotations

import pandas as pd

from impasto.plates.reader import Asked, Found, Reader


def test_nothing_said_and_nothing_left() -> None:
    assert (Asked().pattern, Asked().order, Asked().plate_size, Asked().root) == ("", (), None, None)
    result = Found(pd.DataFrame({"path": ["a"]}))
    assert (result.folders, result.stores, result.notes, result.stains) == (None, None, (), {})
    assert result.annotation.empty
    one, two = Found(pd.DataFrame()), Found(pd.DataFrame())
    one.stains["w1"] = "DNA"
    assert two.stains == {}


def test_a_reader_is_its_name_its_example_and_two_functions() -> None:
    reader = Reader("mine", "a.tif", lambda files: 3, lambda files, asked: Found(pd.DataFrame()))
    assert (reader.name, reader.example) == ("mine", "a.tif")
    assert reader.fits(None) == 3  # type: ignore[arg-type]
