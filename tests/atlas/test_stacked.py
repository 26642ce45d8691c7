"""Several files as one list: the same rows as of the whole, whatever is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.atlas.stacked import Stacked

PARTS = [np.arange(12, dtype=np.float32).reshape(4, 3), np.arange(100, 121, dtype=np.float32).reshape(7, 3)]
WHOLE = np.concatenate(PARTS)


@pytest.mark.parametrize(
    "rows",
    [
        0,
        3,
        4,
        10,
        -1,
        -11,
        slice(0, 4),
        slice(2, 6),
        slice(4, 11),
        slice(3, 100),
        slice(None, None, 3),
        slice(5, 5),
        slice(None, None, -1),
        [7, 0, 7, 3],
        np.array([True, False] * 5 + [True]),
        np.array([], dtype=int),
        np.array([10, -2]),
    ],
)
def test_rows_are_those_of_the_whole(rows: object) -> None:
    np.testing.assert_array_equal(Stacked(PARTS)[rows], WHOLE[rows])  # type: ignore[index]


def test_shape_length_and_whole() -> None:
    stacked = Stacked([PARTS[0][:0], *PARTS])
    assert (len(stacked), stacked.shape) == (11, (11, 3))
    np.testing.assert_array_equal(np.asarray(stacked), WHOLE)
    assert np.asarray(stacked, dtype=np.float64).dtype == np.float64


@pytest.mark.parametrize("row", [11, -12])
def test_a_row_that_is_not_there_is_an_error(row: int) -> None:
    with pytest.raises(IndexError):
        Stacked(PARTS)[row]


def test_vectors_of_two_widths_are_no_list() -> None:
    with pytest.raises(ValueError, match="its vectors have the widths 3, 4"):
        Stacked([np.zeros((2, 3), dtype=np.float32), np.zeros((2, 4), dtype=np.float32)])
