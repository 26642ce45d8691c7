"""Tables of single cells as the plates of an assay: looked at as images and tables of profiles are, before a value is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from impasto import remote, schema, wells
from impasto.cells import build
from impasto.cells import sources as readers
from impasto.plates import annotate, summary
from impasto.plates.ingest import Found


def are_cells(sources: Sequence[Path], /) -> bool:
    """Whether all sources are tables of single cells.

    Parameters
    ----------
    sources
        Paths and addresses.

    Returns
    -------
    bool
        False for addresses, and where there is none.

    """
    here = [source for source in sources if remote.url(source) is None and source.exists()]
    return bool(sources) and len(here) == len(sources) and all(readers.fits(source) for source in here)


def survey(sources: Sequence[Path], /, *, platemaps: Sequence[Path], negcon: Sequence[str], columns: Mapping[str, str]) -> Found:
    """What tables of single cells say of their wells.

    Parameters
    ----------
    sources
        Their paths.
    platemaps
        Tables that say what was done to which well.
    negcon
        Names of perturbations that are negative controls.
    columns
        Word -> column, where the user says it.

    Returns
    -------
    Found
        The wells, without planes and without profiles.

    Raises
    ------
    InputError
        A table cannot be read, no column says the plate or the well, or a platemap does not fit.

    """
    opened = readers.open_all(sources)
    images, notes = build.survey(opened, columns=columns)
    maps = annotate.read_maps(platemaps, columns=dict(columns), sheet=None, encoding=None)
    said = build.annotated(images, maps=maps, negcon=negcon, where=", ".join(map(str, sources)))
    asked = schema.PERTURBATION in said.obs or schema.CONTROL_TYPE in said.obs
    whole = summary.Summary(
        sources=[{"path": str(run.where), "reader": "table of cells"} for run in opened],
        plates=summary.plates_of(pd.DataFrame(), said.obs),
        words={str(path): dict(table.attrs.get("columns", {})) for path, table in maps},
        kinds=wells.counts_of_kinds(said.obs) if asked else {},
        unknown_words=said.unknown_words,
        joins=said.joins,
        doses=annotate.several_doses(said.obs),
        dose_unit=next((unit for _, table in maps if (unit := table.attrs.get("unit", ""))), ""),
        shared_inchikeys=wells.shared_inchikeys(said.obs),
        problems=said.problems,
    )
    return Found(pd.DataFrame(), said.obs, None, (*notes, *said.notes, *annotate.inferred(said.obs)), whole)
