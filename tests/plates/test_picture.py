"""A plate in text: the smallest format that holds it, a letter a kind, and what is missing."""

from __future__ import annotations

import pandas as pd
import pytest

from impasto.plates import picture


def test_letters_stand_where_their_wells_are() -> None:
    wells = pd.DataFrame(
        {
            "well": ["A01", "A02", "A03", "A04", "B12", "H01"],
            "control_type": ["negcon", "poscon", "trt", "empty", "unknown", "trt"],
            "complete": [True, True, True, True, True, False],
        }
    )
    lines = picture.draw(wells, plate="P1").plain.splitlines()
    assert lines[0] == "P1: 6 of 96 wells"
    assert lines[1].split() == [str(n) for n in range(1, 13)]
    assert lines[2].split() == ["A", "N", "P", "o", "-", *["."] * 8]
    assert lines[3].split() == ["B", *["."] * 11, "?"]
    assert lines[9].split() == ["H", "!", *["."] * 11]
    assert len(lines) == 10


@pytest.mark.parametrize(
    ("well", "size", "rows"), [("I01", 384, 16), ("A13", 384, 16), ("Q01", 1536, 32), ("P24", 384, 16), ("AF48", 1536, 32)]
)
def test_the_smallest_plate_that_holds_the_wells(well: str, size: int, rows: int) -> None:
    lines = picture.draw(pd.DataFrame({"well": [well]}), plate="P").plain.splitlines()
    assert lines[0] == f"P: 1 of {size} wells"
    assert len(lines) == rows + 2
    assert sum(line.split()[1:].count("o") for line in lines[2:]) == 1
    assert "positive control" in picture.LEGEND.plain
