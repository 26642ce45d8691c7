"""The verbs: what `impasto VERB` and a recipe's stages do. One file a verb: its settings, its `run`, its `command`.

A verb's module imports only settings and words at the top, so that `impasto --help` is instant; the work is imported
inside `run`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

COMMANDS = (
    "demo",
    "simulate",
    "fetch",
    "ingest",
    "check",
    "profile",
    "correct",
    "graph",
    "expression",
    "train",
    "finetune",
    "embed",
    "evaluate",
    "table",
    "panels",
    "index",
    "search",
    "atlas",
    "export",
    "report",
    "run",
)
"""The verbs of the command line, in the order of `impasto --help`."""


def command(name: str) -> Callable[..., None]:
    """The function that typer turns into `impasto NAME`."""
    found: Callable[..., None] = importlib.import_module(f"impasto.verbs.{name}").command
    return found
