"""How much of a well's fields its cells cover, kept or not: where the image table says the size of its images, and cells have an area.

Few cells that cover much are no thin well, and many that cover little no full one. So it stands beside the counts, and judges nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.cells import store
from impasto.cells.crops import short_name
from impasto.cells.folder import Cells, Plate

CONFLUENCE = "confluence"
Shares = npt.NDArray[np.float64]


class Confluence(TypedDict, total=False):
    """What a receipt says of a plate: of its controls, and the least and the most of all wells."""

    controls: float
    least: float
    most: float


def of_wells(cells: Cells, plate: Plate, wells: Sequence[str], /) -> Shares:
    """The share of the fields that cells cover.

    Parameters
    ----------
    cells, plate
        The folder, and one of its plates.
    wells
        Their names.

    Returns
    -------
    Shares
        (wells,) NaN where no size of an image or no area of cells is known.

    """
    area = f"{cells.unit}_AreaShape_Area"
    fields = _pixels_of_fields(cells.sites, plate.name)
    if area not in cells.features or not fields:
        return np.full(len(wells), np.nan)
    covered = dict.fromkeys(wells, 0.0)
    for spans, values in cells.groups(plate, features=[area]):
        for span in spans:
            own = values[0, span.start - spans[0].start : span.stop - spans[0].start]
            covered[span.well] = float(np.nansum(own, dtype=np.float64))
    return np.array([covered.get(well, 0.0) / fields.get(well, np.nan) for well in wells])


def _pixels_of_fields(sites: pd.DataFrame, plate: str) -> dict[str, float]:
    """Well -> the pixels of all its fields whose size is known."""
    sides = [store.side_of_images(sites, side) for side in ("Width", "Height")]
    own = np.array([short_name(place) == plate for place in sites.to_dict("records")], dtype=bool)
    pixels = pd.Series(sides[0] * sides[1], index=sites.index)[own]
    totals = pixels.groupby(sites.loc[own, schema.WELL].astype(str)).sum(min_count=1)
    return {str(well): float(total) for well, total in totals.items() if total > 0}


def of_plate(shares: pd.Series, of_controls: npt.NDArray[np.bool_] | pd.Series, /) -> Confluence:
    """What a receipt says.

    Parameters
    ----------
    shares
        Of the wells of a plate.
    of_controls
        (wells,) which are controls.

    Returns
    -------
    Confluence
        Empty where nothing is known.

    """
    if shares.isna().all():
        return {}
    controls = shares[np.asarray(of_controls, dtype=bool)].dropna()
    usual: Confluence = {"controls": float(controls.median())} if len(controls) else {}
    return {**usual, "least": float(shares.min()), "most": float(shares.max())}


def sentence(shares: Confluence, /) -> str:
    """The same in words.

    Parameters
    ----------
    shares
        Not empty.

    Returns
    -------
    str
        Without the plate.

    """
    of_controls = f"{shares['controls']:.0%} in control wells, " if "controls" in shares else ""
    return f"cells cover {of_controls}{shares['least']:.0%} to {shares['most']:.0%} of the fields of a well"
