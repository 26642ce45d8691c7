"""What stands in README.md and the pages of docs: fenced blocks, sections, tables, and the commands that a reader would type.

A block that a comment marks is run by `make docs-check`:

    <!-- run -->            the fenced block below it is executed, in the page's scratch folder, after the blocks above it
    <!-- prints -->         each line of the fenced block below it is in what was printed; `...` stands for anything
    <!-- printed -->        every figure of the paragraph below it is in what was printed
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUN, PRINTS, PRINTED = "run", "prints", "printed"
_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<kind>[a-z]*)(?P<rest>.*)$")
_MARK = re.compile(rf"^ *<!-- (?P<mark>{RUN}|{PRINTS}|{PRINTED}) -->$")
_INLINE = re.compile(r"`(impasto [^`]+|make [a-z-]+[^`]*|python -m benchmarks[^`]*)`")
_SHELL = ("bash", "sh", "console")


@dataclass(frozen=True)
class Block:
    """A fenced block, or the paragraph below a mark `printed`."""

    kind: str
    text: str
    line: int
    mark: str
    title: bool


@dataclass(frozen=True)
class Command:
    """One command as a shell would see it: its words, and the line where it begins."""

    words: tuple[str, ...]
    line: int


def name(page: Path) -> str:
    """The page, below the root."""
    return page.relative_to(ROOT).as_posix()


def blocks(text: str) -> list[Block]:
    """The fenced and the marked blocks of a page, in order."""
    lines, found, mark, at = text.splitlines(), [], "", 0
    while at < len(lines):
        line = lines[at]
        if marked := _MARK.match(line):
            mark = marked["mark"]
        elif fence := _FENCE.match(line):
            end = next((i for i in range(at + 1, len(lines)) if lines[i].strip() == fence["fence"]), len(lines))
            inside = "\n".join(row[len(fence["indent"]) :] for row in lines[at + 1 : end])
            found.append(Block(fence["kind"], inside, at + 1, mark, "title=" in fence["rest"]))
            mark, at = "", end
        elif line.strip() and mark == PRINTED:
            end = next((i for i in range(at, len(lines)) if not lines[i].strip()), len(lines))
            found.append(Block("prose", "\n".join(lines[at:end]), at + 1, mark, title=False))
            mark, at = "", end
        at += 1
    return found


def commands(text: str) -> list[Command]:
    """The commands of the shell's blocks of a page, and those that stand within its sentences."""
    typed = [command for block in blocks(text) if block.kind in _SHELL for command in _of_shell(block.text, block.line + 1)]
    return [*typed, *_of_prose(text)]


def _of_shell(text: str, first: int) -> list[Command]:
    found, whole, start = [], "", first
    for number, line in enumerate(text.splitlines(), first):
        whole = f"{whole} {line}" if whole else line
        if whole.rstrip().endswith("\\"):
            whole = whole.rstrip()[:-1]
            continue
        found += [Command(words, start) for words in _split(whole.removeprefix("$ "))]
        whole, start = "", number + 1
    return found


def _of_prose(text: str) -> list[Command]:
    fenced = re.compile(r"^(`{3,}|~{3,}).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
    prose = fenced.sub(lambda block: "\n" * block[0].count("\n"), text)
    return [
        Command(words, prose.count("\n", 0, match.start()) + 1)
        for match in _INLINE.finditer(prose)
        for words in _split(" ".join(match[1].split()))
    ]


def _split(line: str) -> list[tuple[str, ...]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()")
    lexer.whitespace_split, lexer.commenters = True, "#"
    parts: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= set("|&;()"):
            parts.append([])
        else:
            parts[-1].append(word)
    kept = [_without_assignments(part) for part in parts]
    return [tuple(part) for part in kept if part]


def _without_assignments(words: list[str]) -> list[str]:
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    return words


@dataclass(frozen=True)
class Section:
    """What stands below one heading."""

    heading: str
    text: str
    line: int


def sections(text: str) -> list[Section]:
    """The page, cut at its headings; headings within code are none."""
    hidden = re.sub(
        r"^(`{3,}|~{3,}).*?^\1[ \t]*$", lambda block: re.sub(r"^#", " ", block[0], flags=re.MULTILINE), text, flags=re.MULTILINE | re.DOTALL
    )
    starts = [match.start() for match in re.finditer(r"^#+ ", hidden, re.MULTILINE)]
    cuts = [0, *starts, len(text)]
    parts = [(cuts[i], text[cuts[i] : cuts[i + 1]]) for i in range(len(cuts) - 1)]
    return [
        Section(part.splitlines()[0].lstrip("# ") if start in starts else "", part, text.count("\n", 0, start) + 1)
        for start, part in parts
        if part
    ]
