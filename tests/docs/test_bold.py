"""Bold in the documentation is a claim: a number in bold is shown to be the best of its column, a sentence in bold has its interval."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.docs import measured

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
NUMBER = r"[+-]?\d*\.?\d+"
BOLD_NUMBER = re.compile(rf"\*\*({NUMBER})\*\*")
INTERVAL = re.compile(rf"\[({NUMBER}), ({NUMBER})\]")
COMPARES = re.compile(
    r"\b(leads?|better|best|worse|worst|beats?|wins?|above|below|high(?:er|est)|low(?:er|est)|more|fewer|less|than|outperforms?|improves?|gains?|exceeds?)\b"
)
BESIDE = ("chance", "shuffled labels", " only")
"""What a row is called that is read beside the methods, and is none."""

Table = list[list[str]]


def tables(text: str) -> list[Table]:
    """The tables of a page: rows of cells, without the rule below the header."""
    found: list[Table] = []
    for line, before in zip(text.splitlines(), ["", *text.splitlines()], strict=False):
        if not line.startswith("|"):
            continue
        if not before.startswith("|"):
            found.append([])
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            found[-1].append(cells)
    return found


def unproven(table: Table) -> list[str]:
    """The numbers in bold that their column does not carry, each with the reason."""
    wrong = []
    for column in range(1, max(map(len, table))):
        rows = [row for row in table[1:] if column < len(row)]
        bold = [row for row in rows if BOLD_NUMBER.search(row[column])]
        if len(bold) > 1:
            wrong.append(f"{len(bold)} bold numbers in the column {table[0][column]!r}: bold says that one stands alone")
        for row in bold[:1]:
            reason = _reason(rows, row, column)
            if reason:
                wrong.append(f"{row[0]}, {table[0][column]}: {row[column]} is bold, but {reason}")
    return wrong


def _reason(rows: Table, bold: list[str], column: int) -> str:
    """Why a number in bold is not shown to be the best; nothing where it is."""
    differences = [row for row in rows if " less " in f" {row[0]} "]
    if differences:
        intervals = [INTERVAL.search(row[column]) for row in differences]
        if not all(intervals):
            return "a difference below it has no interval"
        return "" if all(float(i[1]) * float(i[2]) > 0 for i in intervals if i) else "a difference below it includes zero"
    own = INTERVAL.search(bold[column])
    if own is None:
        return "it has no interval, and there is no row of differences"
    low, high = float(own[1]), float(own[2])
    for row in rows:
        number = re.search(NUMBER, row[column].replace("**", ""))
        name = row[0].strip("*")
        if row is not bold and number and not name.endswith(BESIDE) and low <= float(number[0]) <= high:
            return f"{name} ({number[0]}) lies within its interval"
    return ""


def paragraphs(text: str) -> list[str]:
    """Paragraphs and bullets, each as one line, without code and tables."""
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    parts = re.split(r"\n\s*\n|\n(?=\s*[-*] )", text)
    return [" ".join(part.split()) for part in parts if not part.lstrip().startswith("|")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_number_in_bold_is_shown_to_be_the_best_of_its_column(page: Path) -> None:
    assert [reason for table in tables(page.read_text()) for reason in unproven(table)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_comparison_in_bold_has_its_interval_beside_it(page: Path) -> None:
    for paragraph in paragraphs(page.read_text()):
        for claim in re.findall(r"\*\*(.+?)\*\*", paragraph):
            if COMPARES.search(claim.lower()):
                intervals = INTERVAL.findall(paragraph)
                assert intervals, f"{claim!r} compares without an interval in its paragraph"
                assert any(float(low) * float(high) > 0 for low, high in intervals), f"every interval beside {claim!r} includes zero"


def test_the_rules_notice_what_they_are_for() -> None:
    head = ["", "mAP"]
    assert unproven([head, ["a", "**.5** [.4, .6]"], ["b", ".3"]]) == []
    assert "lies within its interval" in unproven([head, ["a", "**.5** [.4, .6]"], ["b", ".45"]])[0]
    assert unproven([head, ["a", "**.5** [.4, .6]"], ["position only", ".45"], ["*chance*", ".45"]]) == []
    assert "no interval" in unproven([head, ["a", "**.5**"], ["b", ".3"]])[0]
    assert "stands alone" in unproven([head, ["a", "**.5** [.4, .6]"], ["b", "**.3** [.2, .35]"]])[0]
    assert unproven([head, ["a", "**.5** ± .1"], ["b", ".45"], ["a less b", "+.05 [.01, .09]"]]) == []
    assert "includes zero" in unproven([head, ["a", "**.5** ± .1"], ["b", ".45"], ["a less b", "+.05 [-.01, .09]"]])[0]
    assert tables("x\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n| c |\n|---|\n") == [[["a", "b"], ["1", "2"]], [["c"]]]


def test_a_number_in_bold_that_is_not_the_best_is_noticed_in_every_table_of_the_pages() -> None:
    planted = 0
    for page in [*PAGES, *measured.FILES]:
        for table in tables(page.read_text()) if page in PAGES else [measured.scores(page)]:
            for column in range(1, max(map(len, table))):
                rows = [row for row in table[1:] if column < len(row)]
                plain = [row for row in rows if re.fullmatch(r"\d*\.\d+( \[.*\])?", row[column])]
                if len(plain) < 2 or any(BOLD_NUMBER.search(row[column]) for row in rows):
                    continue
                lowest = min(plain, key=lambda row: float(row[column].split()[0]))
                lowest[column] = re.sub(r"^(\d*\.\d+)", r"**\1**", lowest[column])
                assert unproven(table), f"{page.name}: {lowest[0]} in bold in the column {table[0][column]!r}"
                lowest[column] = lowest[column].replace("**", "")
                planted += 1
    assert planted > 20


@pytest.mark.parametrize("claim", ["A outperforms B", "A is higher than B", "more hits with A", "A leads", "A improves on B"])
def test_a_sentence_in_bold_that_compares_is_found(claim: str) -> None:
    assert COMPARES.search(claim.lower())
