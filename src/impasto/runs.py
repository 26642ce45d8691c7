"""Runs that can be killed: atomic files, digests, and the run.json beside every result.

A result is written under a temporary name in its own folder, synced, then renamed, so a reader sees the whole of it or
nothing. A stage whose run.json carries the same key (version, verb, settings, digests of inputs) is done and is skipped.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from impasto import __version__
from impasto.schema import InputError
from impasto.settings import Settings


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path (file or folder) beside `path`; on success it takes the place of `path`, else it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: writers choose their format by it.
    temporary = path.with_name(f".{path.stem}.partial-{os.getpid()}{path.suffix}")
    aside = path.with_name(f".{path.stem}.replaced-{os.getpid()}{path.suffix}")
    remove(temporary)
    try:
        yield temporary
        if temporary.is_file():
            with temporary.open("rb") as handle:
                os.fsync(handle.fileno())
        if path.is_dir():
            # A folder cannot be replaced in one step: it is put aside whole first, so that a kill never leaves half of it.
            os.replace(path, aside)
        os.replace(temporary, path)
    finally:
        remove(temporary)
        remove(aside)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder that is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
        yield Path(folder)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, where it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write JSON (sorted keys, two spaces, a last newline), atomically."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True, default=str) + "\n")


def digest(path: Path) -> str:
    """SHA-256 of a file, or of a folder's relative names and contents (sorted; run.json and hidden names left out)."""
    total = hashlib.sha256()
    if path.is_file():
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path")
    for member in sorted(p for p in path.rglob("*") if p.is_file()):
        relative = member.relative_to(path)
        if member.name == "run.json" or any(part.startswith(".") for part in relative.parts):
            continue
        total.update(str(relative).encode() + b"\0" + digest(member).encode())
    return total.hexdigest()


def record_path(out: Path) -> Path:
    """Where the record of a result is kept: in a folder, `run.json`; beside a file, `<file>.run.json`."""
    return out / "run.json" if out.suffix == "" else out.with_name(out.name + ".run.json")


def run_stage(
    work: Callable[[], None],
    *,
    verb: str,
    settings: Settings,
    inputs: Sequence[Path],
    out: Path,
) -> bool:
    """Run `work`, which must leave its result at `out`, unless the same run is already there. True if work was done.

    Raises InputError where an input does not exist.
    """
    digests = {str(path): digest(path) for path in inputs}
    identity = {"version": __version__, "verb": verb, "settings": settings.model_dump(mode="json"), "inputs": sorted(digests.values())}
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    record = record_path(out)
    if record.exists() and out.exists() and json.loads(record.read_text()).get("key") == key:
        return False
    record.unlink(missing_ok=True)
    started, clock = time.time(), time.perf_counter()
    work()
    write_json(
        record,
        {
            "key": key,
            "version": __version__,
            "verb": verb,
            "settings": settings.model_dump(mode="json"),
            "inputs": digests,
            "seed": getattr(settings, "seed", None),
            "command": sys.argv,
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
            "seconds": round(time.perf_counter() - clock, 3),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        },
    )
    return True
