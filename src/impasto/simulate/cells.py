"""What the cells of each well are: what was done to them, and all that is not biology, on ten properties and their number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.simulate.lines import Lines
from impasto.simulate.plan import PROPERTIES, Plan, Truth


@dataclass(frozen=True)
class Cells:
    """What the cells of each well are, nuisance included.

    Attributes
    ----------
    properties
        (wells, 10), the properties of `plan.PROPERTIES`, in sd.
    log_count
        (wells,), the log of their number over the plan's.

    """

    properties: npt.NDArray[np.float64]
    log_count: npt.NDArray[np.float64]


def of_wells(plan: Plan, known: Truth, where: pd.DataFrame, lines: Lines, *, seed: int) -> Cells:
    """Biology plus nuisance: cell line, source, batch, plate, row, column and edge, cell count, and well-to-well noise.

    Parameters
    ----------
    plan
        Sizes and strengths.
    known
        The truth.
    where
        One row a well, from `layout.wells`.
    lines
        The cell lines.
    seed
        Of all that is drawn.

    Returns
    -------
    Cells
        The cells of each well.

    """
    line = np.array([lines.names.index(name) for name in where[schema.CELL_LINE]])
    properties = lines.rest[line].copy()
    log_count = np.zeros(len(where))
    for i, (number, dose) in enumerate(zip(where["number"], where[schema.CONCENTRATION], strict=True)):
        if number >= 0:
            properties[i] += plan.strength * lines.answer[line[i]] * known.effect(int(number), float(dose))
            row = known.perturbations.iloc[int(number)]
            log_count[i] = 0.2 * plan.count_effect * row["potency"] * known.count_shift[row["mechanism"]]
    for salt, (word, size) in enumerate(
        ((schema.SOURCE, plan.source_effect), (schema.BATCH, plan.batch_effect), (schema.PLATE, plan.plate_effect))
    ):
        codes = pd.factorize(where[word], sort=True)[0]
        shift = np.random.default_rng([seed, 10 + salt]).normal(size=(codes.max() + 1, len(PROPERTIES)))
        properties += size * shift[codes]
    rng = np.random.default_rng([seed, 20])
    places = np.array([schema.parse_well(w) for w in where[schema.WELL]])
    for axis in (0, 1):
        slope = rng.normal(size=len(PROPERTIES))
        properties += plan.position_effect * ((places[:, axis] / max(1, places[:, axis].max())) - 0.5)[:, None] * slope
    edge = (places == 0).any(axis=1) | (places == places.max(axis=0)).any(axis=1)
    properties += 0.5 * plan.position_effect * edge[:, None] * rng.normal(size=len(PROPERTIES))
    properties += 0.5 * plan.noise * rng.normal(size=properties.shape)
    log_count += 0.1 * rng.normal(size=len(where))
    # Crowded cells are smaller: the path by which cell count leaks into shape.
    properties[:, PROPERTIES.index("cell size")] -= 2.0 * plan.count_effect * log_count
    return Cells(properties, log_count)
