"""Fetch what was planned: through the cache, checked, and laid out in one folder as on its server.

Large files are links to the cache where both lie on one disk, so nothing is held twice. Tables are copies, which may be edited.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from impasto import remote, runs, schema, texts
from impasto.datasets import choose, shipped
from impasto.datasets.plan import Plan
from impasto.datasets.registry import DataSet
from impasto.schema import InputError

_COPIED = 2**20
"""Bytes up to which a file is copied; a larger one is linked."""


@dataclass(frozen=True)
class Fetched:
    """What came.

    Attributes
    ----------
    files
        How many files of the plan lie in the folder.
    came
        How many of them were asked for now; the others were in the cache.
    problems
        Why others did not come.

    """

    files: int
    came: int
    problems: tuple[str, ...]


def bring(entry: DataSet, plan: Plan, out: Path, /, *, advance: Callable[[int], None] = lambda _count: None) -> Fetched:
    """Fetch all files of a plan and lay them out. One that does not come, or is not as it should be, keeps no other back.

    Parameters
    ----------
    entry
        The data set.
    plan
        Its files; the tables of zips are added to what `impasto ingest` reads.
    out
        The folder. Claim it first.
    advance
        Called with 1 for each file that came.

    Returns
    -------
    Fetched
        What came, and what did not.

    Raises
    ------
    NoConnection
        A file is not in the cache, and no network leads there.

    """
    cache = remote.cache()
    urls = [*plan.files, *plan.zips]
    missing = cache.missing(urls)
    problems = dict(cache.fetch(missing, advance=advance))
    for url in urls:
        if url in problems:
            continue
        path = cache.place(url)
        try:
            check(entry, plan, url, path)
            if url in plan.zips:
                _lay_table(entry, plan, url, path, out)
            else:
                _lay(path, out / plan.files[url])
            if url in plan.wells:
                _lay_wells(entry, plan, url, path, out)
        except InputError as error:
            problems[url] = str(error)
    for lies, frame in plan.written.items():
        with runs.atomic(_ready(out / lies)) as temporary:
            texts.write_csv(frame, temporary)
    for name, lies in plan.shipped.items():
        source = shipped.path(name)
        for file in sorted(p for p in source.rglob("*") if p.is_file()) if source.is_dir() else [source]:
            _lay(file, out / lies / file.relative_to(source) if source.is_dir() else out / lies, copied=True)
    failed = sum(url in problems for url in missing)
    return Fetched(len(urls) - len(problems) + len(plan.shipped), len(missing) - failed, tuple(problems.values()))


def check(entry: DataSet, plan: Plan, url: str, path: Path, /) -> None:
    """Check a file that came. One that is wrong leaves the cache, so that the next run asks for it again.

    Parameters
    ----------
    entry, plan
        What is known of it.
    url, path
        Its address, and where it lies in the cache.

    Raises
    ------
    InputError
        Its size or SHA-256 is not the published one, it is no whole zip, or it is the platemap of another plate.

    """
    wrong = ""
    if (size := entry.bytes.get(url)) is not None and path.stat().st_size != size:
        wrong = f"it has {path.stat().st_size} bytes, and {size} were published"
    elif (digest := entry.sha256.get(url)) is not None and (own := _sha256(path)) != digest:
        wrong = f"its SHA-256 is {own}, and {digest} was published"
    elif path.suffix.lower() == ".zip" and not zipfile.is_zipfile(path):
        wrong = "it is no whole zip"
    if wrong:
        path.unlink()
        raise InputError(f"{url}: {wrong}; it was cut short or has changed: run the same command again, then read {entry.licence.page}")
    if url in plan.maps:
        _check_map(url, path, plan.maps[url])


def ingest_command(entry: DataSet, plan: Plan, out: Path, /) -> str:
    """The command that reads what was fetched.

    Parameters
    ----------
    entry
        The data set.
    plan
        What was fetched.
    out
        Its folder.

    Returns
    -------
    str
        `impasto ingest ...`, for the first part that holds images or profiles; `""` where none does.

    """
    if not plan.sources:
        return ""
    part = next(iter(plan.sources))
    words = ["impasto", "ingest", *(str(out / source) for source in plan.sources[part])]
    words += shlex.split(entry.parts[part].options)
    words += [word for places in plan.platemaps.values() for place in places for word in ("--platemap", str(out / place))]
    return shlex.join([*words, "--out", f"{out.name}-ingested"])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_map(url: str, path: Path, name: str) -> None:
    """Raise InputError where a platemap says that it is another one."""
    frame = choose.table(path)
    column = next((column for column in frame if str(column).lower() in ("plate_map_name", "plate_map")), None)
    names = set() if column is None else set(frame[column].dropna().astype(str))
    if names - {name}:
        raise InputError(f"{url} should be the platemap {name}, and says that it is {schema.listed(sorted(names))}; it is left out")


def _lay_table(entry: DataSet, plan: Plan, url: str, path: Path, out: Path) -> None:
    """The table of a zip, as a file of the folder."""
    with runs.scratch() as folder:
        table = choose.unzipped(path, folder)
        lies = PurePosixPath("tables", table.name)
        _lay(table, out / lies, copied=True)
    key = plan.zips[url]
    plan.read_by_ingest(key, entry.parts[key], lies)


def _lay_wells(entry: DataSet, plan: Plan, url: str, path: Path, out: Path) -> None:
    """A plain platemap, made from a table with a row an image."""
    key = plan.wells[url]
    columns = entry.parts[key].columns
    frame = choose.table(path)
    choose.refuse_lacking(frame, columns.values(), path)
    platemap = frame[list(columns.values())].set_axis(list(columns), axis=1).drop_duplicates()
    lies = PurePosixPath("tables", f"{path.stem}_wells.csv")
    with runs.atomic(_ready(out / lies)) as temporary:
        texts.write_csv(platemap, temporary)
    plan.read_by_ingest(key, entry.parts[key], lies)


def _lay(source: Path, target: Path, *, copied: bool = False) -> None:
    with runs.atomic(_ready(target)) as temporary:
        if copied or source.stat().st_size <= _COPIED:
            shutil.copyfile(source, temporary)
            return
        try:
            os.link(source, temporary)
        except OSError:  # another disk, or one without links
            shutil.copyfile(source, temporary)


def _ready(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
