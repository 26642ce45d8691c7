"""Which cells to look at: of a perturbation, of the controls of the same plates, and at random, so that nobody looks at chosen cells alone.

    nearest      the cells nearest to the centroid of the responders (cells beyond the controls' cut, `tail`), wells in turn
    responders   the cells that lie farthest along the direction of the other wells, wells in turn
    random       any cells, wells in turn

Beside the chosen ones stand cells of control wells of the same plates nearest to the controls' centre, and random ones of both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells
from impasto.cells import columns
from impasto.cells.crops import CENTER, short_name
from impasto.cells.folder import Cells
from impasto.cells.whiten import Whitened, whiten
from impasto.evaluation.tail import TailTest
from impasto.schema import InputError

By = Literal["nearest", "responders", "random"]
ROW, CHOSEN, ANY, CONTROLS, ANY_CONTROLS = "row", "chosen", "random", "controls", "random controls"
Score = Callable[[int], npt.NDArray[np.float64]]


def choose(
    cells: Cells, perturbation: str, /, *, by: By = "nearest", count: int = 12, seed: int = 0, whitened: Whitened | None = None
) -> pd.DataFrame:
    """Choose cells to look at.

    Parameters
    ----------
    cells
        A folder of cells, with negative controls.
    perturbation
        Its name, or its name with the dose (`x@3`).
    by
        Which of its cells.
    count
        How many of each kind.
    seed
        Of the random ones.
    whitened
        The cells as `whiten` gives them, where several perturbations are looked at.

    Returns
    -------
    pandas.DataFrame
        One row a cell: `row` says its kind; then its place, number, centre and perturbation.

    Raises
    ------
    InputError
        There is no such perturbation, or its plates have no control with kept cells.

    """
    members, controls = _wells(cells, perturbation)
    rng = np.random.default_rng(seed)
    counts = cells.wells[schema.CELL_COUNT].to_numpy()
    draw: Score = lambda row: rng.random(counts[row])  # noqa: E731 - one line, used four times
    if by == "random":
        picks = [(CHOSEN, members, draw), (ANY_CONTROLS, controls, draw)]
    else:
        chosen, of_controls = _scores(cells, whitened or whiten(cells), members, controls, by)
        picks = [(CHOSEN, members, chosen), (ANY, members, draw), (CONTROLS, controls, of_controls), (ANY_CONTROLS, controls, draw)]
    return pd.concat([_table(cells, _in_turn(rows, score, count)).assign(**{ROW: kind}) for kind, rows, score in picks], ignore_index=True)


def _wells(cells: Cells, perturbation: str) -> tuple[list[int], list[int]]:
    """The wells of a perturbation, and the controls of their plates, with kept cells."""
    wells.require(cells.wells, [schema.PERTURBATION], task="a montage")
    names = wells.replicates(cells.wells).fillna("")
    plain = cells.wells[schema.PERTURBATION].astype("string").fillna("")
    there = cells.wells[schema.CELL_COUNT].to_numpy() > 0
    own = (
        np.flatnonzero((names == perturbation) & there)
        if (names == perturbation).any()
        else np.flatnonzero((plain == perturbation) & there)
    )
    if not len(own):
        known = sorted({*names, *plain} - {""})
        raise InputError(
            f"{cells.folder}: no well of {perturbation!r} has a kept cell{schema.nearest(perturbation, known)}; "
            f"perturbations: {schema.listed(known[:8])}"
        )
    plate = wells.plates(cells.wells)[0]
    judges = wells.negative(cells.wells) & there & np.isin(plate, plate[own])
    controls = [int(row) for row in np.flatnonzero(judges) if row not in own]
    if not controls:
        raise InputError(f"{cells.folder}: the plates of {perturbation} have no control well with kept cells to look at beside it")
    return [int(row) for row in own], controls


def _scores(cells: Cells, whitened: Whitened, members: Sequence[int], controls: Sequence[int], by: By) -> tuple[Score, Score]:
    """How well each cell of a well fits: of the perturbation, and of the controls. Larger is better."""
    plate = wells.plates(cells.wells)[0]
    by_plate = {int(code): np.array([row for row in controls if plate[row] == code]) for code in np.unique(plate[list(controls)])}
    places = [(int(plate[row]), row) for row in members if int(plate[row]) in by_plate]
    if not places:
        raise InputError(f"{cells.folder}: no plate of this perturbation has a control well with kept cells")
    along = {row: (score, cut) for (_, row), score, cut in TailTest(whitened.cells, by_plate).responders(places)}
    beyond = [whitened.cells[row][score > cut].astype(np.float64) for row, (score, cut) in along.items()]
    responders = (
        np.concatenate(beyond) if any(map(len, beyond)) else np.concatenate([whitened.cells[row] for row in along]).astype(np.float64)
    )
    centroid = responders.mean(axis=0)

    def of_perturbation(row: int) -> npt.NDArray[np.float64]:
        if row not in along:
            return np.full(len(whitened.cells[row]), -np.inf)
        return along[row][0] if by == "responders" else -np.linalg.norm(whitened.cells[row].astype(np.float64) - centroid, axis=1)

    return of_perturbation, lambda row: -np.linalg.norm(whitened.cells[row].astype(np.float64), axis=1)


def _in_turn(rows: Sequence[int], score: Score, count: int) -> list[tuple[int, int]]:
    """(well, its nth kept cell): the best of each well, then the second of each, until there are enough."""
    ranked = {row: np.argsort(-score(row), kind="stable") for row in rows}
    longest = max(len(order) for order in ranked.values())
    return [(row, int(order[turn])) for turn in range(longest) for row, order in ranked.items() if turn < len(order)][:count]


def _table(cells: Cells, picks: Sequence[tuple[int, int]]) -> pd.DataFrame:
    """Place, number and centre of some cells."""
    tables = []
    for row, nth in picks:
        well = cells.wells.iloc[row]
        plate = cells.plate(short_name(well))
        span = next(span for span in plate.spans if span.well == well[schema.WELL])
        first = next(other.start for other in plate.spans if other.group == span.group)
        stored = cells.annotation(plate, [*columns.PLACE, columns.OBJECT, *columns.CENTER], group=span.group)
        own = stored.iloc[span.start - first : span.stop - first][plate.kept[span.start : span.stop]].iloc[[nth]]
        tables.append(own.rename(columns=columns.in_our_words).assign(**{schema.PERTURBATION: well[schema.PERTURBATION]}))
    table = pd.concat(tables, ignore_index=True)
    return table[[*columns.WORDS, schema.OBJECT, *CENTER, schema.PERTURBATION]].astype(dict.fromkeys(columns.WORDS, str))
