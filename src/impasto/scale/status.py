"""How far a run of shards is, from what lies in its folder: anybody may ask, on any machine that sees it, also when it has ended."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from impasto import commit_point, dataset
from impasto.scale import plan as plans
from impasto.scale.plan import PLAN, Plan
from impasto.schema import InputError


class Progress(NamedTuple):
    """One phase: how many of its shards are done, were given up, and when the rest will be done."""

    phase: str
    done: int
    of: int
    left_out: int
    per_minute: float | None
    """Shards, over the last receipts; None before the second."""
    minutes_left: float | None


_LATEST = 50
FINISHED = "finished"
"""The only phase of a result that is whole."""


def of_folder(path: Path, /) -> list[Progress]:
    """How far the run of a result is.

    Parameters
    ----------
    path
        The result, which may not be there yet, or the folder that its shards work in.

    Returns
    -------
    list[Progress]
        One row a phase; of a result that is whole one row, which counts the plates of a folder of plates.

    Raises
    ------
    InputError
        No run works on it, and it is not there.

    """
    folders = [folder for folder in (path, *sorted(path.parent.glob(f".{path.name}.*"))) if (folder / PLAN).is_file()]
    if not folders and path.exists():
        return [_finished(path)]
    if not folders:
        raise InputError(f"no run with shards works on {path}, and nothing is there; give the --out of a run")
    plan = plans.load(folders[-1])
    return [_of_phase(plan, number) for number in range(len(plan.phases))]


def _of_phase(plan: Plan, number: int) -> Progress:
    phase = plan.phases[number]
    receipts = [said for shard in phase.shards if (said := plans.receipt_of(plan.folder, shard.name)) is not None]
    bad = sum(plans.quarantined(plan.folder, shard.name) is not None for shard in phase.shards)
    ends = sorted(said["started"] + said["seconds"] for said in receipts)[-_LATEST:]
    span = (max(ends[-1], time.time()) if len(ends) < len(phase.shards) - bad else ends[-1]) - ends[0] if len(ends) > 1 else 0.0
    rate = 60 * (len(ends) - 1) / span if span > 0 else None
    left = len(phase.shards) - len(receipts) - bad
    return Progress(phase.name, len(receipts), len(phase.shards), bad, rate, None if rate is None else max(0, left) / rate)


def _finished(path: Path) -> Progress:
    plates = dataset.open_dataset(path) if commit_point.is_there(path) else None
    bad = len(plates.quarantined) if plates is not None else 0
    done = len(plates) if plates is not None else 1
    return Progress(FINISHED, done, done + bad, bad, None, 0.0)
