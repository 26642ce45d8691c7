"""docs/datasets.md has a row for every set of the registry; `impasto fetch NAME --list` prints the whole entry."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from impasto.datasets import page, registry

Run = Callable[..., tuple[int, str, str]]
PAGE = Path(__file__).parents[2] / "docs" / "datasets.md"


def test_the_page_is_made_from_the_registry() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.partition(page.HEADING)[2] == page.below(registry.known()), f"run: python -m impasto.datasets.page {PAGE}"


def test_the_page_says_that_nothing_was_run_against_the_servers() -> None:
    assert "Nobody has run these against the real servers yet: none of them." in PAGE.read_text(encoding="utf-8")


def test_writing_keeps_what_stands_above(tmp_path: Path) -> None:
    copy = tmp_path / "page.md"
    copy.write_text(f"# Mine\n\n{page.HEADING}old\n", encoding="utf-8")
    page.write(copy)
    assert copy.read_text(encoding="utf-8") == f"# Mine\n\n{page.HEADING}{page.below(registry.known())}"
    assert copy.read_text(encoding="utf-8").count("| `") == len(registry.known())


@pytest.mark.parametrize("name", registry.known())
def test_the_command_that_the_page_names_prints_the_whole_entry(name: str, impasto: Run) -> None:
    entry = registry.known()[name]
    code, out, err = impasto("fetch", name, "--list")
    printed = " ".join(re.sub("[│┃]", " ", out + err).split())
    assert code == 0
    assert "impasto fetch rxrx1 --list" in PAGE.read_text(encoding="utf-8")
    said = [entry.title, entry.about, entry.licence.name, entry.licence.page, entry.cite, entry.splits, *entry.pages, *entry.not_confirmed]
    said += [*entry.aliases, *entry.papers, *entry.parts]
    assert [text for text in said if " ".join(text.split()) not in printed] == []
    code, out, _ = impasto("fetch", name, "--list", "--json")
    parts = {row["part"]: (row["what"], row["GB"], row["fetched by default"] == "yes") for row in json.loads(out)}
    assert parts == {key: (part.about, part.gb, key in entry.default) for key, part in entry.parts.items()}
