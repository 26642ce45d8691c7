"""The marked blocks of README.md and docs run, print what the pages say, and draw the pictures that the pages show.

`IMPASTO_DOCS_PICTURES=1` puts the pictures that they draw in the place of those of the pages.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from tests.docs import pages, running

RUNNING = [page for page in pages.PAGES if any(block.mark == pages.RUN for block in pages.blocks(page.read_text(encoding="utf-8")))]
TUTORIALS = sorted((pages.ROOT / "docs" / "tutorials").glob("*.md"))
PICTURED = [*TUTORIALS, pages.ROOT / "docs" / "gallery.md"]
BY_A_BROWSER = "explorer.png"
"""A picture of a page in a browser, made by docs/pictures/explorer.py."""
_PICTURE = re.compile(r"!\[[^\]]*\]\(([^)]+)\)")


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("page", RUNNING, ids=pages.name)
def test_a_page_runs_and_prints_what_it_says(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    marked = [block for block in pages.blocks(text) if block.mark]
    assert not [block.line for block in marked if (block.mark == pages.RUN) != (block.kind in ("bash", "python"))]
    printed = iter(running.run([(block.kind, block.text) for block in marked if block.mark == pages.RUN], tmp_path))
    heard, last = "", ""
    for block in marked:
        if block.mark == pages.RUN:
            last = next(printed)
            heard += last
        elif block.mark == pages.PRINTS:
            assert running.missing(block.text, last) == [], f"{pages.name(page)}:{block.line}: printed was\n{last}"
        else:
            assert running.unsaid(block.text, heard) == [], f"{pages.name(page)}:{block.line}"
    for picture in pictures(text) if page in PICTURED else []:
        drawn = tmp_path / Path(picture).name
        assert drawn.exists(), f"{pages.name(page)} draws no {drawn.name}"
        if os.environ.get("IMPASTO_DOCS_PICTURES"):
            shutil.copy(drawn, page.parent / picture)


def pictures(text: str) -> list[str]:
    """The pictures that a page draws."""
    return [picture for picture in _PICTURE.findall(text) if not picture.endswith(BY_A_BROWSER)]


@pytest.mark.parametrize("page", TUTORIALS, ids=pages.name)
def test_a_tutorial_runs_has_a_picture_and_is_short(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert page in RUNNING
    assert pictures(text)
    assert len(re.sub(r"<!--.*?-->", "", text).split()) <= 450
    assert all((page.parent / picture).stat().st_size < 200_000 for picture in pictures(text))


def test_blocks_share_what_they_made(tmp_path: Path) -> None:
    blocks = [("bash", "echo 3 > n; echo one"), ("python", "n = int(open('n').read())"), ("python", "print(n + 1)")]
    assert running.run(blocks, tmp_path) == ["one\n", "", "4\n"]
    assert (tmp_path / "data" / "demo").is_dir()


@pytest.mark.parametrize("block", [("bash", "false\necho on"), ("python", "1 / 0"), ("bash", "false | cat")])
def test_a_block_that_fails_is_seen(block: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        running.run([block], tmp_path)


@pytest.mark.parametrize(
    ("expected", "lacking"),
    [
        ("hits 3 of 24", []),
        ("hits 4 of 24", ["hits 4 of 24"]),
        ("mAP  0.692 [.66, .73]", []),
        ("mAP 0.694 [.66, .73]", []),
        ("mAP 0.695 [.66, .73]", ["mAP 0.695 [.66, .73]"]),
        ("mAP ... .73]", []),
        ("mAP ... .76]", ["mAP ... .76]"]),
        ("hits ...", []),
        ("mAP 0.69", ["mAP 0.69"]),
        ("mAP 0.693 [.66, .73]\nhits 3 of 24", ["hits 3 of 24"]),
        ("plate P1", ["plate P1"]),
    ],
)
def test_lines_are_compared_word_by_word_and_figures_in_their_last_place(expected: str, lacking: list[str]) -> None:
    assert running.missing(expected, "hits 3 of 24\nmAP   0.693 [.66, .73]\nplate P2\n") == lacking


def test_figures_of_a_sentence_are_those_that_were_printed() -> None:
    printed = "0.7123 [0.6, 0.81] n=1,920 (23 hits)"
    assert running.unsaid("It is .71, or 71.2 %, of 1,920 wells; 23 [hits](page-9.md), `k=7`.", printed) == []
    assert running.unsaid("It is .72, or 24 hits, or 1,921.", printed) == [".72", "24", "1,921"]
