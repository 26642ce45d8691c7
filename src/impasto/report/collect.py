"""What a run left: its stages by their records, in the order they ran."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto.schema import InputError


@dataclass(frozen=True)
class Ran:
    """One stage: its name, verb, record, and where its result is."""

    name: str
    verb: str
    record: dict[str, Any]
    result: Path


def stages(run: Path) -> list[Ran]:
    """The finished stages of a run, oldest first. Raises InputError where there are none."""
    found = []
    for path in [*run.glob("*/run.json"), *run.glob("*/*.run.json"), *run.glob("run.json"), *run.glob("*.run.json")]:
        record = json.loads(path.read_text())
        result = path.parent if path.name == "run.json" else path.with_name(path.name.removesuffix(".run.json"))
        name = path.parent.name if path.parent != run else result.name
        found.append(Ran(name, record["verb"], record, result))
    kept = sorted((s for s in found if s.verb != "report"), key=lambda s: (s.record["started"], s.name))
    if not kept:
        raise InputError(f"{run} holds no finished stages (no run.json); give the folder of an impasto run, or of one of its results")
    return kept


def of_verb(found: list[Ran], *verbs: str) -> list[Ran]:
    """The stages of these verbs."""
    return [s for s in found if s.verb in verbs]
