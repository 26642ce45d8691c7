"""A table beside the pages says what made it, by a command that could be typed, and a page points at it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.docs import measured
from tests.docs.pages import ROOT, commands
from tests.docs.test_commands import faults

PAGES = sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("path", measured.FILES, ids=lambda path: path.stem)
def test_a_table_says_what_made_it_and_when(path: Path) -> None:
    header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert tuple(header[:2]) == measured.MADE
    rows = measured.made(path)
    assert rows
    for command, day in rows:
        assert re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", day)
        found = commands(f"```bash\n{command}\n```")
        assert found
        assert [fault for one in found for fault in faults(one.words)] == []
    assert len({len(row) for row in measured.rows(path)}) == 1


@pytest.mark.parametrize("path", measured.FILES, ids=lambda path: path.stem)
def test_a_page_points_at_the_table(path: Path) -> None:
    linked = [page for page in PAGES if f"(measured/{path.name})" in page.read_text(encoding="utf-8")]
    assert linked
