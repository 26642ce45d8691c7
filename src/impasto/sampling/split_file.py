"""A split that somebody else made: a table that says of each compound to which part it goes, as benchmarks publish theirs.

The table has a column `split` and one column by which compounds are known here too. A compound that it does not name is refused: left out
in silence, it would change what was trained on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, tables
from impasto.schema import InputError
from impasto.wells import PARTS

KEYS = (schema.INCHIKEY, schema.PERTURBATION, schema.SMILES, schema.PERTURBATION_NAME)
"""The columns by which a compound is looked up, the surest first."""


def parts(obs: pd.DataFrame, path: Path, /) -> npt.NDArray[np.str_]:
    """The part of every row.

    Parameters
    ----------
    obs
        Annotation of n rows.
    path
        The table of parts.

    Returns
    -------
    npt.NDArray[np.str_]
        (n,) names of parts.

    Raises
    ------
    InputError
        Where the table has no column `split` or none of `KEYS` that these rows have, says other words, puts a compound into two parts, or
        does not name one.

    """
    table, _ = tables.read(path)
    table = table.rename(columns={column: str(column).lower().removeprefix("metadata_") for column in table})
    if schema.SPLIT not in table:
        raise InputError(f"{path} has the columns {schema.listed(table.columns)}; a split has a column {schema.SPLIT!r}")
    said = table[schema.SPLIT].astype(str).str.strip().str.lower()
    if other := sorted(set(said) - set(PARTS)):
        raise InputError(f"{path}: the column {schema.SPLIT!r} holds {other[0]!r}; allowed: {', '.join(PARTS)}")
    key = next((word for word in KEYS if word in table and word in obs and obs[word].notna().any()), None)
    if key is None:
        raise InputError(f"{path} names compounds by none of {', '.join(KEYS)} that the profiles have too; add such a column")
    names = table[key].astype("string").str.strip()
    places = pd.DataFrame({"name": names, "part": said}).drop_duplicates()
    if (twice := places["name"].duplicated()).any():
        first = places.loc[twice, "name"].iloc[0]
        into = " and ".join(sorted(places.loc[places["name"] == first, "part"]))
        raise InputError(f"{path} puts {first!r} into {into}; a compound goes to one part")
    part = obs[key].astype("string").str.strip().map(dict(zip(names, said, strict=True)))
    if (lacking := part.isna()).any():
        unnamed = sorted(obs.loc[lacking, key].astype(str).unique())
        raise InputError(
            f"{path} does not name {len(unnamed)} of the {obs[key].nunique(dropna=False)} values of {key!r} (first: {unnamed[0]!r}); "
            "add them, or leave their rows out of the profiles"
        )
    return part.to_numpy(dtype=str).astype("<U10")
