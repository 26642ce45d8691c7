"""Where shards run: `local`, `local:4`, `slurm`, `ray`, as `--shards` says it."""

from __future__ import annotations

from typing import NamedTuple

from impasto import machine
from impasto.scale import ENGINES
from impasto.schema import InputError, one_of

_MOST = 512


class Where(NamedTuple):
    """An engine and how many shards run at a time; `options` are passed on to `sbatch`."""

    engine: str = "local"
    workers: int = 1
    options: str = ""
    max_bad: float | None = None
    """The largest share of shards that may fail; one in a hundred, and at least one, where left out."""
    retry_bad: bool = False
    """Whether what was quarantined by an earlier run is tried again."""


HERE = Where()
"""One shard at a time, in this process."""


def read(said: str, /, *, options: str = "", max_bad: float | None = None, retry_bad: bool = False) -> Where:
    """Where shards run, from a word of the command line.

    Parameters
    ----------
    said
        `local`, `local:N`, `slurm` or `ray`; `ray:N` for N workers of this machine.
    options
        Passed on to `sbatch`.
    max_bad
        The largest share of shards that may fail.
    retry_bad
        Whether what was quarantined is tried again.

    Returns
    -------
    Where
        `local` alone is one shard at a time, in this process.

    Raises
    ------
    InputError
        There is no such engine, or the number is none.

    """
    name, colon, number = said.partition(":")
    one_of(name, ENGINES.names(), what=ENGINES.what)
    if colon and not (number.isdigit() and 1 <= int(number) <= _MOST):
        raise InputError(f"--shards {said}: {number!r} is no number of workers; write {name}:4, from 1 to {_MOST}")
    if options and name != "slurm":
        raise InputError(f"--slurm is for --shards slurm, and this is --shards {said}; leave it out")
    if name == "slurm" and colon:
        raise InputError(f"--shards {said}: Slurm decides how many tasks run at a time; write --shards slurm")
    workers = int(number) if colon else (1 if name == "local" else machine.cores())
    return Where(name, workers, options, max_bad, retry_bad)
