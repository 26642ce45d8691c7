"""The prose of README.md and docs/*.md: short sentences in the words of the field.

Tables, blocks of code and headings are left out. A link counts by its text, a piece of code within a sentence as one word.
"""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LONGEST, MEDIAN = 35, 17
"""Words of a sentence: the most, and the most of the median of a page."""
DIALECT = re.compile(r"\b(told|anew|dealt|met)\b", re.IGNORECASE)
"""Words that a reader whose first language is not English has to guess: say differs from, shuffled, drawn again, seen in fit."""
_BLOCK = re.compile(r"^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_CODE = re.compile(r"`[^`]+`")
_ITEM = re.compile(r"^\s*(?:[-*]|\d+\.)\s+")
_ABBREVIATION = re.compile(r"\b(et al|e\.g|i\.e|vs|Fig|Figs|Eq|Eqs|cf|approx|No)\.\s")
_END = re.compile(r"(?<=[.!?])[\"*_)\]]*\s+(?=[\"*_(\[]*[A-Z0-9.])")


def paragraphs(text: str) -> list[str]:
    """Paragraphs and list items as one line each, without tables, code blocks, headings and addresses."""
    blocks: list[str] = [""]
    for line in _LINK.sub(r"\1", _BLOCK.sub("\n\n", text)).splitlines():
        stripped = line.strip().removeprefix(">").strip()
        if not stripped or stripped.startswith(("|", "#", ":::", "!!!", "<")):
            blocks.append("")
        elif _ITEM.match(line):
            blocks.append(_ITEM.sub("", line).strip())
        else:
            blocks[-1] = f"{blocks[-1]} {stripped}".strip()
    return [_CODE.sub("Code", block) for block in blocks if block]


def sentences(text: str) -> list[str]:
    """The sentences of a page. A full stop, a question mark or an exclamation mark ends one; a colon or semicolon does not."""
    kept = [_ABBREVIATION.sub(r"\1 ", paragraph) for paragraph in paragraphs(text)]
    return [sentence for paragraph in kept for sentence in _END.split(paragraph) if words(sentence)]


def words(sentence: str) -> int:
    """How many words: what stands between spaces and holds a letter or a digit."""
    return sum(any(character.isalnum() for character in word) for word in sentence.split())


BASICS = (
    *(
        "index",
        "quick-start",
        "path-of-the-data",
        "vocabulary",
        "python",
        "plates",
        "remote",
        "datasets",
        "correction",
        "explorer",
        "guides",
    ),
    *("benchmarks", "gallery", "plugins", "add-a-corrector", "add-a-loss", "add-a-reader", "add-a-task", "add-an-encoder"),
)
"""Pages that a newcomer reads, together with README.md; those of single methods and tasks are not among them."""


@pytest.fixture(params=PAGES, ids=lambda path: path.name)
def page(request: pytest.FixtureRequest) -> str:
    return request.param.read_text(encoding="utf-8")


def test_a_sentence_is_short(page: str) -> None:
    long = {sentence: words(sentence) for sentence in sentences(page) if words(sentence) > LONGEST}
    assert not long


def test_half_of_the_sentences_hold_one_thought(page: str) -> None:
    lengths = [words(sentence) for sentence in sentences(page)]
    assert not lengths or statistics.median(lengths) <= MEDIAN


def test_the_words_are_those_of_the_field(page: str) -> None:
    assert [sentence for sentence in sentences(page) if DIALECT.search(sentence)] == []


def shown(tree: ast.Module) -> Iterator[ast.Constant]:
    """The strings of a module that are no docstrings and hold three words or more: messages, help, titles."""
    texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in texts and len(node.value.split()) >= 3:
            yield node


def test_messages_and_help_are_in_the_words_of_the_field() -> None:
    source = ROOT / "src" / "impasto"
    spoken = [
        f"{path.relative_to(source)}:{node.lineno}: {node.value}"
        for path in sorted(source.rglob("*.py"))
        for node in shown(ast.parse(path.read_text(encoding="utf-8")))
        if DIALECT.search(str(node.value))
    ]
    assert spoken == []
    module = ast.parse('"""Not told."""\nraise E("wells are not told apart", "told")')
    assert [node.value for node in shown(module)] == ["wells are not told apart"]


def test_the_readme_and_the_pages_of_a_newcomer_stay_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 600
    pages = [ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in BASICS)]
    assert sum(words(sentence) for page in pages for sentence in sentences(page.read_text(encoding="utf-8"))) <= 4000


def test_sentences_are_counted_as_a_reader_would() -> None:
    text = "\n".join(
        [
            "# A heading of a page",
            "Ranks lead (Fig. 4 of Lu et al. 2025). They",
            "gain [.05 of mAP](scores.md), by `impasto run X --out Y`: see below.",
            "```bash",
            "impasto run a long command that nobody reads as a sentence",
            "```",
            "| a | table |",
            "- One item",
            "  on two lines; with a semicolon.",
            "- Another.",
        ]
    )
    assert [words(sentence) for sentence in sentences(text)] == [9, 9, 8, 1]
    assert [bool(DIALECT.search(text)) for text in ("Plates met in the fit.", "the method", "labels dealt anew", "a metre")] == [
        True,
        False,
        True,
        False,
    ]
