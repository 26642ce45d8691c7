"""Position: take out what rows and columns of a plate share, feature by feature, by median polish.

    x_rc = grand + row_r + column_c + rest_rc;   rows and columns by turns lose their median until nothing moves (Tukey 1977)

Effects of rows and columns are estimated from the negative controls and treated wells alike by default, since few plates have
controls in each row. Where replicates share their place on all plates (a fixed layout), a row's median is part biology: then use
`on = "controls"`, or a scrambled layout. An effect seen in fewer than `least` wells is not estimated and stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from impasto import wells
from impasto.correction.base import Array
from impasto.correction.per_group import Group, On, PerGroup
from impasto.settings import Settings


class PositionSettings(Settings):
    """Reference rows, how many wells an effect needs, and how many turns the polish may take."""

    method: Literal["position"] = "position"
    on: On = Field("all", description="Wells that effects are estimated from: all, or the negative controls.")
    least: int = Field(4, ge=1, description="Wells that a row or column needs for its effect to be estimated.")
    turns: int = Field(10, ge=1, description="Turns of the median polish, at most.")


@dataclass(frozen=True)
class Effects:
    """What a plate learned.

    Attributes
    ----------
    row_effects
        (rows, features).
    column_effects
        (columns, features).

    """

    row_effects: Array
    column_effects: Array


@dataclass(frozen=True, kw_only=True)
class Position(PerGroup[PositionSettings, Effects]):
    """Row and column effects of each plate."""

    name: ClassVar[str] = "position"
    feature_by_feature: ClassVar[bool] = True
    settings_class: ClassVar[type[Settings]] = PositionSettings
    settings: PositionSettings
    learned: dict[str, Effects]

    def learn_group(self, group: Group, /) -> Effects:
        places = wells.place(group.obs.iloc[group.reference_rows])
        return median_polish(group.reference.astype(np.float64), *places, least=self.settings.least, turns=self.settings.turns)

    def apply_group(self, group: Group, learned: Effects, /) -> Array:
        row, column = wells.place(group.obs.iloc[group.rows])
        return group.values - (_of_lines(learned.row_effects, row) + _of_lines(learned.column_effects, column))


def _of_lines(effects: Array, lines: wells.Codes) -> Array:
    """The effects (n, features) of these rows or columns; zero for one beyond all wells of the fit."""
    known = lines < len(effects)
    chosen = np.zeros((len(lines), effects.shape[1]))
    chosen[known] = effects[lines[known]]
    return chosen


def median_polish(values: Array, row: wells.Codes, column: wells.Codes, /, *, least: int, turns: int) -> Effects:
    """The effects of rows and columns of a plate, by median polish.

    Parameters
    ----------
    values
        (n, features) wells.
    row, column
        (n,) where they stand, from 0.
    least
        How many wells a row or column needs; the effect of one with fewer is 0.
    turns
        The most turns.

    Returns
    -------
    Effects
        (rows, features) and (columns, features).

    """
    rest = values - np.median(values, axis=0)
    lines_of = (row, column)
    effects = [np.zeros((int(lines.max()) + 1, values.shape[1])) for lines in lines_of]
    for _ in range(turns):
        moved = 0.0
        for lines, effect in zip(lines_of, effects, strict=True):
            for line in np.unique(lines):
                here = lines == line
                if here.sum() < least:
                    continue
                middle = np.median(rest[here], axis=0)
                rest[here] -= middle
                effect[line] += middle
                moved = max(moved, float(np.abs(middle).max()))
        if moved < 1e-6:
            break
    return Effects(*effects)
