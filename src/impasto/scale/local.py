"""Shards in this process, or on several of this machine.

A worker whose parent is killed would live on: a thread waits for the parent and ends the worker with it. A pool that breaks does not say
which shard was killed. So what was in flight runs again one at a time: a shard is not given up for the memory that its neighbour took.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from impasto import progress
from impasto.scale import plan as plans
from impasto.scale import task
from impasto.scale.plan import Phase, Plan, Shard
from impasto.scale.where import Where


def run_phase(plan: Plan, phase: Phase, where: Where, /) -> None:
    """Run a phase on this machine; shards that keep failing are given up.

    Parameters
    ----------
    plan
        All earlier phases of it are done.
    phase
        What is run.
    where
        How many shards run at a time; one runs in this process.

    """
    todo = plan.todo(phase)
    done = len(phase.shards) - len(todo)
    shown = progress.bar(what=phase.name, unit=phase.unit, total=len(phase.shards), done=done)
    alone = where.workers == 1 or len(todo) == 1
    hidden = len(phase.shards) == 1 or (phase.shows_itself and alone)
    with contextlib.nullcontext(lambda _: None) if hidden else shown as advance:
        if alone:
            for shard in todo:
                _persist(plan, shard)
                advance(1)
        else:
            _on_workers(plan, todo, where.workers, advance)


def _persist(plan: Plan, shard: Shard) -> None:
    """Try a shard as often as its failures allow."""
    tries = 0
    while (failure := task.attempt(plan, shard)) is not None:
        tries += 1
        if tries >= failure.tries:
            task.give_up(plan, shard, failure, tries=tries)
            return
        time.sleep(task.WAITS[tries - 1] if failure.kind == "machine" else 0)


def _on_workers(plan: Plan, todo: list[Shard], workers: int, advance: progress.Advance) -> None:
    tries: Counter[str] = Counter()
    left = {shard.name: shard for shard in todo}
    alone = False
    while left:
        batch = [next(iter(left.values()))] if alone else list(left.values())
        broken = False
        with _pool(plan.folder, 1 if alone else workers) as pool, _dropping_the_rest(pool):
            with _without_interrupts():  # the first call starts the workers
                futures = {pool.submit(_in_worker, shard.name): shard for shard in batch}
            for future in as_completed(futures):
                shard = futures[future]
                try:
                    failure = future.result()
                except BrokenProcessPool:
                    broken = True
                    continue
                if failure is None or _is_last(plan, shard, failure, tries):
                    del left[shard.name]
                    advance(1)
        if broken and alone and _is_last(plan, batch[0], task.KILLED, tries):
            del left[batch[0].name]
            advance(1)
        # One at a time until the one that breaks pools is known; then all together again.
        alone = broken or (alone and batch[0].name in left)


@contextlib.contextmanager
def _dropping_the_rest(pool: ProcessPoolExecutor) -> Iterator[None]:
    """Where the run is stopped, what has not begun is dropped: leaving the pool would wait for all of it."""
    try:
        yield
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def _is_last(plan: Plan, shard: Shard, failure: task.Failure, tries: Counter[str]) -> bool:
    """Count a failure; give the shard up, and say so, where it was its last try."""
    tries[shard.name] += 1
    if tries[shard.name] < failure.tries:
        time.sleep(task.WAITS[0] if failure.kind == "machine" else 0)
        return False
    task.give_up(plan, shard, failure, tries=tries[shard.name])
    return True


_plan_of_worker: list[Plan] = []


def _pool(folder: Path, workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(str(folder),))


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """What starts here never sees Ctrl-C: a terminal sends it to all processes, and only the first one answers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _begin(folder: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    progress.hide()
    parent = multiprocessing.parent_process()
    if parent is not None:

        def end_with_parent() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=end_with_parent, daemon=True).start()
    _plan_of_worker.append(plans.load(Path(folder)))


def _in_worker(name: str) -> task.Failure | None:
    plan = _plan_of_worker[-1]
    return task.attempt(plan, plan.shard(name))
