"""Runs that can be killed: atomic files, digests, and the record beside each result.

A result is written under a temporary name in its own folder, synced, then renamed, so a reader sees the whole of it or
nothing. Its place is claimed first (`claims.py`), and its record (`records.py`) lists what the run writes. A stage whose record carries
the same key (version, verb, settings, digests of inputs) and whose files are as it left them is done and is skipped.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from impasto import commit_point, devices, locks, machine, processes, records, texts, threads, whole
from impasto import need as needs
from impasto.claims import Claim, claim
from impasto.need import Need
from impasto.processes import Process
from impasto.schema import InputError
from impasto.settings import Settings
from impasto.version import __version__
from impasto.whole import remove

__all__ = ["atomic", "claim", "digest", "note", "remove", "run_stage", "scratch", "write_json"]

_SCRATCH = "impasto-"
_MOST_THREADS = 1024
_claims: list[Claim] = []
"""The claims of the runs in progress, the innermost last."""


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`. On success it takes the place of `path`, else it is removed.

    Inside a run, the record of the run lists the file before it appears.

    Parameters
    ----------
    path
        The file or folder to write.

    Yields
    ------
    Path
        Where to write it.

    """
    with whole.replacing(path, before=lambda temporary: note(path, replaced_by=temporary)) as temporary:
        yield temporary


def note(path: Path, /, *, replaced_by: Path | None = None) -> None:
    """List a file in the record of the run that is about to write it.

    `atomic` does so. Call it for a file that is appended to.

    Parameters
    ----------
    path
        The file.
    replaced_by
        The finished temporary path that takes its place, or None.

    """
    for own_claim in reversed(_claims):
        if own_claim.note(path, replaced_by):
            return


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder that is removed at the end; those of processes that were killed are removed first.

    Yields
    ------
    Path
        The folder.

    """
    place = Path(tempfile.gettempdir())
    for left in place.glob(f"{_SCRATCH}*"):
        owner = Process.read(left.name.removeprefix(_SCRATCH).rpartition("-")[0])
        if owner is not None and owner.is_dead():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{_SCRATCH}{processes.own()}-") as folder:
        yield Path(folder)


def write_json(path: Path, value: Any) -> None:
    """Write JSON (sorted keys, two spaces, a last newline), atomically.

    Parameters
    ----------
    path
        The file.
    value
        What is written.

    """
    with atomic(path) as temporary:
        texts.write(temporary, whole.as_json(value))


def digest(path: Path) -> str:
    """The digest of a file or folder, for the key of a run.

    Parameters
    ----------
    path
        A file or folder.

    Returns
    -------
    str
        SHA-256 of a file, or of a folder's relative names and contents. `run.json` and hidden names are left out. A folder of
        plates (`dataset`) has the digest of its values, and a record that of what it says of its result.

    Raises
    ------
    InputError
        The path does not exist.

    """
    total = hashlib.sha256()
    if path.is_file():
        record = records.read(path) if path.name.endswith(records.RUN) else None
        return records.content(path) if record is None else hashlib.sha256(_sorted(records.of_result(record))).hexdigest()
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path")
    if (of_plates := commit_point.digest(path)) is not None:
        return of_plates
    for member in sorted(p for p in path.rglob("*") if p.is_file()):
        relative = member.relative_to(path)
        if member.name == records.RUN or any(part.startswith(".") for part in relative.parts):
            continue
        total.update(relative.as_posix().encode() + b"\0" + digest(member).encode())
    return total.hexdigest()


def run_stage(
    work: Callable[[], None],
    *,
    verb: str,
    settings: Settings,
    inputs: Sequence[Path],
    out: Path,
    folder: bool,
    beside: Sequence[Path] = (),
    may_lie_in_input: bool = False,
    digest: Callable[[Path], str] = digest,
    need: Callable[[], Need | None] = lambda: None,
) -> bool:
    """Run `work`, which must leave its result at `out`, unless the same run is already there.

    Parameters
    ----------
    work
        Leaves the result at `out`, and where the verb says so the files `beside` it.
    verb, settings, inputs, out
        What runs, how, on what, and where its result goes.
    folder, beside, may_lie_in_input
        What is written, and where it may lie: see `claims.claim`.
    digest
        The digest of an input, for the key of the run.
    need
        What the work will take of the machine; asked only where there is work to do.

    Returns
    -------
    bool
        Whether work was done.

    Raises
    ------
    InputError
        An input does not exist or changed meanwhile, the result cannot be claimed, or another process writes it.
    Unfinished
        The machine has too little memory or disk; nothing is written.

    """
    values = settings.model_dump(mode="json")

    def claimed() -> Claim:
        return claim(out, verb, inputs, folder=folder, beside=beside, may_lie_in_input=may_lie_in_input)

    own_claim, stamps = claimed(), {path: _stamp(path) for path in inputs}
    digests = {str(path): digest(path) for path in inputs}
    identity = {"version": __version__, "verb": verb, "settings": settings.result(), "inputs": sorted(digests.values())}
    key = hashlib.sha256(_sorted(identity)).hexdigest()
    if own_claim.is_done(key):
        locks.remove_dead(locks.beside(out))  # of a run that was killed when all was done
        return False
    needs.refuse(need(), out)
    if not devices.is_first():
        with threads.limited(threads.chosen()):
            work()  # the first of several processes keeps the record for all
        return True
    with locks.held(locks.beside(out), out):
        for path in (own_claim.place, out, *beside, locks.beside(out)):
            whole.sweep(path.parent, of=path)
        if folder:
            whole.sweep(out, deep=True)
        own_claim = claimed()  # another run may have ended, or a killed one been tidied up, since
        if own_claim.is_done(key):
            return False
        count = _threads(own_claim.previous, key)
        facts = {"key": key, "settings": values, "inputs": digests, "seed": getattr(settings, "seed", None), "threads": count}
        with threads.limited(count):
            _recorded(own_claim, work, facts, stamps)
    return True


def _sorted(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, sort_keys=True).encode()


def _threads(previous: Mapping[str, Any] | None, key: str) -> int:
    """As many as the run began with, where this one goes on with it: other sums would be rounded otherwise."""
    goes_on = previous is not None and previous["key"] == key and not records.is_finished(previous)
    count = previous.get("threads") if previous is not None and goes_on else None
    return count if isinstance(count, int) and 0 < count <= _MOST_THREADS else threads.chosen()


def _recorded(own_claim: Claim, work: Callable[[], None], facts: Mapping[str, Any], stamps: Mapping[Path, object]) -> None:
    """Do the work, with its record; refuse what was computed from an input that changed meanwhile."""
    clock = time.perf_counter()
    record = {
        **facts,
        "version": __version__,
        "command": sys.argv,
        "started": _now(),
    }
    with _holding(own_claim, record):
        machine.reset_peak()  # of this stage, not of those before it
        work()
        for path, before in stamps.items():
            if _stamp(path) != before:
                raise InputError(f"{path} changed while it was read; run the same command again when nobody writes it any more")
        record["seconds"] = round(time.perf_counter() - clock, 3)
        peak = machine.peak_memory()
        record["peak_memory_mb"] = None if peak is None else round(peak / 2**20, 1)


def _now() -> str:
    """The time to the microsecond, so that short stages of one second keep their order in a report."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _stamp(path: Path) -> object:
    """Size and time of a file, or of the commit point of a folder of plates; None for another folder."""
    file = path / commit_point.FILE if commit_point.is_there(path) else path
    try:
        return (file.stat().st_size, file.stat().st_mtime_ns) if file.is_file() else None
    except OSError:
        return "gone"


@contextlib.contextmanager
def _holding(own_claim: Claim, record: dict[str, Any]) -> Iterator[None]:
    """The record says `started` until the work is done, then `finished`; a run that fails before it wrote anything leaves no trace."""
    own_claim.start(record)
    _claims.append(own_claim)
    try:
        yield
    except BaseException:
        own_claim.undo()
        raise
    finally:
        _claims.remove(own_claim)
    own_claim.finish()
