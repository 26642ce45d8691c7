"""The columns of the wells of an index, in their order and under their names. Every plate has one word that no other plate has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from impasto import schema, wells

NAMES = {schema.PERTURBATION_NAME: "name", schema.PERTURBATION_TYPE: "type"}
"""Words that the files of an index write shorter."""
DISTANCE = "distance_z"
FIRST = (
    *(schema.PLATE, schema.WELL, schema.BATCH, schema.SOURCE, schema.PERTURBATION, schema.PERTURBATION_NAME, schema.PERTURBATION_TYPE),
    *(schema.GENE, schema.MOA, schema.CONTROL_TYPE, schema.SPARED, schema.CONCENTRATION, schema.CELL_LINE, schema.TIME_H),
    *(schema.CELL_COUNT, DISTANCE, "x", "y"),
)
"""The columns that every index has where the profiles do, in their order; others follow."""
NUMBERS = (schema.CONCENTRATION, schema.TIME_H, schema.CELL_COUNT)
_LEFT_OUT = (
    *(schema.SMILES, schema.INCHIKEY, "modality", "level", "treatment", "n_wells", "n_plates", "hit"),
    *("row", "rank", "score", "match", "expanded", "z", "p", "q", "query_p"),
)
"""What the table of perturbations says, what every row has, and words of a ranking."""


def of_wells(obs: pd.DataFrame, /) -> pd.DataFrame:
    """The annotation of wells as an index keeps it.

    Parameters
    ----------
    obs
        Annotation of n wells, with `distance_z`, `x` and `y`.

    Returns
    -------
    pandas.DataFrame
        n rows. Plates have one word each, kinds of wells are those of `schema`, doses are numbers.

    """
    taken = [short for word, short in NAMES.items() if word in obs]
    rows = obs.drop(columns=[word for word in (*_LEFT_OUT, *taken) if word in obs]).reset_index(drop=True)
    if schema.PLATE in rows:
        rows[schema.PLATE] = names_of_plates(rows)
    if schema.PERTURBATION in rows:
        rows[schema.PERTURBATION] = wells.replicates(rows, pool_doses=True)
    if schema.CONTROL_TYPE in obs or schema.PERTURBATION in obs:
        rows[schema.CONTROL_TYPE] = wells.kinds(obs)
    if schema.SPARED in obs:
        rows[schema.SPARED] = wells.spared(obs)
    for word in NUMBERS:
        if word in rows:
            rows[word] = pd.to_numeric(rows[word], errors="coerce")
    order = [*(word for word in FIRST if word in rows), *(word for word in rows if word not in FIRST)]
    return rows[order].rename(columns=NAMES)


def names_of_plates(rows: pd.DataFrame, /) -> npt.NDArray[np.object_]:
    """One word for the plate of every row.

    Parameters
    ----------
    rows
        n rows with `plate`.

    Returns
    -------
    npt.NDArray[np.object_]
        (n,) the plate's own name; with its batch, or its source and batch, before it where the name alone stands for several plates.

    """
    keys = wells.keys_of_plate(rows)
    several, _ = wells.plates(rows)
    names = np.empty(len(rows), dtype=object)
    for count in range(1, len(keys) + 1):
        parts = [rows[key].astype("string").fillna("") for key in keys[-count:]]
        names = np.array(["/".join(filter(None, place)) for place in zip(*parts, strict=True)], dtype=object)
        if len(pd.unique(names)) == len(np.unique(several)):
            break
    return names


def commonest(table: pa.Table, /, *, most: int, without: Sequence[str] = ()) -> dict[str, list[str]]:
    """The names of each column of words that have colours of their own.

    Parameters
    ----------
    table
        In the form of `arrow_files`.
    most
        How many names at most.
    without
        Columns that are left out.

    Returns
    -------
    dict[str, list[str]]
        Column -> its commonest names, the commonest first, ties by name. An unknown word has no colour.

    """
    chosen = {}
    for column in table.column_names:
        if not pa.types.is_dictionary(table.schema.field(column).type) or column in without:
            continue
        values = table[column].combine_chunks()
        values = values.chunk(0) if isinstance(values, pa.ChunkedArray) else values
        names = values.dictionary.to_pylist()
        counts = np.bincount(values.indices.to_numpy(), minlength=len(names))
        ranked = sorted((-int(count), name) for name, count in zip(names, counts, strict=True) if name and count)
        chosen[column] = [name for _, name in ranked[:most]]
    return chosen
