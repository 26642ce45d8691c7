"""Runs the marked blocks of a page in a folder of their own, and compares what they print with what the page says they print."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.docs import at_hand

ROOT = Path(__file__).parents[2]
_NUMBER = re.compile(r"(?<![\w.])[-+−]?(?:\d[\d,]*\.?\d*|\.\d+)(?![\w]|\.\d)")
_FIGURE = re.compile(r"(?<![\w`./-])[-−]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?![\w`/]|\.\d)")
_LINK = re.compile(r"\]\([^)]*\)|`[^`]*`")
LINKED = ("data", "recipes", "examples")
"""Folders of the repository that a page may name as a reader in a checkout does."""


def run(blocks: Iterable[tuple[str, str]], folder: Path, /) -> list[str]:
    """Run blocks of (kind, text) one after the other, and give what each printed. Raises AssertionError where one fails."""
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    programs = at_hand.programs()
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, **at_hand.ENVIRONMENT, "PATH": path}
    command = [sys.executable, str(programs / "page")]
    done = subprocess.run(command, input=json.dumps(list(blocks)), cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    printed: list[str] = json.loads(done.stdout)
    return printed


def missing(expected: str, printed: str, /) -> list[str]:
    """The lines that were not printed, in their order. Figures with a point may differ by one in their last place."""
    rows, lacking = printed.splitlines(), []
    for line in filter(str.strip, expected.splitlines()):
        at = next((i for i, row in enumerate(rows) if _alike(line, row)), None)
        if at is None:
            lacking.append(line)
        else:
            rows = rows[at + 1 :]
    return lacking


def _alike(expected: str, row: str) -> bool:
    parts = [" ".join(part.split()) for part in expected.split("...")]
    pattern = ".*".join(f"({_NUMBER.pattern})".join(re.escape(text) for text in _NUMBER.split(part)) for part in parts)
    match = re.fullmatch(pattern, " ".join(row.split()))
    return match is not None and all(map(_near, _NUMBER.findall(" ".join(parts)), match.groups()))


def _near(expected: str, printed: str) -> bool:
    if expected == printed:
        return True
    if "." not in expected or not _NUMBER.fullmatch(printed):
        return False
    return abs(_value(expected) - _value(printed)) <= 1.01 * 10.0 ** -len(expected.partition(".")[2])


def unsaid(prose: str, printed: str, /) -> list[str]:
    """Figures of a paragraph that were not printed: rounded as they are, or as percentages."""
    values = [_value(number) for number in _NUMBER.findall(printed)]
    return [figure for figure in _FIGURE.findall(_LINK.sub("]", prose)) if not any(_is(figure, value) for value in values)]


def _is(figure: str, value: float) -> bool:
    half = 0.5000001 * 10.0 ** -len(figure.partition(".")[2])
    return (
        any(abs(abs(_value(figure)) - abs(scale * value)) <= half for scale in (1, 100))
        if "." in figure
        else _value(figure) in (value, round(100 * value))
    )


def _value(number: str) -> float:
    return float(number.replace(",", "").replace("−", "-"))
