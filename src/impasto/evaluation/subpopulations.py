"""Subpopulations: does a perturbation move all cells of a well, a part of them, or none?

Each perturbation is tested twice. The test of means (as `hits` where wells are few, `statistics.permutation`) asks whether the well as a
whole lies apart from its plates' controls. The tail test (`tail`) asks whether more cells than in control wells lie far out in the same
direction in each of its wells. The false discovery rate is held over both together. The verdict is `whole`, `part`, `both` or `none`.

Cells never count as replicates: wells do. Beside both stands the same test of the cell count alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import progress, schema, wells
from impasto.cells import checked, columns
from impasto.cells.folder import Cells
from impasto.cells.whiten import whiten
from impasto.evaluation import tidy
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tail import Place, Rows, Tail, TailTest
from impasto.evaluation.tidy import Score
from impasto.schema import InputError
from impasto.statistics import discovery, interval
from impasto.statistics.permutation import length_of_shift
from impasto.statistics.shuffles import ENOUGH_EXCEEDANCES

TASK = "subpopulations"
FEWEST_CELLS, FEWEST_CONTROLS = 20, 8
"""A well with fewer kept cells is left out; a plate with fewer control wells is refused."""
COUNT = "cell count"
"""The group of the test that knows only how many cells a well has."""
Numbers = npt.NDArray[np.float64]
OfCells: TypeAlias = Cells | Path | str
"""What the task takes: an opened folder of cells, or its path."""


def evaluate(
    cells: OfCells,
    /,
    *,
    pool_doses: bool = False,
    components: int = 30,
    layouts: int = 999,
    rate: float = 0.05,
    leave_out_plates: bool = False,
    seed: int = 0,
) -> Result:
    """Which perturbations move all cells, and which a part of them.

    Parameters
    ----------
    cells
        A folder of cells (`impasto cells`) with negative controls, at least 8 wells a plate.
    pool_doses
        Whether all doses of a perturbation are tested as one.
    components
        Principal components of the control cells that are tested in.
    layouts
        How many distinct layouts of control wells play the null of the tail test, at most.
    rate
        False discovery rate, over the p-values of both tests.
    leave_out_plates
        Whether plates with fewer than 8 controls are left out, and said. Otherwise they are refused.
    seed
        Of layouts and of orderings that are drawn.

    Returns
    -------
    Result
        Scores: the share of perturbations that each test calls, that of each verdict, and what the cell count alone calls. `per_group`: one
        row a perturbation with wells, cells, responding share (a lower bound), p_mean, p_tail, q_mean, q_tail and verdict. `tables`:
        `responders`, one row a cell of the perturbations of which a part responds, with its score; `left_out`.

    Raises
    ------
    InputError
        No perturbation or control is named, a plate has fewer than 8 controls, or no well can be tested.

    """
    opened = _opened(cells)
    if not 0 < rate < 1:
        raise InputError(f"rate is {rate:g}; a false discovery rate lies between 0 and 1, as in --set rate=0.05")
    if components < 1 or layouts < 1:
        raise InputError(f"components is {components} and layouts is {layouts}; both are 1 or more")
    wells.require(opened.wells, [schema.PERTURBATION], task=TASK)
    wells.require_negative(opened.wells, task=TASK)
    used, left_out = _used(opened)
    names = wells.replicates(opened.wells, pool_doses=pool_doses).fillna("").to_numpy(dtype=str)
    plate_of = wells.plates(opened.wells)[0]
    controls = _controls(opened, plate_of, used)
    if leave_out_plates:
        used, more = _on_plates_with_controls(opened, plate_of, controls, used)
        left_out += more
    treated = np.flatnonzero(wells.treated(opened.wells) & used & (names != ""))
    if not len(treated):
        raise InputError(f"{opened.folder}: no treated well has {FEWEST_CELLS} cells that are kept; there is nothing to test")
    _refuse_few_controls(opened, controls, set(plate_of[treated].tolist()))
    members = {name: [(int(plate_of[w]), int(w)) for w in treated[names[treated] == name]] for name in sorted(set(names[treated]))}
    whitened = whiten(opened, components=components)
    test = TailTest(whitened.cells, controls, seed=seed, layouts=layouts)
    tails = {name: test.test(own) for name, own in progress.track(members.items(), what="tail test", unit="perturbations")}
    per = _table(members, tails, _of_means(whitened.means, members, controls, rate=rate, seed=seed), opened)
    counts = np.log(opened.wells[schema.CELL_COUNT].to_numpy(dtype=float) + 1)[:, None]
    per["p_count"] = _of_means(counts, members, controls, rate=rate, seed=seed)
    per = _judged(per, rate=rate, layouts=layouts)
    return Result.of(
        _scores(per, rate=rate, components=whitened.means.shape[1]),
        per_group=per.assign(profiles=OWN),
        tables={
            "responders": _responders(opened, test, members, per),
            "left_out": pd.DataFrame({"profiles": OWN, "reason": left_out}),
        },
    )


def _opened(cells: OfCells) -> Cells:
    if isinstance(cells, Cells):
        return cells
    if isinstance(cells, Path | str):
        return Cells(cells)
    raise TypeError(
        f"{TASK} takes cells, not {type(cells).__name__}: a folder that impasto cells wrote, or im.read_cells(folder); settings go by name"
    )


def _used(cells: Cells) -> tuple[npt.NDArray[np.bool_], list[str]]:
    """Which wells have enough cells, and what is left out, in sentences."""
    few = cells.wells[schema.CELL_COUNT].to_numpy() < FEWEST_CELLS
    out = checked.wells_out(cells)
    sentences = []
    if few.any():
        sentences.append(f"{int(few.sum())} wells with fewer than {FEWEST_CELLS} kept cells")
    if (out & ~few).any():
        sentences.append(f"{int((out & ~few).sum())} wells that the check has left out")
    for sentence in sentences:
        progress.say(f"left out: {sentence}")
    return ~(few | out), sentences


def _controls(cells: Cells, plate_of: Rows, used: npt.NDArray[np.bool_]) -> dict[int, Rows]:
    """Plate -> its control wells that may judge."""
    judges = wells.unseen_negative(cells.wells) & used
    return {int(plate): np.flatnonzero(judges & (plate_of == plate)) for plate in np.unique(plate_of)}


def _on_plates_with_controls(
    cells: Cells, plate_of: Rows, controls: dict[int, Rows], used: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.bool_], list[str]]:
    """The wells on plates with enough controls, and which plates are left out, in sentences."""
    few = [plate for plate, own in controls.items() if len(own) < FEWEST_CONTROLS]
    names = wells.plates(cells.wells)[1]
    sentences = [
        f"plate {names[p].strip('/')}: {len(controls[p])} of {FEWEST_CONTROLS} control wells with {FEWEST_CELLS} kept cells" for p in few
    ]
    for sentence in sentences:
        progress.say(f"left out: {sentence}")
    return used & ~np.isin(plate_of, few), sentences


def _refuse_few_controls(cells: Cells, controls: dict[int, Rows], plates: set[int]) -> None:
    names = wells.plates(cells.wells)[1]
    for plate in sorted(plates):
        if len(controls[plate]) < FEWEST_CONTROLS:
            raise InputError(
                f"plate {names[plate]} has {len(controls[plate])} control wells with {FEWEST_CELLS} kept cells, and {TASK} needs "
                f"{FEWEST_CONTROLS} a plate: the null is made of them"
            )


def _of_means(points: Numbers, members: dict[str, list[Place]], controls: dict[int, Rows], *, rate: float, seed: int) -> list[float]:
    """The p-value of each perturbation's mean difference from its plates' controls.

    Points are scaled to the spread of all wells within their plates, treated and controls alike: a scale of the few controls alone would
    make treated wells look farther than they are.
    """
    treated = [place for own in members.values() for place in own]
    rows_of = {plate: [*own, *(row for p, row in treated if p == plate)] for plate, own in controls.items()}
    centred = np.concatenate([points[rows] - points[rows].mean(axis=0) for rows in rows_of.values() if rows])
    scaled = points / (centred.std(axis=0) + 1e-9)
    most = int(np.ceil(ENOUGH_EXCEEDANCES * len(members) / rate))
    p_values = []
    for own in members.values():
        sides = [(scaled[[row for p, row in own if p == plate]], scaled[controls[plate]]) for plate in sorted({plate for plate, _ in own})]
        p_values.append(length_of_shift(sides, most_draws=most, seed=seed).p)
    return p_values


def _table(members: dict[str, list[Place]], tails: dict[str, Tail], p_means: list[float], cells: Cells) -> pd.DataFrame:
    counts = cells.wells[schema.CELL_COUNT].to_numpy()
    rows = [
        {
            schema.PERTURBATION: name,
            "wells": len(own),
            "plates": len({plate for plate, _ in own}),
            "cells": int(sum(counts[row] for _, row in own)),
            "responding_share": tails[name].share,
            "statistic": tails[name].statistic,
            "layouts": tails[name].layouts,
            "p_tail": tails[name].p,
            "p_mean": p_mean,
        }
        for (name, own), p_mean in zip(members.items(), p_means, strict=True)
    ]
    return pd.DataFrame(rows)


def _judged(per: pd.DataFrame, *, rate: float, layouts: int) -> pd.DataFrame:
    """The table with q-values over both tests, and the verdict of each perturbation.

    Where all layouts of a perturbation were scored and there are so few that a lone one could not be called, it has no q.
    """
    floor = 1 / (per["layouts"].to_numpy(dtype=float) + 1)
    too_few = (per["layouts"].to_numpy() <= layouts) & (floor > rate / len(per))
    p_tail = per["p_tail"].to_numpy(dtype=float)
    if too_few.any():
        progress.say(
            f"{int(too_few.sum())} of {len(per)} perturbations have too few layouts of control wells (smallest p "
            f"{floor[too_few].max():.2g}) to be called by the tail test; they have a p and no q: more control wells, or more wells of each,"
            " would give one"
        )
    both = np.concatenate([np.where(too_few, np.nan, p_tail), per["p_mean"].to_numpy(dtype=float)])
    q_tail, q_mean = np.split(discovery.corrected(both), 2)
    per = per.assign(q_tail=q_tail, q_mean=q_mean, q_count=discovery.corrected(per["p_count"].to_numpy(dtype=float)))
    part, whole = q_tail <= rate, q_mean <= rate
    per["verdict"] = np.select([part & whole, part, whole], ["both", "part", "whole"], "none")
    return per.sort_values(["p_tail", "p_mean"], kind="stable", ignore_index=True)


def _scores(per: pd.DataFrame, *, rate: float, components: int) -> list[Score]:
    protocol = f"tail test and test of means, {components} components, false discovery {rate:g} over both"
    scores = [
        _share(per["q_tail"] <= rate, protocol, OWN, "share called by the tail test"),
        _share(per["q_mean"] <= rate, protocol, OWN, "share called by means"),
        *(_share(per["verdict"] == verdict, protocol, OWN, f"share with verdict {verdict}") for verdict in ("part", "whole", "both")),
    ]
    return [*scores, _share(per["q_count"] <= rate, protocol, COUNT, "share called by means")]


def _share(flags: pd.Series, protocol: str, group: str, metric: str) -> Score:
    around = interval.wilson(int(flags.sum()), len(flags), unit="perturbation")
    return tidy.score(TASK, protocol, group, metric, float(flags.mean()), around, chance=0.0, n=len(flags))


def _responders(cells: Cells, test: TailTest, members: dict[str, list[Place]], per: pd.DataFrame) -> pd.DataFrame:
    """One row a cell of the wells of each perturbation of which a part responds: its place, its score, and whether it responds."""
    called: Sequence[str] = per.loc[per["verdict"].isin(["part", "both"]), schema.PERTURBATION].tolist()
    tables = []
    for name in called:
        for (_, row), score, cut in test.responders(members[name]):
            table = _places(cells, row)
            tables.append(table.assign(**{schema.PERTURBATION: name, "score": score, "responds": score > cut}))
    words = [*columns.WORDS, schema.OBJECT, schema.PERTURBATION, "score", "responds"]
    return pd.concat(tables, ignore_index=True)[words] if tables else pd.DataFrame(columns=words)


def _places(cells: Cells, row: int) -> pd.DataFrame:
    """The place of each kept cell of a well."""
    well = cells.wells.iloc[row]
    plate = cells.plate("/".join(filter(None, (str(well[word]) for word in columns.WORDS[:3]))))
    span = next(span for span in plate.spans if span.well == well[schema.WELL])
    table = cells.annotation(plate, [*columns.PLACE, columns.OBJECT], group=span.group)
    first = next(other.start for other in plate.spans if other.group == span.group)
    own = table.iloc[span.start - first : span.stop - first][plate.kept[span.start : span.stop]]
    return own.rename(columns=columns.in_our_words).reset_index(drop=True)
