"""A wide table in parts of at most six columns, those of one heading together; intervals below their values."""

from __future__ import annotations

import pytest

from impasto.verbs import wide_table


@pytest.mark.parametrize(
    ("levels", "parts"),
    [
        (["a"] * 3 + ["b"] * 3, [[0, 1, 2, 3, 4, 5]]),
        (["a"] * 4 + ["b"] * 4, [[0, 1, 2, 3], [4, 5, 6, 7]]),
        (["a"] * 8, [[0, 1, 2, 3, 4, 5], [6, 7]]),
        (["a", "b", "a"], [[0, 1, 2]]),
        ([], []),
    ],
)
def test_columns_of_one_heading_stay_together(levels: list[str], parts: list[list[int]]) -> None:
    assert wide_table._parts(levels) == parts


def test_words_of_a_cell() -> None:
    assert wide_table._words("**0.5** [0.4, 0.6]") == "[bold]0.5[/bold]\n\\[0.4, 0.6]"
    assert wide_table._words("0.5 ± 0.1") == "0.5\n± 0.1"
    assert wide_table._words("0.5 [0.4, 0.6] (chance 0.1)") == "0.5\n\\[0.4, 0.6]\n(chance 0.1)"
    assert wide_table._words("AZ [old]") == "AZ [old]"
