"""From a name to a folder: the licence first, then the plan, then the files; and the lists that are printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from impasto import progress, remote, runs, texts
from impasto.datasets import fetching, plan
from impasto.datasets.choose import Wish
from impasto.datasets.registry import DataSet
from impasto.object_stores import NoConnection
from impasto.schema import InputError
from impasto.settings import Settings

ABOUT = "ABOUT.txt"
"""In the folder of a fetched set: what it is, who may use it, and, last, the command that reads it."""


class Wanted(Settings):
    """What identifies a fetched folder."""

    name: str
    entry: DataSet
    wish: Wish


@dataclass(frozen=True)
class Done:
    """A fetched data set.

    Attributes
    ----------
    out
        Its folder.
    ingest
        The command that reads it; `""` where nothing of it is read so.
    files, came
        How many files it has, and how many came now; None where it was there already.

    """

    out: Path
    ingest: str
    files: int | None = None
    came: int = 0


def rows(sets: Mapping[str, DataSet], /) -> list[dict[str, object]]:
    """The list of data sets.

    Parameters
    ----------
    sets
        Name -> data set.

    Returns
    -------
    list[dict[str, object]]
        A row a set.

    """
    return [
        {
            "name": name,
            "what": entry.title,
            "cells": entry.cells,
            "stains": ", ".join(entry.stains),
            "GB": entry.gb,
            "parts": ", ".join(entry.parts),
            "by plate": "yes" if entry.plates is not None else "",
            "licence": entry.licence.name,
            "to accept": "yes" if entry.licence.is_asked_for else "",
        }
        for name, entry in sets.items()
    ]


def refuse_unless_accepted(name: str, entry: DataSet, /, *, accepted: bool) -> None:
    """Refuse a data set whose licence forbids something, or is not known, until the user accepts it by name.

    Parameters
    ----------
    name, entry
        The data set.
    accepted
        Whether the user has said `--accept-licence`.

    Raises
    ------
    InputError
        The licence must be accepted first.

    """
    if entry.licence.is_asked_for and not accepted:
        raise InputError(f"{name}: {entry.licence.sentence()}; nothing was fetched: where you may use it so, add --accept-licence")


def fetch(name: str, entry: DataSet, wish: Wish, out: Path, /) -> Done:
    """Fetch a part of a data set into a folder. A run that was stopped goes on; a finished one is not begun again.

    Parameters
    ----------
    name, entry, wish
        The data set, and what the user said.
    out
        The folder.

    Returns
    -------
    Done
        What lies there.

    Raises
    ------
    InputError
        Something is not there, or did not come; whatever did come lies in the folder.

    """
    results: list[Done] = []

    def work() -> None:
        files = plan.make(name, entry, wish)
        total = len(files.files) + len(files.zips)
        lacking = len(remote.cache().missing([*files.files, *files.zips]))
        with progress.bar(what=f"fetching {name}", unit="file", total=total, done=total - lacking) as advance:
            fetched = fetching.bring(entry, files, out, advance=advance)
        command = fetching.ingest_command(entry, files, out)
        with runs.atomic(out / ABOUT) as temporary:
            texts.write(temporary, about(name, entry, command))
        if fetched.problems:
            raise InputError(
                f"{len(fetched.problems)} of {total} files of {name} did not come (first: {fetched.problems[0]}); the others are in {out}"
            )
        results.append(Done(out, command, fetched.files, fetched.came))

    runs.run_stage(work, verb="fetch", settings=Wanted(name=name, entry=entry, wish=wish), inputs=[], out=out, folder=True)
    return results[0] if results else Done(out, _command_in(out))


def addresses(name: str, entry: DataSet, wish: Wish, /) -> tuple[list[str], bool]:
    """What a machine with network is to bring for one without.

    Parameters
    ----------
    name, entry, wish
        The data set, and what the user said.

    Returns
    -------
    urls : list[str]
        Of all files.
    whole : bool
        False where these say which others are wanted, and come first.

    Raises
    ------
    InputError
        Something is not there.

    """
    try:
        files = plan.make(name, entry, wish)
    except NoConnection:
        return plan.needed_first(name, entry, wish), False
    tables = [] if entry.plates is None or not entry.plates.table else [entry.plates.table]
    if not files.files and not files.zips:
        raise InputError(f"{name} comes with the package, so no list is needed; run the command with --out DIR")
    return list(dict.fromkeys([*tables, *plan.tables_of(name, entry, wish), *files.files, *files.zips])), True


def about(name: str, entry: DataSet, command: str, /) -> str:
    """What is written beside a fetched set.

    Parameters
    ----------
    name, entry
        The data set.
    command
        The command that reads it.

    Returns
    -------
    str
        Lines of text, the command last.

    """
    doubts = [f"not confirmed: {doubt}" for doubt in entry.not_confirmed]
    names = [f"also called {', '.join(entry.aliases)}"] if entry.aliases else []
    papers = [f"named by {', '.join(entry.papers)}"] if entry.papers else []
    lines = [f"{name}: {entry.title}", entry.about, *names, *papers]
    terms = [entry.licence.sentence(), f"cite: {entry.cite}", f"splits: {entry.splits}"]
    return "\n".join([*lines, *terms, *doubts, *entry.pages, "", command]) + "\n"


def _command_in(out: Path) -> str:
    return texts.read(out / ABOUT).rstrip("\n").rpartition("\n")[2]
