"""Plates over many workers: Ray on this machine, or on the cluster that RAY_ADDRESS names. An extra: `impasto[ray]`.

A plate is a pure shard: its file is written under a temporary name and renamed, and holds the same bytes whoever writes it. So the
engine only hands plates to workers. A killed run goes on at the first plate that has no file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from impasto.schema import InputError


def over_workers(plates: Sequence[str], work: Callable[[str], int], /, *, workers: int) -> Iterator[int]:
    """Call a function for every plate on several workers.

    Parameters
    ----------
    plates
        Names of plates.
    work
        Called with a plate's name.
    workers
        Plates at a time.

    Yields
    ------
    int
        What `work` returns, as plates are done.

    Raises
    ------
    InputError
        Where Ray is not installed; what a worker raises is raised here too.

    """
    ray = _ray()
    _join(ray, workers)
    try:
        task = ray.remote(num_cpus=1, max_retries=1)(lambda plate: work(plate))
        waiting = [task.remote(plate) for plate in plates]
        while waiting:
            done, waiting = ray.wait(waiting, num_returns=1)
            yield ray.get(done[0])
    finally:
        ray.shutdown()


def _ray() -> Any:
    # Before Ray is imported: it reads these once. A laboratory's plates are nobody else's statistics.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise InputError("--engine ray needs Ray; install it with: pip install 'impasto[ray]', or leave --engine out") from None
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
