"""Some cells of each well as profiles, a row a cell: what a bag is drawn from. As many of each well, so that no bag tells a cell count.

Values are on the scale of the plate's control cells. Of a well with fewer cells than are drawn some are drawn twice. A well with fewer than
`FEWEST` is left out, and said.
"""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import identity, progress, schema
from impasto.cells import columns
from impasto.cells.folder import Cells, Plate
from impasto.cells.store import Floats
from impasto.cells.whiten import standardised
from impasto.profiles.table import describe_features
from impasto.schema import InputError

PER_WELL = 64
FEWEST = 20


def sample(cells: Cells, /, *, per_well: int = PER_WELL, seed: int = 0) -> anndata.AnnData:
    """Draw cells of each well.

    Parameters
    ----------
    cells
        A folder of cells, with negative controls on each plate.
    per_well
        Cells of each well.
    seed
        Of the draw.

    Returns
    -------
    anndata.AnnData
        One row a cell: its place, its number, and the annotation of its well.

    Raises
    ------
    InputError
        A plate has no control cells, or no well has enough cells.

    """
    features, wells = standardised(cells)
    values, tables = list[Floats](), list[pd.DataFrame]()
    few = repeated = 0
    for plate, well, z in wells:
        if len(z) < FEWEST:
            few += 1
            continue
        rng = np.random.default_rng([seed, len(values)])
        whole = rng.permutation(len(z))[:per_well]
        more = rng.integers(len(z), size=per_well - len(whole))
        repeated += bool(len(more))
        rows = np.sort(np.concatenate([whole, more]))
        values.append(z[rows].astype(np.float32))
        tables.append(_places(cells, plate, well, rows))
    if not values:
        raise InputError(f"{cells.folder}: no well has {FEWEST} cells that are kept, so no bag can be drawn")
    for count, words in (
        (few, f"have fewer than {FEWEST} kept cells; left out"),
        (repeated, f"have fewer than {per_well}; some come twice"),
    ):
        if count:
            progress.say(f"  {count} of {len(values) + few} wells {words}")
    obs = pd.concat(tables, ignore_index=True)
    obs.index = pd.RangeIndex(len(obs)).astype(str)
    data = anndata.AnnData(X=np.concatenate(values), obs=obs, var=describe_features(features))
    said = {"per_well": per_well, "unit": cells.unit, "checked": cells.quality is not None, "scale": "control cells of the plate"}
    identity.record_encoder(data, {"name": "single cells", "settings": said})
    return data


def of_folder(path: Path, /, *, per_well: int | None, seed: int = 0) -> anndata.AnnData:
    """The same, of a path.

    Parameters
    ----------
    path
        A folder that `impasto cells` wrote.
    per_well
        Cells of each well; None: `PER_WELL`.
    seed
        Of the draw.

    Returns
    -------
    anndata.AnnData
        One row a cell.

    """
    return sample(Cells(path), per_well=per_well or PER_WELL, seed=seed)


def _places(cells: Cells, plate: Plate, well: str, rows: npt.NDArray[np.intp]) -> pd.DataFrame:
    """The place of the chosen kept cells of a well, and what was done to it."""
    span = next(span for span in plate.spans if span.well == well)
    first = next(other.start for other in plate.spans if other.group == span.group)
    stored = cells.annotation(plate, [*columns.PLACE, columns.OBJECT], group=span.group).iloc[span.start - first : span.stop - first]
    own = stored[plate.kept[span.start : span.stop]].iloc[rows].rename(columns=columns.in_our_words).reset_index(drop=True)
    at = cells.wells.iloc[cells.rows_of_plate(plate.name)]
    of_well = at[at[schema.WELL] == well].drop(columns=list(columns.WORDS[:4])).iloc[0]
    own = own.astype(dict.fromkeys(columns.WORDS, str))
    own = own.drop(columns=[word for word in columns.WORDS if (own[word] == "").all()])
    return own.assign(**of_well.drop([columns.COUNT_ALL, schema.CELL_COUNT]).to_dict())
