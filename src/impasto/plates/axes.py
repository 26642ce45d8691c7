"""One plane in depth and one time point of every site: chosen by the user, never by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto.plates.columns import recoded
from impasto.plates.planes import BASE, DEPTH, KEYS, TIME, kept, places
from impasto.plates.problems import Problem

Rows = npt.NDArray[np.bool_]


def chosen(planes: pd.DataFrame, /, *, depth: str | None, time: str | None, where: str) -> tuple[pd.DataFrame, list[str], list[Problem]]:
    """The planes of one depth and one time.

    Parameters
    ----------
    planes
        All planes of a source (`planes.table`). A plane without a depth, beside slices that have one, is their projection.
    depth, time
        What the user chose; None: nothing.
    where
        The source, for sentences.

    Returns
    -------
    planes : pandas.DataFrame
        Those that stay.
    notes : list[str]
        Sentences to show.
    problems : list[Problem]
        What must be chosen first (sentences 6 and 7 of the borders).

    """
    planes = planes.assign(**{word: recoded(planes[word].array, _plain) for word in (DEPTH, TIME)})
    notes: list[str] = []
    times, problems = _of_axis(planes, TIME, time, where)
    planes = kept(planes, times)
    if depth is None:
        stay = _projections(planes, notes)
        planes = kept(planes, stay)
    depths, more = _of_axis(planes, DEPTH, depth, where)
    if depth is not None and depths.any():
        lacking = len(set(places(planes, KEYS))) - len(set(places(planes[depths], KEYS)))
        if lacking:
            notes.append(f"{lacking} sites have no plane {depth} in depth and are left out")
    return kept(planes, depths), notes, [*problems, *more]


def _plain(value: str) -> str:
    return (value.lstrip("0") or "0") if value.isdecimal() else value


def _projections(planes: pd.DataFrame, notes: list[str]) -> Rows:
    """All rows but the slices of plates that have a projection beside them."""
    flat = (planes[DEPTH] == "").to_numpy()
    with_projection = planes[BASE].isin(set(planes.loc[flat, BASE]) & set(planes.loc[~flat, BASE])).to_numpy()
    slices = with_projection & ~flat
    if slices.any():
        notes.append(f"projections are read; {int(slices.sum())} slices in depth are left out (--depth N for one of them)")
    return ~slices


def _of_axis(planes: pd.DataFrame, axis: str, asked: str | None, where: str) -> tuple[Rows, list[Problem]]:
    """The rows of the value that was asked for, or all where no plate has more than one; else what must be chosen."""
    values = sorted(map(str, planes[axis].unique()), key=lambda v: (not v.isdecimal(), int(v) if v.isdecimal() else 0, v))
    everything = np.ones(len(planes), dtype=bool)
    if asked is not None:
        plain = _plain(asked)
        # What has no such axis at all is of every depth and time.
        rows = planes[axis].isin([plain, ""]).to_numpy()
        if axis == DEPTH:
            has_slice = planes[BASE].isin(set(planes.loc[(planes[axis] == plain).to_numpy(), BASE]))
            rows = rows & ((planes[axis] == plain) | ~has_slice).to_numpy()
        if rows.any():
            return rows, []
        return everything, [_absent(axis, asked, values, where)]
    if len(values) < 2 or planes.groupby(BASE, observed=True)[axis].nunique().max() < 2:
        return everything, []
    problem = _many_depths(values, where) if axis == DEPTH else _many_times(values, where)
    return (planes[axis] == values[0]).to_numpy(), [problem]


def _many_depths(values: Sequence[str], where: str) -> Problem:
    middle = values[len(values) // 2]
    shown = ", ".join(values if len(values) < 7 else [*values[:5], "...", values[-1]])
    return Problem(f"{where}: {len(values)} planes in depth ({shown}); choose one with --depth {middle}", ("--depth", middle))


def _many_times(values: Sequence[str], where: str) -> Problem:
    sentence = f"{where}: {len(values)} time points ({values[0]} to {values[-1]}); choose one with --time {values[0]}"
    return Problem(f"{sentence}, or ingest each into its own folder", ("--time", values[0]))


def _absent(axis: str, asked: str, values: Sequence[str], where: str) -> Problem:
    what = "plane in depth" if axis == DEPTH else "time point"
    return Problem(f"{where}: there is no {what} {asked}; it has {', '.join(values)}", (f"--{axis}", values[0]))
