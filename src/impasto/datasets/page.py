"""The table of docs/datasets.md, made from the registry. `impasto fetch NAME --list` prints the rest of an entry.

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


def below(sets: Mapping[str, DataSet], /) -> str:
    """What stands below the heading.

    Parameters
    ----------
    sets
        Name -> data set.

    Returns
    -------
    str
        A row a set: its name, what it is, its licence, and whether that must be accepted.

    """
    rows = [
        f"| `{name}` | {entry.title} | {entry.licence.name} | {'yes' if entry.licence.is_asked_for else ''} |"
        for name, entry in sets.items()
    ]
    return "\n".join(["", "| name | what | licence | to accept |", "|---|---|---|---|", *rows]) + "\n"


def write(path: Path, /) -> None:
    """Replace the table of a page.

    Parameters
    ----------
    path
        The page.

    """
    head = texts.read(path).partition(HEADING)[0]
    texts.write(path, head + HEADING + below(registry.known()))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
