"""The verbs: what `impasto VERB` and a recipe's stages do. One file a verb, each with its settings and its `run`.

A verb's module imports only settings and words at the top, so that `impasto --help` is instant; the work is imported
inside `run`. `VERBS` is the one place where the name of a verb is looked up.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.schema import one_of
from impasto.settings import Settings


@dataclass(frozen=True)
class Verb:
    """One verb.

    `settings` checks its options; `inputs` lists the paths it reads; `run(settings, out)` leaves the result at `out`;
    `result` is the name of that result inside a stage's folder (`""`: the folder itself).
    """

    settings: type[Settings]
    inputs: Callable[[Any], Sequence[Path]]
    run: Callable[[Any, Path], None]
    result: str


STAGES = ("simulate", "ingest", "check", "profile", "correct", "train", "embed", "evaluate", "index", "report")
"""The verbs that can be a stage of a recipe, in the order of the data's path."""


COMMANDS = ("demo", "simulate", "ingest", "check", "profile", "correct", "train", "embed", "evaluate", "search", "atlas", "report", "run")
"""The verbs of the command line, in the order of `impasto --help`."""


def command(name: str) -> Callable[..., None]:
    """The function that typer turns into `impasto NAME`."""
    found: Callable[..., None] = importlib.import_module(f"impasto.verbs.{name}").command
    return found


def verb(name: str) -> Verb:
    """The verb of that name. Raises InputError where there is none."""
    found: Verb = importlib.import_module(f"impasto.verbs.{one_of(name, STAGES, what='verb')}").VERB
    return found
