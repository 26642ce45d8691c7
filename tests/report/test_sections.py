"""Cells of tables on the page: the best in bold, what stands beside a value small and below."""

from __future__ import annotations

import pytest

from impasto.report import sections


@pytest.mark.parametrize(
    ("cell", "marked"),
    [
        ("**0.503** [0.400, 0.600]", "<b>0.503</b><small>[0.400, 0.600]</small>"),
        ("0.503 · [-.400, 0.600] (chance 0.024)", "0.503 ·<small>[-.400, 0.600] (chance 0.024)</small>"),
        ("0.5 ± 0.1 [0.3, 0.7]", "0.5<small>± 0.1 [0.3, 0.7]</small>"),
        ("0.5 (chance 0.1)", "0.5<small>(chance 0.1)</small>"),
        ("AZ [old] <b>", "AZ [old] &lt;b&gt;"),
    ],
)
def test_a_cell_is_marked_up(cell: str, marked: str) -> None:
    assert str(sections._marked(cell)) == marked
