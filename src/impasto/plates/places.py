"""Nothing doubled, nothing missing in silence: every plane has a place, a file and a page of its own, and its file is there."""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pandas as pd

from impasto import remote, schema
from impasto.plates import read
from impasto.plates.planes import AT, BASE, FOLDER, KEYS, NAME, PAGE, paths, places
from impasto.plates.problems import Problem


def doubled(planes: pd.DataFrame, where: str, /) -> list[Problem]:
    """Two planes that claim one place (sentence 8 of the borders)."""
    code = pd.Series(places(planes, (*KEYS, schema.CHANNEL)))
    twice = code.duplicated(keep=False).to_numpy()
    if not twice.any():
        return []
    first = planes[(code == code[twice].iloc[0]).to_numpy()]
    row = first.iloc[0]
    place = " ".join(f"{word} {row[word]}" for word in KEYS if row[word])
    one, other = (_shown(first, at) for at in (0, 1))
    return [
        Problem(
            f"{where}: {int(twice.sum())} planes claim the place of another (first: {place} {row[schema.CHANNEL]}: {one} and {other}); "
            "nothing was chosen. Say what tells them apart with --pattern"
        )
    ]


def _shown(rows: pd.DataFrame, at: int) -> str:
    path, same = paths(rows)[at].as_py(), len(set(rows[PAGE])) > 1
    return f"{path} (page {rows[PAGE].iloc[at]})" if same else path


def shared(planes: pd.DataFrame, where: str, /) -> list[Problem]:
    """One page of one file that is two channels (sentence 9 of the borders): it is never right."""
    names, _ = pd.factorize(planes[NAME].array)
    parts = [names, planes[FOLDER].array.codes, planes[AT].array.codes, planes[PAGE].to_numpy()]
    code = np.zeros(len(planes), dtype=np.int64)
    for part in parts:
        # Renumbered each time, so that the product never runs over.
        code, _ = pd.factorize(code * (int(part.max(initial=0)) + 2) + part + 1)
    twice = pd.Series(code).duplicated(keep=False).to_numpy()
    if not twice.any():
        return []
    row = int(np.flatnonzero(twice)[0])
    channels = ", ".join(sorted(set(planes.loc[code == code[row], schema.CHANNEL])))
    path = paths(planes.iloc[[row]])[0].as_py()
    return [
        Problem(
            f"{where}: {int(twice.sum())} planes share their file with another channel (first: {path} as {channels}); correct the table"
        )
    ]


def missing(planes: pd.DataFrame, where: str, /) -> tuple[int, list[str], list[Problem]]:
    """Local files that tables name and that are not there: how many, told where it is some, refused where it is all (sentence 10).

    Planes with a `base` come from a listing: their files have been seen.
    """
    folders = np.array([remote.url(f"{folder}/") is None for folder in planes[FOLDER].array.categories], dtype=bool)
    rows = (planes[BASE] == "").to_numpy() & folders[planes[FOLDER].array.codes] if len(planes) else np.zeros(0, dtype=bool)
    named = pd.unique(paths(planes[rows]).to_pandas()) if rows.any() else []
    lacking = [path for path in named if not os.path.exists(path)]
    if not lacking:
        return 0, [], []
    if len(lacking) == len(named):
        problem = Problem(
            f"{where}: none of its {len(named)} files exists (first: {lacking[0]}); say where they lie: --root FOLDER", ("--root", "FOLDER")
        )
        return len(lacking), [], [problem]
    note = f"{where}: {len(lacking)} of {len(named)} files do not exist (first: {lacking[0]}); their sites will be quarantined"
    return len(lacking), [note], []


def unread_kinds(planes: pd.DataFrame, where: str, /) -> tuple[pd.DataFrame, list[str], list[Problem]]:
    """The planes whose kind of file is read; the others counted by their suffix, and refused where nothing else is there."""
    codes, names = pd.factorize(pd.Series(planes[NAME].array).str.rpartition(".")[2].str.lower().astype(object))
    suffixes = [f".{name}" for name in names]
    bad = np.array([suffix in read.NOT_READ for suffix in suffixes], dtype=bool)[codes]
    if not bad.any():
        return planes, [], []
    counts = Counter(suffixes[code] for code in codes[bad])
    shown = ", ".join(f"{count} {suffix}" for suffix, count in sorted(counts.items()))
    known = ", ".join(read.IMAGES)
    if bad.all():
        return planes, [], [Problem(f"{where}: its images are of kinds that are not read ({shown}); convert them to one of {known}")]
    note = f"{where}: {shown} images are of kinds that are not read ({known} are) and are left out"
    return planes[~bad].reset_index(drop=True), [note], []
