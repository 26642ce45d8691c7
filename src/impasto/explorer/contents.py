"""What an index holds, opened once for the explorer: tables, vectors, members, images, windows and hits. A version 1 is read too."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from impasto import border, schema, wells
from impasto.atlas import arrow_files, folder, pairs, well_columns
from impasto.atlas.consensus import LEVEL, MODALITY, PROFILE, TREATED_AS
from impasto.atlas.index import Index, vectors_of
from impasto.atlas.stacked import Stacked
from impasto.schema import InputError

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Features:
    """The named features of an index.

    Attributes
    ----------
    named
        One row a feature: name, compartment, group and channel as far as they are known.
    means
        (perturbations, features) mean corrected values.

    """

    named: pd.DataFrame
    means: npt.NDArray[np.float16]


@dataclass(frozen=True)
class Contents:
    """The parts of an open index.

    Attributes
    ----------
    index
        The open index: all rows in one list.
    facts
        What `index.json` says.
    wells, perturbations
        The tables that a page reads.
    of_wells, of_perturbations
        The rows of the index that they are.
    spaces
        Space -> the vectors of all rows, the space that search uses first.
    pairs
        (spaces, 2001) quantiles of the cosines of all pairs of compounds; NaN where the index keeps none.
    tables
        Name -> table of `hits`, `responses`, `curves`, `points`, `images` and `windows`, those that are there.
    features
        The named features of the perturbations; None without.

    """

    index: Index
    facts: dict[str, Any]
    wells: pa.Table
    perturbations: pa.Table
    of_wells: Rows
    of_perturbations: Rows
    spaces: dict[str, Stacked]
    pairs: npt.NDArray[np.float64]
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    features: Features | None = None

    @property
    def folder(self) -> Path:
        """Where the index lies."""
        return self.index.folder

    @property
    def digest(self) -> str:
        """What another build of the index has another of."""
        return str(self.facts["digest"])

    def table(self, level: str, /) -> pa.Table:
        """The table of one level.

        Parameters
        ----------
        level
            `wells` or `perturbations`.

        Returns
        -------
        pyarrow.Table
            Its rows.

        """
        return self.wells if level == folder.WELLS else self.perturbations

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The perturbations, for pandas, in the words of `schema`."""
        return self.index.rows.iloc[self.of_perturbations].reset_index(drop=True)

    @cached_property
    def well_rows(self) -> pd.DataFrame:
        """The wells, for pandas, in the words of `schema`."""
        return self.index.rows.iloc[self.of_wells].reset_index(drop=True)

    @cached_property
    def is_dose(self) -> npt.NDArray[np.bool_]:
        """(perturbations,) whether a row is a compound at one of its doses."""
        if TREATED_AS not in self.rows or schema.PERTURBATION not in self.rows:
            return np.zeros(len(self.rows), dtype=bool)
        return (self.rows[TREATED_AS] != self.rows[schema.PERTURBATION]).to_numpy(dtype=bool)

    @cached_property
    def compound(self) -> Rows:
        """(perturbations,) a number for the compound of every row."""
        if schema.PERTURBATION not in self.rows:
            return np.arange(len(self.rows))
        return pd.factorize(self.rows[schema.PERTURBATION].astype("string").fillna(""))[0].astype(np.intp)

    @cached_property
    def negative(self) -> npt.NDArray[np.bool_]:
        """(perturbations,) whether a row is a negative control."""
        return wells.negative(self.rows) if len(self.rows.columns) else np.zeros(len(self.rows), dtype=bool)

    @cached_property
    def is_control_well(self) -> npt.NDArray[np.bool_]:
        """(wells,) whether a well is a negative control."""
        return wells.negative(self.well_rows)

    @cached_property
    def plates(self) -> list[str]:
        """The plates, sorted: the number of a plate is its place here."""
        if schema.PLATE not in self.well_rows:
            return []
        return sorted(map(str, self.well_rows[schema.PLATE].dropna().unique()))

    @cached_property
    def _wells_of_treatment(self) -> dict[str, Rows]:
        return self._grouped(pooled=False)

    @cached_property
    def _wells_of_compound(self) -> dict[str, Rows]:
        return self._grouped(pooled=True)

    def _grouped(self, *, pooled: bool) -> dict[str, Rows]:
        rows = self.well_rows
        if schema.PERTURBATION not in rows:
            return {}
        names = wells.replicates(rows, pool_doses=pooled)
        known = np.flatnonzero(names.notna().to_numpy(dtype=bool) & ~wells.unknown(rows))
        codes, words = pd.factorize(names.iloc[known].to_numpy(dtype=object))
        order = np.argsort(codes, kind="stable")
        parts = np.split(known[order], np.flatnonzero(np.diff(codes[order])) + 1) if len(known) else []
        return {str(word): part for word, part in zip(words, parts, strict=True)}

    def members(self, row: int, /) -> Rows:
        """The wells of a perturbation.

        Parameters
        ----------
        row
            Of the table of perturbations.

        Returns
        -------
        Rows
            Rows of the table of wells, ascending; none for a perturbation that a run pooled without its wells.

        """
        word = str(self.rows[TREATED_AS].iloc[row] if TREATED_AS in self.rows else self.rows[schema.PERTURBATION].iloc[row])
        of = self._wells_of_treatment if self.is_dose[row] else self._wells_of_compound
        return of.get(word, np.empty(0, dtype=np.intp))


def open_contents(index: Index, /) -> Contents:
    """Open the parts of an index.

    Parameters
    ----------
    index
        An open index of version 1 or 2.

    Returns
    -------
    Contents
        Its parts. Vectors stay in their files.

    Raises
    ------
    InputError
        A file of it is damaged.

    """
    facts = folder.described(index.folder)
    try:
        return _opened(index, facts)
    except InputError:
        raise
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(f"{index.folder} is damaged ({error}){folder.AGAIN}") from None


def _opened(index: Index, facts: dict[str, Any]) -> Contents:
    if facts["version"] == 1:
        return _first_version(index, facts)
    tables = {level: arrow_files.read(index.folder / folder.table(level)) for level in folder.LEVELS}
    count = tables[folder.WELLS].num_rows
    kept = [*folder.TABLES_OF_HITS, "images", "windows"]
    paths = {name: index.folder / f"{name}.parquet" for name in kept}
    return Contents(
        index,
        facts,
        tables[folder.WELLS],
        tables[folder.PERTURBATIONS],
        np.arange(count),
        np.arange(count, len(index.rows)),
        {space: vectors_of(index.folder, space) for space in facts["spaces"]},
        folder.array(index.folder, folder.PAIRS, axes=2),
        {name: border.parquet(path, remedy=folder.REMEDY) for name, path in paths.items() if path.exists()},
        _features(index.folder, len(index.rows) - count),
    )


def _features(where: Path, perturbations: int) -> Features | None:
    if not (where / folder.NAMED_FEATURES).exists():
        return None
    named = arrow_files.frame(arrow_files.read(where / folder.NAMED_FEATURES))
    means = folder.array(where, folder.FEATURES, axes=2, mapped=True)
    if means.shape != (perturbations, len(named)):
        raise ValueError(f"features.npy has the shape {means.shape}, and {perturbations} perturbations have {len(named)} features")
    return Features(named, means)


def _first_version(index: Index, facts: dict[str, Any]) -> Contents:
    """Version 1 in the form of version 2: without images, hits, features and a null of pairs."""
    rows = index.rows
    profile = (rows[MODALITY] == PROFILE).to_numpy(dtype=bool)
    of_well = profile & (rows[LEVEL] == "well").to_numpy(dtype=bool)
    at = np.flatnonzero(of_well), np.flatnonzero(profile & ~of_well)
    square = rows[["x", "y"]].to_numpy(dtype=float)
    rows = rows.assign(x=square[:, 0] / _half(square[:, 0]), y=square[:, 1] / _half(square[:, 1]))
    for_wells = arrow_files.encoded(well_columns.of_wells(rows.iloc[at[0]].drop(columns=["n_wells"], errors="ignore")))
    for_others = arrow_files.encoded(
        rows.iloc[at[1]].drop(columns=[schema.PLATE, schema.WELL], errors="ignore").rename(columns=well_columns.NAMES)
    )
    none = np.full((1, pairs.POINTS), np.nan)
    digest = hashlib.sha256((index.folder / folder.DESCRIBED).read_bytes()).hexdigest()[:16]
    colours = well_columns.commonest(for_wells, most=folder.COLOURS, without=(schema.WELL,))
    said = {"title": index.folder.name, "spaces": [folder.PROFILES], "channels": [], "colours": colours, "digest": digest, **facts}
    return Contents(index, said, for_wells, for_others, at[0], at[1], {folder.PROFILES: index.vectors}, none)


def _half(values: npt.NDArray[np.float64]) -> float:
    return float(np.abs(values).max()) or 1.0 if len(values) else 1.0
