"""An open index: unit vectors, the annotation of their rows, and where they came from (`folder` lists its files, `building` writes them).

Search is exact, in blocks over the memory-mapped vectors, unless another engine was chosen when the index was built (see
`atlas.ENGINES`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import border, schema, wells
from impasto.atlas import ENGINES, arrow_files, folder, well_columns
from impasto.atlas.consensus import LEVEL, MODALITY, PROFILE
from impasto.atlas.engines import Engine
from impasto.atlas.stacked import Stacked
from impasto.devices import DEFAULT, DeviceSettings
from impasto.identity import Identity
from impasto.ranking.blocks import unit
from impasto.schema import InputError

_BLOCK = 65_536
"""So many vectors are looked at together when an index is opened."""


@dataclass(frozen=True)
class Index:
    """An open index.

    Attributes
    ----------
    folder
        Where it lies.
    vectors
        (rows, width), of unit length: wells first, then perturbations.
    rows
        Annotation, one row a vector.
    run
        The trained run that can embed new queries, or None.
    engine
        The name of the engine that searches it.
    made
        What made the profiles that were indexed.
    on
        Where the nets run that embed a query.

    """

    folder: Path
    vectors: Stacked
    rows: pd.DataFrame
    run: Path | None
    engine: str | type[Engine]
    made: Identity = field(default_factory=Identity)
    on: DeviceSettings = DEFAULT

    @cached_property
    def searched(self) -> Engine:
        """The engine, opened once for all queries."""
        return ENGINES.resolve(self.engine)(self.folder, self.vectors)

    @cached_property
    def plate_of_row(self) -> npt.NDArray[np.intp]:
        """(rows,) a number for the plate of every row."""
        return wells.plates(self.rows)[0]

    @cached_property
    def judges(self) -> npt.NDArray[np.intp]:
        """The rows of wells that may judge a profile (`wells.unseen_negative`), ascending."""
        of_wells = ((self.rows[LEVEL] == "well") & (self.rows[MODALITY] == PROFILE)).to_numpy(dtype=bool)
        return np.flatnonzero(of_wells)[wells.unseen_negative(self.rows[of_wells])]

    def nearest(self, query: npt.NDArray[np.float32], /, *, top: int, among: npt.NDArray[np.bool_]) -> pd.DataFrame:
        """The rows nearest to a query by cosine.

        Parameters
        ----------
        query
            (width,) any length but zero.
        top
            How many rows.
        among
            (rows,) True for the candidates.

        Returns
        -------
        pd.DataFrame
            The `top` rows, best first, with `score` (the cosine) and `row` (the row of the index).

        Raises
        ------
        InputError
            No row is among the candidates.

        """
        if not among.any():
            raise InputError(f"{self.folder} holds no row of the kind asked for; build the index from profiles that have some")
        asked = unit(query[None])[0]
        positions, scores = self.searched.nearest(asked, top=top, among=among)
        ranked = self.rows.iloc[positions].reset_index(names="row")
        ranked.insert(0, "score", scores)
        return ranked


def open_index(where: Path, /, *, engine: type[Engine] | None = None) -> Index:
    """Open an index of version 1 or 2.

    Parameters
    ----------
    where
        The folder of an index.
    engine
        The class that it was built with, where that is of your own and has no name in `ENGINES`.

    Returns
    -------
    Index
        Its vectors stay in the file.

    Raises
    ------
    InputError
        The folder is no index, is a damaged one, or needs an engine that is not known.

    """
    facts = folder.described(where)
    try:
        vectors, rows = _first_version(where) if facts["version"] == 1 else _rows(where, facts["spaces"][0])
    except InputError:
        raise
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{where} is damaged ({error}){folder.AGAIN}") from None
    if not len(rows) or len(rows) != len(vectors):
        raise InputError(f"{where} holds {len(rows)} rows and {len(vectors)} vectors{folder.AGAIN}")
    if not all(np.isfinite(vectors[start : start + _BLOCK]).all() for start in range(0, len(vectors), _BLOCK)):
        raise InputError(f"{where} holds vectors that are not finite, and nothing is near to those{folder.AGAIN}")
    run = Path(facts["run"]) if facts["run"] else None
    if engine is None:
        schema.one_of(facts["engine"], ENGINES, what="engine")
    return Index(where, vectors, rows, run, engine or facts["engine"], Identity.read(facts.get("identity")))


def vectors_of(where: Path, space: str, /) -> Stacked:
    """The vectors of one space of an index of version 2.

    Parameters
    ----------
    where
        The folder of an index.
    space
        The name of the space.

    Returns
    -------
    Stacked
        Wells first, then perturbations.

    """
    return Stacked([folder.array(where, folder.vectors(space, level), axes=2, mapped=True) for level in folder.LEVELS])


def _rows(where: Path, space: str) -> tuple[Stacked, pd.DataFrame]:
    """The vectors and the rows of version 2: wells, then perturbations."""
    of_wells, perturbations = (arrow_files.frame(arrow_files.read(where / folder.table(level))) for level in folder.LEVELS)
    rows = pd.concat([of_wells.assign(**{LEVEL: "well"}), perturbations], ignore_index=True).assign(**{MODALITY: PROFILE})
    return vectors_of(where, space), rows.rename(columns={short: word for word, short in well_columns.NAMES.items()})


def _first_version(where: Path) -> tuple[Stacked, pd.DataFrame]:
    rows = border.parquet(where / "rows.parquet", remedy=folder.REMEDY)
    return Stacked([folder.array(where, "vectors.npy", axes=2, mapped=True)]), rows.rename(columns={"n_rows": "n_wells"})


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain objects.

    Parameters
    ----------
    table
        A table.

    Returns
    -------
    list[dict[str, Any]]
        One a row; what is missing is None.

    """
    plain = table.astype(object).where(table.notna(), None)
    return [dict(zip(map(str, table.columns), row, strict=True)) for row in plain.itertuples(index=False, name=None)]
