"""Where the images of some runs lie: source, batch, plate, well and site, each image once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from impasto import schema, wells
from impasto.cells.columns import WORDS
from impasto.object_tables.run import Run
from impasto.schema import InputError

RUN, ROW = "run", "row_of_run"
"""Of an image: which run it is of, and its row there."""
_DIGITS = re.compile(r"\d+")


def of_runs(runs: Sequence[Run], columns: Mapping[str, str], /) -> tuple[pd.DataFrame, list[str]]:
    """The images of all runs, sorted by source, batch, plate, well and site.

    Parameters
    ----------
    runs
        At least one.
    columns
        Word -> column, where the user says it.

    Returns
    -------
    images : pandas.DataFrame
        One row an image: `WORDS` as text (`""` where nobody says it), `RUN`, `ROW`, and all else that is known of it.
    notes : list[str]
        What was inferred or left out, in sentences.

    Raises
    ------
    InputError
        No column says the plate or the well, or two images lie at one place.

    """
    tables = [run.images(columns).assign(**{RUN: number}) for number, run in enumerate(runs)]
    for run, table in zip(runs, tables, strict=True):
        table[ROW] = np.arange(len(table))
        for word in (schema.PLATE, schema.WELL):
            if word not in table:
                known = schema.listed([c for c in table.columns if c not in (RUN, ROW)][:8])
                raise InputError(
                    f"{run.where}: no column of its images says the {word} ({known}); say which does: --set columns.{word}=NAME"
                )
    images = pd.concat(tables, ignore_index=True)
    named = images[[schema.PLATE, schema.WELL]].notna().all(axis=1)
    notes = [f"left out: {int((~named).sum())} images whose plate or well is not named"] if not named.all() else []
    images = images[named].reset_index(drop=True)
    if images.empty:
        raise InputError(f"{runs[0].where}: no image names its plate and well; say which columns do: --set columns.well=NAME")
    if schema.SITE not in images:
        images[schema.SITE] = pd.Series(pd.NA, index=images.index, dtype="string")
    places = [word for word in WORDS[:4] if word in images]
    within = images.groupby(places, dropna=False, sort=False).cumcount() + 1
    unnamed = images[schema.SITE].isna()
    images[schema.SITE] = images[schema.SITE].astype("string").fillna(within.astype("string"))
    if unnamed.any():
        notes.append(f"the site of {int(unnamed.sum())} images is not named; they are numbered within their wells")
    for word in WORDS:
        images[word] = (images[word] if word in images else pd.Series("", index=images.index)).astype("string").fillna("").astype(str)
    _refuse_doubled(images)
    return _sorted(images), notes


def _refuse_doubled(images: pd.DataFrame) -> None:
    doubled = images.duplicated(list(WORDS), keep=False)
    if doubled.any():
        plate, well, site = images.loc[doubled, [schema.PLATE, schema.WELL, schema.SITE]].iloc[0]
        raise InputError(
            f"{int(doubled.sum())} images share their plate, well and site (first: plate {plate}, well {well}, site {site}); say which "
            "columns tell them apart: --set columns.site=NAME or --set columns.batch=NAME"
        )


def _sorted(images: pd.DataFrame) -> pd.DataFrame:
    """Wells row by row, sites by their numbers."""
    row, column = wells.place(images)
    site = images[schema.SITE].map(lambda text: _DIGITS.sub(lambda match: match[0].zfill(12), text))
    order = images.assign(_row=row, _column=column, _site=site).sort_values([*WORDS[:3], "_row", "_column", "_site"], kind="stable").index
    return images.loc[order].reset_index(drop=True)
