"""The tables of docs/datasets.md, made from the registry.

    python -m impasto.datasets.page docs/datasets.md

replaces what stands below its first heading `## Sets`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from impasto import texts
from impasto.datasets import registry
from impasto.datasets.registry import DataSet

HEADING = "## Sets\n"
_HEAD = ("| part | what | GB | without `--parts` |", "|---|---|---|---|")


def below(sets: Mapping[str, DataSet], /) -> str:
    """What stands below the heading.

    Parameters
    ----------
    sets
        Name -> data set.

    Returns
    -------
    str
        A table of all sets, then a section a set.

    """
    lines = ["", "| name | what | cells | stains | GB | licence | to accept |", "|---|---|---|---|---|---|---|"]
    for name, entry in sets.items():
        accept = "yes" if entry.licence.is_asked_for else ""
        cells = (f"`{name}`", entry.title, entry.cells, ", ".join(entry.stains), _size(entry.gb), entry.licence.name, accept)
        lines.append(f"| {' | '.join(cells)} |")
    for name, entry in sets.items():
        lines += _section(name, entry)
    return "\n".join(lines) + "\n"


def _section(name: str, entry: DataSet) -> list[str]:
    lines = ["", f"### {name}", "", f"{entry.about}.", "", *_HEAD]
    for key, part in entry.parts.items():
        lines.append(f"| `{key}` | {part.about} | {_size(part.gb)} | {'fetched' if key in entry.default else ''} |")
    lines += ["", "| | |", "|---|---|"]
    if entry.aliases:
        lines.append(f"| also called | {', '.join(entry.aliases)} |")
    if entry.papers:
        lines.append(f"| named by | {', '.join(entry.papers)} |")
    lines.append(f"| licence | {entry.licence.sentence().removeprefix('licence ')} |")
    lines += [f"| cite | {entry.cite} |", f"| splits | {entry.splits} |", f"| pages | {' '.join(f'<{page}>' for page in entry.pages)} |"]
    lines += [f"| not confirmed | {doubt} |" for doubt in entry.not_confirmed]
    return lines


def _size(gb: float | None) -> str:
    return "not confirmed" if gb is None else f"{gb:g}"


def write(path: Path, /) -> None:
    """Replace the tables of a page.

    Parameters
    ----------
    path
        The page.

    """
    head = texts.read(path).partition(HEADING)[0]
    texts.write(path, head + HEADING + below(registry.known()))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
