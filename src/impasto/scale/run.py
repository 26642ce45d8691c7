"""A plan from its first phase to its last, wherever its shards run."""

from __future__ import annotations

import math
import shutil

from impasto import whole
from impasto.failures import Unfinished
from impasto.progress import say
from impasto.scale import ENGINES, kept
from impasto.scale import plan as plan_of
from impasto.scale.plan import BAD, QUARANTINE, Phase, Plan
from impasto.scale.where import Where
from impasto.schema import InputError

SHARE_BAD = 0.01
_NAMED = 5


def run_shards(plan: Plan, where: Where, /) -> None:
    """Run the shards of a plan that are not done.

    Parameters
    ----------
    plan
        It is saved in its folder first. A plan that was killed goes on where it stopped.
    where
        The engine, and how many shards may fail.

    Raises
    ------
    InputError
        A shard that the others need has bad input, or more shards than allowed have.
    Unfinished
        More shards failed than are allowed, or one that the others need.

    """
    whole.sweep(plan.folder, deep=True)
    plan.save()
    if where.retry_bad:
        shutil.rmtree(plan.folder / QUARANTINE, ignore_errors=True)
    engine = ENGINES[where.engine]
    with kept.until_the_end():
        for phase in plan.phases:
            if plan.todo(phase):
                engine(plan, phase, where)
            settle(plan, phase, where)


def settle(plan: Plan, phase: Phase, where: Where, /) -> None:
    """See that a phase is done but for the few shards that may fail, which are named.

    Parameters
    ----------
    plan
        The plan.
    phase
        A phase that has run.
    where
        How many shards may fail.

    Raises
    ------
    InputError
        Bad input stopped it.
    Unfinished
        Something else did.

    """
    missing = plan.todo(phase)
    if missing:
        raise Unfinished(
            f"{len(missing)} of {len(phase.shards)} shards of {phase.name!r} are not done (first: {missing[0].name}); run the same command "
            "again to go on"
        )
    _refuse_many_bad_plates(plan, phase, where)
    bad = plan.given_up(phase)
    if not bad:
        return
    needed = [name for name in bad if not plan.shard(name).may_fail]
    allowed = _allowed(len(phase.shards), where)
    if not needed and len(bad) <= allowed and len(bad) < len(phase.shards):
        for name, record in list(bad.items())[:_NAMED]:
            say(f"  left out: {name}: {record['reason']}")
        say(f"{len(bad)} of {len(phase.shards)} {_several(phase.unit)} were left out; their reasons are in {plan.folder / QUARANTINE}")
        return
    first = needed[0] if needed else next(iter(bad))
    reason = bad[first]["reason"]
    if needed:
        sentence = reason if bad[first]["kind"] == "input" else f"{phase.name}: {reason} ({bad[first]['tries']} tries)"
    else:
        sentence = f"{len(bad)} of {len(phase.shards)} {_several(phase.unit)} failed, and {allowed} may; the first, {first}: {reason}"
    if all(record["kind"] == "input" for record in bad.values()):
        raise InputError(sentence)
    raise Unfinished(f"{sentence}; what is known stands in {plan.folder / QUARANTINE}; run the same command with --retry-bad to try again")


def _allowed(count: int, where: Where) -> int:
    """How many of so many may fail."""
    share = SHARE_BAD if where.max_bad is None else where.max_bad
    return max(1 if where.max_bad is None else 0, math.floor(share * count))


def _refuse_many_bad_plates(plan: Plan, phase: Phase, where: Where) -> None:
    """Raise InputError where the shards of a phase, which read several plates each, have left out more of them than may be."""
    plates = {name for shard in phase.shards for name in shard.plates}
    receipts = [plan_of.receipt_of(plan.folder, shard.name) for shard in phase.shards]
    bad = {name: reason for said in receipts if said for name, reason in said["facts"].get(BAD, {}).items()}
    allowed = _allowed(len(plates), where)
    if bad and (len(bad) > allowed or len(bad) == len(plates)):
        name, reason = next(iter(bad.items()))
        raise InputError(f"{len(bad)} of {len(plates)} plates cannot be used, and {allowed} may be left out; the first, {name}: {reason}")


def _several(unit: str) -> str:
    return f"{unit}es" if unit.endswith("ch") else f"{unit}s"
