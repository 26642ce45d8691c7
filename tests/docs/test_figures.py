"""A table of figures says which command or recipe makes them: within its section, or in the sentences above all sections of the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.docs.pages import PAGES, commands, name, sections

_TABLE = re.compile(r"(?:^\|.*\|[ \t]*\n)+", re.MULTILINE)
_FIGURE = re.compile(r"(?<![\w`])\d*\.\d+(?![\w`])")
_BENCH = re.compile(
    r"recipes/[\w/]+\.toml|`(?:make|python -m benchmarks|impasto) [^`]+`|^\s*(?:make|python -m|impasto|bash) ", re.MULTILINE
)
LEAST = 6
"""Figures that make a table one of measurements."""
UPWARDS = ("docs/cellclip.md",)
"""Pages whose commands stand in a section of their own above the tables."""


def without_a_command(text: str) -> list[str]:
    """The headings of sections with a table of figures, where neither they nor the page's opening name a command."""
    opening = sections(text)[0].text
    of_page = _says(opening)
    return [part.heading for part in sections(text) if _measured(part.text) and not (of_page or _says(part.text))]


def _measured(text: str) -> bool:
    return any(len(_FIGURE.findall(table)) >= LEAST for table in _TABLE.findall(text))


def _says(text: str) -> bool:
    return bool(commands(text) or _BENCH.search(text))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_table_of_figures_says_its_command(page: Path) -> None:
    if name(page) not in UPWARDS:
        assert without_a_command(page.read_text(encoding="utf-8")) == []


def test_a_table_without_a_command_is_seen() -> None:
    table = "| a | .1 | .2 | .3 |\n| b | .1 | .2 | .3 |\n"
    assert without_a_command(f"# Page\n\nWords.\n\n## Scores\n\n{table}") == ["Scores"]
    assert without_a_command(f"# Page\n\nWords.\n\n## Scores\n\n{table}\n```bash\nmake bench\n```\n") == []
    assert without_a_command(f"# Page\n\n`make bench` makes all tables.\n\n## Scores\n\n{table}") == []
    assert without_a_command("# Page\n\n## Words\n\n| a | b |\n| c | .1 |\n") == []
