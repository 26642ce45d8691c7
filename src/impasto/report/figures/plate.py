"""A plate as a heat map: one square a well, coloured by a number, controls outlined."""

from __future__ import annotations

import numpy as np
import pandas as pd

from impasto import schema
from impasto.report.figures import svg

_FORMATS = ((8, 12), (16, 24), (32, 48))


def draw(wells: pd.DataFrame, /, *, value: str, title: str, low: float, high: float, width: float = 420.0) -> str:
    """`wells` has well, the value, and where known control_type and perturbation_name."""
    places = [schema.parse_well(w) for w in wells[schema.WELL].astype(str)]
    rows, columns = next(f for f in _FORMATS if all(r < f[0] and c < f[1] for r, c in places))
    cell = (width - 24) / columns
    parts = [svg.text(0, 12, title, kind="strong")]
    every = 1 if columns <= 12 else 4
    for row in range(0, rows, every):
        name = schema.format_well(row, 0)[:-2]
        parts.append(svg.text(14, 20 + cell * (row + 0.5) + 4, name, anchor="end", kind="tiny"))
    for (row, column), well in zip(places, wells.to_dict(orient="records"), strict=True):
        number = float(well[value]) if well[value] is not None else np.nan
        known = np.isfinite(number)
        colour = svg.heat((number - low) / max(high - low, 1e-9)) if known else ""
        control = str(well.get(schema.CONTROL_TYPE))
        kind = "well negcon" if control == schema.NEGCON else "well poscon" if control == schema.POSCON else "well"
        name = well.get(schema.PERTURBATION_NAME) or well.get(schema.PERTURBATION) or ""
        tip = f"{well[schema.WELL]} {name}: {number:.3g}" if known else f"{well[schema.WELL]} {name}: no value"
        parts.append(
            svg.box(
                20 + cell * column, 20 + cell * row, cell - 1, cell - 1, colour=colour, kind=kind + ("" if known else " blank"), tip=tip
            )
        )
    return svg.figure(parts, width=width, height=24 + cell * rows, title=f"{title}: {value} from {low:.3g} to {high:.3g}")
