"""Shards on Ray: workers of this machine, or of the cluster that RAY_ADDRESS names. An extra: `impasto[ray]`.

Ray only hands shards to workers. Each worker reads the plan from the folder that all of them share.
"""

from __future__ import annotations

import functools
import os
from collections import Counter
from pathlib import Path
from typing import Any

from impasto import progress
from impasto.scale import kept, task
from impasto.scale import plan as plans
from impasto.scale.plan import Phase, Plan, Shard
from impasto.scale.where import Where
from impasto.schema import InputError


def run_phase(plan: Plan, phase: Phase, where: Where, /) -> None:
    """Run a phase on Ray; shards that keep failing are given up.

    Parameters
    ----------
    plan
        All earlier phases of it are done.
    phase
        What is run.
    where
        How many workers this machine has, where no cluster is named.

    Raises
    ------
    InputError
        Ray is not installed.

    """
    ray = _ray()
    if not ray.is_initialized():
        _join(ray, where.workers)
        kept.at_the_end(ray.shutdown)  # what the user started stays
    todo = plan.todo(phase)
    done = len(phase.shards) - len(todo)
    folder = str(plan.folder.resolve())
    remote = ray.remote(num_cpus=1, max_retries=0)(_in_worker)
    with progress.bar(what=f"{phase.name} (Ray)", unit=phase.unit, total=len(phase.shards), done=done) as advance:
        tries: Counter[str] = Counter()
        waiting: dict[Any, Shard] = {remote.remote(folder, shard.name): shard for shard in todo}
        while waiting:
            ready, _ = ray.wait(list(waiting), num_returns=1)
            shard = waiting.pop(ready[0])
            try:
                failure = ray.get(ready[0])
            except ray.exceptions.RayError:
                failure = task.KILLED
            if failure is None:
                advance(1)
                continue
            tries[shard.name] += 1
            if tries[shard.name] < failure.tries:
                waiting[remote.remote(folder, shard.name)] = shard
            else:
                task.give_up(plan, shard, failure, tries=tries[shard.name])
                advance(1)


def _in_worker(folder: str, name: str) -> task.Failure | None:
    progress.hide()
    plan = _loaded(folder, (Path(folder) / plans.PLAN).stat().st_mtime_ns)
    return task.attempt(plan, plan.shard(name))


@functools.lru_cache(maxsize=1)
def _loaded(folder: str, _: int) -> Plan:
    """The plan, read once a worker: it is as long as there are plates."""
    return plans.load(Path(folder))


def _ray() -> Any:
    # Before Ray is imported: it reads these once. A laboratory's plates are nobody else's statistics.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise InputError("--shards ray needs Ray; install it with: pip install 'impasto[ray]', or use --shards local:4") from None
    return ray


def _join(ray: Any, workers: int) -> None:
    """A cluster where one is named; else workers of this machine, on the loopback, with as many logical CPUs as they are."""
    if "RAY_ADDRESS" in os.environ:
        ray.init(address=os.environ["RAY_ADDRESS"], log_to_driver=False)
        return
    ray.init(
        num_cpus=workers,
        include_dashboard=False,
        _node_ip_address="127.0.0.1",
        log_to_driver=False,
        logging_level="ERROR",
        configure_logging=True,
    )
