"""docs/datasets.md is what the registry says, whole."""

from __future__ import annotations

from pathlib import Path

from impasto.datasets import page, registry

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
    assert copy.read_text(encoding="utf-8").count("### ") == len(registry.known())
