"""The record of a result: which verb wrote it, from what, and which files are its own.

A folder keeps its record inside, as `run.json`; a file keeps it beside, as `<file>.run.json`. The record's `files` names each file (or
`.zarr` folder) that the run wrote, from the record's own folder, with its SHA-256; `null` while the run has not finished. What no record
lists as it is now belongs to somebody else.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from impasto import commit_point, texts, whole

RUN = "run.json"
LOG = "log.jsonl"
"""The one other file that speaks of times: the rates of a training."""
OF_THE_RUN = frozenset({"command", "peak_memory_mb", "seconds", "started"})
"""What a record says of the run and not of its result."""
STARTED, FINISHED = "started", "finished"
Files = dict[str, str | None]

_LEFTOVER = re.compile(r"^\..+\.((partial|replaced)-.*|work(-[0-9a-f]{12})?|lock)$")
"""What a killed run of ours may leave: the temporary names of `runs.atomic`, finished shards (`work_of`), and locks."""


def work_of(out: Path, key: str = "", /) -> Path:
    """Where the finished shards of a result wait until it is whole. A killed run leaves them, and the same run takes them up.

    Parameters
    ----------
    out
        The result.
    key
        Twelve hexadecimal digits of what the shards depend on, where shards of other settings may lie there.

    Returns
    -------
    Path
        A hidden folder beside the result.

    """
    return out.with_name(f".{out.name}.work{f'-{key}' if key else ''}")


def path_of(out: Path, /, *, folder: bool) -> Path:
    """The place of a result's record.

    Parameters
    ----------
    out
        The result.
    folder
        Whether it is a folder of files.

    Returns
    -------
    Path
        `run.json` inside a folder, `<file>.run.json` beside a file.

    """
    return out / RUN if folder else out.with_name(f"{out.name}.{RUN}")


def read(path: Path, /) -> dict[str, Any] | None:
    """Read a record.

    Parameters
    ----------
    path
        Where it lies.

    Returns
    -------
    dict[str, Any] | None
        None where there is none, or where another program wrote that file.

    """
    try:
        value = json.loads(texts.read(path))
    except (OSError, ValueError, RecursionError):
        return None
    ours = isinstance(value, dict) and isinstance(value.get("verb"), str) and isinstance(value.get("key"), str)
    return value if ours else None


def is_finished(record: Mapping[str, Any], /) -> bool:
    """Whether the run that this record describes came to its end.

    Parameters
    ----------
    record
        A record.

    Returns
    -------
    bool
        False for a run that was killed, or still runs.

    """
    return record.get("state") == FINISHED


def files_of(record: Mapping[str, Any] | None, /) -> Files:
    """The files that a record lists.

    Parameters
    ----------
    record
        A record, or None.

    Returns
    -------
    Files
        Name from the record's folder -> SHA-256; None for a file whose run has not finished. Empty where there is no record, or where it
        holds something else under that word.

    """
    files = record.get("files") if record else None
    return {str(name): value for name, value in files.items() if value is None or isinstance(value, str)} if isinstance(files, dict) else {}


def of_result(record: Mapping[str, Any], /) -> dict[str, Any]:
    """What a record says of the result: the same whenever, and however often interrupted, the run ran.

    Parameters
    ----------
    record
        A record.

    Returns
    -------
    dict[str, Any]
        Without times, memory and the command; a log is listed without its digest.

    """
    files = {name: None if name.rpartition("/")[2] == LOG else digest for name, digest in files_of(record).items()}
    return {**{fact: value for fact, value in record.items() if fact not in OF_THE_RUN}, "files": files}


def content(path: Path, /) -> str:
    """The digest of what a path holds.

    Parameters
    ----------
    path
        A file, a folder or a link.

    Returns
    -------
    str
        SHA-256 of a file, of all names and contents in a folder, or of where a link leads. Of a folder of plates (`dataset`) the names
        and sizes count, and what its commit point says of their contents.

    """
    if path.is_symlink():
        return hashlib.sha256(b"link " + os.fsencode(os.readlink(path))).hexdigest()
    if path.is_file():
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    if commit_point.is_there(path):
        return commit_point.stamp(path)
    total = hashlib.sha256()
    for member in walk(path):
        total.update(os.fsencode(member.relative_to(path).as_posix()) + b"\0" + content(member).encode())
    return total.hexdigest()


def walk(folder: Path, /) -> Iterator[Path]:
    """All files and links in a folder, at any depth, sorted in each; links are not followed.

    Parameters
    ----------
    folder
        The folder.

    Yields
    ------
    Path
        A file or link.

    """
    for base, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted([*files, *(f for f in folders if (Path(base) / f).is_symlink())]):
            yield Path(base) / name


def is_as_listed(path: Path, digest: str | None, /) -> bool:
    """Whether a file still is what its record says.

    Parameters
    ----------
    path
        The file, or a folder that the record lists as one.
    digest
        Its SHA-256 in the record; None where the run has not finished, which any content agrees with.

    Returns
    -------
    bool
        True where they agree.

    """
    return digest is None or content(path) == digest


def strangers(folder: Path, /) -> list[str]:
    """The files in a folder that no record in it lists as they are now.

    Parameters
    ----------
    folder
        The folder.

    Returns
    -------
    list[str]
        Names from the folder, sorted.

    """
    members = list(walk(folder))
    listed: dict[Path, str | None] = {}
    for path in members:
        if path.name.endswith(RUN) and (record := read(path)) is not None:
            listed[path] = None
            listed |= {path.parent / name: digest for name, digest in files_of(record).items()}
    intact = {path: is_as_listed(path, digest) for path, digest in listed.items() if path.is_dir() and not path.is_symlink()}

    def is_ours(path: Path) -> bool:
        if any(_LEFTOVER.match(part) for part in path.relative_to(folder).parts):
            return True
        if path in listed:
            return is_as_listed(path, listed[path])
        return any(intact.get(parent, False) for parent in path.parents)

    return [path.relative_to(folder).as_posix() for path in members if not is_ours(path)]


def in_short(names: list[str], /) -> str:
    """Names for a sentence: the first, and how many more.

    Parameters
    ----------
    names
        At least one.

    Returns
    -------
    str
        `"a.csv"`, `"a.csv and 2 more"`.

    """
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def write(path: Path, record: Mapping[str, Any], /) -> None:
    """Write a record, atomically.

    Parameters
    ----------
    path
        Where it lies.
    record
        What is written as JSON.

    """
    with whole.replacing(path) as temporary:
        texts.write(temporary, whole.as_json(record))
