"""Would a control position find neighbours? The check of neighbours where compounds keep one position on all plates.

On such a layout a likeness can be of the position. Spared control positions are asked like compounds, their own wells left out of the null,
and those that have a neighbour at q < .05 are counted.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells
from impasto.atlas import null
from impasto.atlas.consensus import COMPOUND, LEVEL, TREATMENT
from impasto.atlas.index import Index
from impasto.ranking.blocks import unit
from impasto.statistics import discovery

Rows = npt.NDArray[np.intp]
MOST = 32
"""So many positions are asked at most."""
FIXED = 0.5
"""Above this share of compounds that keep their position, position can explain a likeness."""


def sentence(index: Index, /) -> str | None:
    """What neighbours of control positions say of the neighbours of compounds.

    Parameters
    ----------
    index
        An open index.

    Returns
    -------
    str | None
        One sentence; None where compounds change their position, stand once, or no control position is on two plates.

    """
    if not {schema.PLATE, schema.WELL, schema.PERTURBATION} <= set(index.rows) or not _keep_position(index.rows):
        return None
    asked = positions(index)
    if not asked:
        return None
    with_neighbour = sum(has_neighbour(index, own) for own in asked)
    kind = "spared control positions" if wells.spared(index.rows.iloc[index.judges]).any() else "control positions"
    return (
        f"Compounds keep one position on all plates, so a likeness may be of the position: of {len(asked)} {kind} asked like compounds, "
        f"{with_neighbour} {'has' if with_neighbour == 1 else 'have'} a neighbour at q < {null.CALLED:g}."
    )


def positions(index: Index, /) -> list[Rows]:
    """The wells of control positions that are judges on two plates or more.

    Parameters
    ----------
    index
        An open index.

    Returns
    -------
    list[Rows]
        Rows of the index of each, at most 32, evenly over the plate.

    """
    judges = index.judges
    place = index.rows[schema.WELL].iloc[judges].astype("string")
    groups = [judges[at] for _, at in sorted(place.groupby(place.to_numpy(dtype=object)).indices.items())]
    several = [own for own in groups if len(np.unique(index.plate_of_row[own])) > 1]
    if not several:
        return []
    chosen = np.unique(np.linspace(0, len(several) - 1, min(len(several), MOST)).round().astype(int))
    return [several[number] for number in chosen]


def has_neighbour(index: Index, own: Rows, /) -> bool:
    """Whether some wells, asked as a compound, have a neighbour among the compounds.

    Parameters
    ----------
    index
        An open index.
    own
        Rows of these wells.

    Returns
    -------
    bool
        True where any compound has q below .05.

    """
    made = null.of_wells(index, own)
    compounds = np.flatnonzero(_whole(index.rows))
    if not made.there or not len(compounds):
        return False
    query = unit(index.vectors[own].mean(axis=0)[None])[0]
    scores = (index.vectors[compounds] @ query).astype(np.float64)
    p = null.p_values(scores, (made.vectors @ query).astype(np.float64))
    return bool((discovery.corrected(p) < null.CALLED).any())


def _whole(rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Compounds over all their doses, controls left out."""
    whole = rows[LEVEL].isin([COMPOUND, TREATMENT]).to_numpy(dtype=bool) & ~wells.negative(rows)
    dose = rows[schema.CONCENTRATION].notna().to_numpy(dtype=bool) if schema.CONCENTRATION in rows else np.zeros(len(rows), dtype=bool)
    return whole & ~dose


def _keep_position(rows: pd.DataFrame) -> bool:
    """Whether most treatments of several wells stand in one position everywhere."""
    of_wells = rows[(rows[LEVEL] == "well").to_numpy(dtype=bool)]
    treated = of_wells[wells.treated(of_wells)]
    names = wells.replicates(treated).astype(object)
    groups = treated[schema.WELL].astype(object).groupby(names.to_numpy())
    several = groups.size() > 1
    return bool(several.any() and (groups.nunique()[several] == 1).mean() > FIXED)
