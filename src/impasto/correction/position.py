"""Position: take out what rows and columns of a plate share, feature by feature, by median polish.

    x_rc = grand + row_r + column_c + rest_rc;   rows and columns by turns lose their median until nothing moves (Tukey 1977)

Effects of rows and columns are estimated from the negative controls and treated wells alike by default, since few plates have
controls in every row. Where replicates share their place on all plates (a fixed layout), a row's median is part biology: then use
`on = "controls"`, or a scrambled layout. An effect seen in fewer than `least` wells is not estimated and stays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import anndata
import numpy as np
import numpy.typing as npt

from impasto import profiles as tables
from impasto import schema
from impasto.correction.fitted import Array, Corrector, each, finite_values, of_group, reference, unmet, with_values
from impasto.settings import Settings


class PositionSettings(Settings):
    """Reference rows, how many wells an effect needs, and how many turns the polish may take."""

    on: Literal["controls", "all"] = "all"
    least: int = 4
    turns: int = 10


@dataclass(frozen=True)
class Position(Corrector):
    """Row and column effects of each plate: (rows, features) and (columns, features)."""

    name: ClassVar[str] = "position"
    settings_class: ClassVar[type[Settings]] = PositionSettings
    settings: PositionSettings
    row_effects: dict[str, Array]
    column_effects: dict[str, Array]

    @classmethod
    def fit(cls, profiles: anndata.AnnData, settings: Settings, /) -> Position:
        assert isinstance(settings, PositionSettings)
        return cls(settings, {}, {}).extended(profiles)

    def extended(self, profiles: anndata.AnnData, /) -> Self:
        tables.require(profiles, schema.PLATE, schema.WELL, task=self.name)
        values, places = finite_values(profiles, task=self.name), _places(profiles)
        rows_of, columns_of = dict(self.row_effects), dict(self.column_effects)
        chosen, size = self.settings, places.max(axis=0) + 1
        for plate, rows in unmet(rows_of, profiles, schema.PLATE, task=self.name):
            mine = reference(profiles, rows, on=chosen.on, group=plate, task=self.name)
            rows_of[plate], columns_of[plate] = median_polish(values[mine], places[mine], size=size, least=chosen.least, turns=chosen.turns)
        return replace(self, row_effects=rows_of, column_effects=columns_of)

    def met(self) -> tuple[str, ...]:
        return tuple(self.row_effects)

    def transform(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        values, places = finite_values(profiles, task=self.name), _places(profiles)
        out = values.copy()
        for plate, rows in each(profiles, schema.PLATE, task=self.name):
            row_effects = of_group(self.row_effects, plate, task=self.name, by=schema.PLATE)
            out[rows] -= _of_lines(row_effects, places[rows, 0]) + _of_lines(self.column_effects[plate], places[rows, 1])
        return with_values(profiles, out)


def _places(profiles: anndata.AnnData) -> npt.NDArray[np.intp]:
    return np.array([schema.parse_well(w) for w in profiles.obs[schema.WELL].astype(str)])


def _of_lines(effects: Array, lines: npt.NDArray[np.intp]) -> Array:
    """The effects (n, features) of these rows or columns; zero for one beyond all wells that the plate showed when it was met."""
    met = lines < len(effects)
    found = np.zeros((len(lines), effects.shape[1]))
    found[met] = effects[lines[met]]
    return found


def median_polish(
    values: Array, places: npt.NDArray[np.intp], /, *, size: npt.NDArray[np.intp], least: int, turns: int
) -> tuple[Array, Array]:
    """Row effects (rows, features) and column effects (columns, features) of wells (n, features) at places (n, 2)."""
    rest = values - np.median(values, axis=0)
    effects = [np.zeros((count, values.shape[1])) for count in size]
    for _ in range(turns):
        moved = 0.0
        for axis, effect in enumerate(effects):
            for line in np.unique(places[:, axis]):
                here = places[:, axis] == line
                if here.sum() < least:
                    continue
                middle = np.median(rest[here], axis=0)
                rest[here] -= middle
                effect[line] += middle
                moved = max(moved, float(np.abs(middle).max()))
        if moved < 1e-6:
            break
    return effects[0], effects[1]
