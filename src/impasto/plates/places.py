"""Nothing doubled, nothing missing in silence: every plane has a place, a file and a page of its own, and its file is there."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from impasto import remote, schema
from impasto.plates import containers, read
from impasto.plates.planes import AT, BASE, KEYS, NAME, PAGE, paths, places
from impasto.plates.problems import Problem


def doubled(planes: pd.DataFrame, where: str, /) -> list[Problem]:
    """Planes that claim one place (sentence 8 of the borders).

    Parameters
    ----------
    planes
        n rows, sorted by place.
    where
        The sources, for sentences.

    Returns
    -------
    list[Problem]
        At most one, with how many planes these are.

    """
    code = places(planes, (*KEYS, schema.CHANNEL))
    same = np.diff(code) == 0
    twice = np.r_[same, False] | np.r_[False, same]
    if not twice.any():
        return []
    first = planes[code == code[twice][0]]
    row = first.iloc[0]
    place = " ".join(f"{word} {row[word]}" for word in KEYS if row[word])
    one, other = (_shown(first, at) for at in (0, 1))
    return [
        Problem(
            f"{where}: {int(twice.sum())} planes claim the place of another (first: {place} {row[schema.CHANNEL]}: {one} and {other}); "
            f"nothing was chosen. {_what_to_do(first)}"
        )
    ]


def _what_to_do(rows: pd.DataFrame) -> str:
    """What the user does about two files of one place."""
    (one, kind), (other, other_kind) = (os.path.splitext(str(path)) for path in paths(rows.iloc[:2]).to_pylist())
    if one == other and kind != other_kind:
        return (
            f"They differ in their suffix only: keep the {kind} or the {other_kind}, or end a --pattern in the one to read ([.]{kind[1:]})"
        )
    return "Say what tells them apart with --pattern"


def _shown(rows: pd.DataFrame, at: int) -> str:
    path, same = str(paths(rows)[at].as_py()), len(set(rows[PAGE])) > 1
    return f"{path} (page {rows[PAGE].iloc[at]})" if same else path


def shared(planes: pd.DataFrame, where: str, /) -> list[Problem]:
    """One page of one file that is two channels (sentence 9 of the borders): it is never right. Only tables can say so.

    Parameters
    ----------
    planes
        n rows.
    where
        The sources, for sentences.

    Returns
    -------
    list[Problem]
        At most one, with how many planes these are.

    """
    rows = _named_by_tables(planes)
    if not len(rows):
        return []
    # Hashes first, and sorted alone: neither the paths of all planes nor several numbers for each are in memory at once.
    hashes = np.empty(len(rows), dtype=np.uint64)
    done = 0
    for part in _parts(rows):
        hashes[done : done + len(part)] = _hashes(planes.iloc[part])
        done += len(part)
    ordered = np.sort(hashes)
    again = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    del ordered
    likely = planes.iloc[rows[np.isin(hashes, again)]] if len(again) else planes.iloc[:0]
    del hashes
    places_in_files = pd.DataFrame(
        {"path": paths(likely).to_pylist(), "at": likely[AT].astype(str).to_numpy(), "page": likely[PAGE].to_numpy()}
    )
    twice = places_in_files.duplicated(keep=False).to_numpy()
    if not twice.any():
        return []
    first = places_in_files[twice].iloc[0]
    channels = ", ".join(sorted(set(likely.loc[(places_in_files == first).all(axis=1).to_numpy(), schema.CHANNEL])))
    sentence = f"{int(twice.sum())} planes share their file with another channel (first: {first['path']} as {channels}); correct the table"
    return [Problem(f"{where}: {sentence}")]


def _hashes(part: pd.DataFrame) -> npt.NDArray[np.uint64]:
    of_paths = pd.util.hash_array(np.array(paths(part).to_pylist(), dtype=object), categorize=False)
    where = pd.util.hash_array(part[AT].to_numpy(dtype=object)) + part[PAGE].to_numpy(dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray(of_paths ^ where)


def _named_by_tables(planes: pd.DataFrame) -> npt.NDArray[np.intp]:
    """The planes that a table names; those with a base come from a listing, in which a file stands once and has been seen."""
    return np.flatnonzero((planes[BASE] == "").to_numpy())


def _parts(rows: npt.NDArray[np.intp], size: int = 1 << 16) -> Iterator[npt.NDArray[np.intp]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def missing(planes: pd.DataFrame, where: str, /) -> tuple[int, list[str], list[Problem]]:
    """Local files that tables name and that are not there (sentence 10 of the borders).

    Parameters
    ----------
    planes
        n rows.
    where
        The sources, for sentences.

    Returns
    -------
    count : int
        How many.
    notes : list[str]
        A sentence, where some are not there.
    problems : list[Problem]
        A problem, where none is there.

    """
    named, lacking, first = 0, 0, ""
    for part in _parts(_named_by_tables(planes)):
        for path in dict.fromkeys(paths(planes.iloc[part]).to_pylist()):
            if remote.url(path) is not None:
                continue
            named += 1
            if not os.path.exists(path):
                lacking += 1
                first = first or path
    if not lacking:
        return 0, [], []
    if lacking == named:
        sentence = f"{where}: none of its {named} files exists (first: {first}); say where they lie: --root FOLDER"
        return lacking, [], [Problem(sentence, ("--root", "FOLDER"))]
    return lacking, [f"{where}: {lacking} of {named} files do not exist (first: {first}); their sites will be quarantined"], []


def without_library(planes: pd.DataFrame, where: str, /) -> tuple[list[str], list[Problem]]:
    """Images of many planes whose library is not installed (sentence 20 of the borders).

    Parameters
    ----------
    planes
        n rows.
    where
        The sources, for sentences.

    Returns
    -------
    notes : list[str]
        A sentence, where some planes lie in such images.
    problems : list[Problem]
        A problem, where all do.

    """
    names = pa.array(planes[NAME].array)
    lacking: list[str] = []
    unread = 0
    for suffix, kind in containers.KINDS.items():
        count = int(pc.sum(pc.ends_with(names, suffix, ignore_case=True)).as_py() or 0)
        if count and not kind.installed:
            unread += count
            lacking.append(f"{count} {kind.lacking(suffix)}")
    if not lacking:
        return [], []
    sentence = f"{where}: {unread} of {len(planes)} planes cannot be read: {'; '.join(lacking)}"
    if unread == len(planes):
        return [], [Problem(sentence)]
    return [f"{sentence}; until then their sites are quarantined"], []


def unread_kinds(planes: pd.DataFrame, where: str, /) -> tuple[pd.DataFrame, list[str], list[Problem]]:
    """The planes whose kind of file is read.

    Parameters
    ----------
    planes
        n rows.
    where
        The sources, for sentences.

    Returns
    -------
    planes : pandas.DataFrame
        Those of kinds that are read; all of them where there is none.
    notes : list[str]
        How many others there are, by their suffix.
    problems : list[Problem]
        A problem, where no plane is of a kind that is read.

    """
    names = pa.array(planes[NAME].array)
    of_kind = {suffix: np.asarray(pc.ends_with(names, suffix, ignore_case=True)) for suffix in read.NOT_READ}
    counts = {suffix: int(rows.sum()) for suffix, rows in of_kind.items() if rows.any()}
    if not counts:
        return planes, [], []
    bad = np.logical_or.reduce(list(of_kind.values()))
    shown, known = ", ".join(f"{count} {suffix}" for suffix, count in sorted(counts.items())), ", ".join(read.IMAGES)
    if bad.all():
        return planes, [], [Problem(f"{where}: its images are of kinds that are not read ({shown}); convert them to one of {known}")]
    note = f"{where}: {shown} images are of kinds that are not read ({known} are) and are left out"
    return planes[~bad].reset_index(drop=True), [note], []
