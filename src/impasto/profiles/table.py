"""A table as Profiles, and Profiles as a table: `Metadata_` columns on disk, the words of `schema` in `obs`."""

from __future__ import annotations

from collections.abc import Sequence

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import feature_names, schema, spelling
from impasto.plain_columns import plain
from impasto.profile_sources import Source
from impasto.spelling import Choices


def from_frame(
    frame: pd.DataFrame,
    *,
    where: str,
    choices: Choices | None = None,
    source: Source | None = None,
    kinds: bool = True,
) -> anndata.AnnData:
    """Make Profiles of a table, one row a site, well or perturbation.

    Parameters
    ----------
    frame
        Annotation columns (with or without a `Metadata_` prefix) and numeric feature columns.
    where
        The name of the table, for error sentences.
    choices
        What the user says of its columns; otherwise they are recognised by their spelling.
    source
        What is known of the table's features.
    kinds
        Whether kinds of wells become our words; False leaves them as written, for a join to come.

    Returns
    -------
    anndata.AnnData
        Profiles of the n rows. `uns` says which column was taken for which word (`columns`), which bookkeeping is left out
        (`columns_left_out`), how features were recognised (`features_from`), and which words are no known kind of well (`unknown_words`).

    Raises
    ------
    InputError
        A column cannot be used, or the table has no features.

    """
    source = source or Source(frame)
    parts = spelling.sort(frame, where=where, choices=choices, known=source.known, ours=source.ours)
    obs, unknown_words = spelling.with_kinds(parts.obs) if kinds else (parts.obs, {})
    obs.index = pd.RangeIndex(len(obs)).astype(str)
    values = frame[parts.features].to_numpy(dtype=np.float32, na_value=np.nan)
    uns = {
        "columns": parts.taken,
        "columns_left_out": parts.left_out,
        "features_from": parts.how,
        "unknown_words": unknown_words,
        "read_as": list(source.how),
    }
    unit = obs.attrs.pop("unit", None)
    if unit:
        uns["concentration_unit"] = unit
    return anndata.AnnData(X=values, obs=obs, var=describe_features(parts.features), uns=uns)


def describe_features(names: Sequence[str]) -> pd.DataFrame:
    """The `var` table of features known by name only.

    Parameters
    ----------
    names
        d names of features.

    Returns
    -------
    pd.DataFrame
        (d rows) compartment, group and channel of each feature; `""` where the name does not say.

    """
    parsed = [feature_names.parse(name) for name in names]
    parts = {part: [getattr(p, part) for p in parsed] for part in (schema.COMPARTMENT, schema.GROUP, schema.CHANNEL)}
    return pd.DataFrame(parts, index=pd.Index(names, name=schema.FEATURE, dtype=str))


def to_frame(profiles: anndata.AnnData) -> pd.DataFrame:
    """The table of Profiles as it is written to disk.

    Parameters
    ----------
    profiles
        n profiles of d features.

    Returns
    -------
    pd.DataFrame
        (n rows) `Metadata_` columns first (the prefix is added where a name has none), then the d features.

    """
    obs = profiles.obs.rename(columns=lambda c: c if c.startswith(spelling.PREFIX) else spelling.PREFIX + c).reset_index(drop=True)
    obs = obs.apply(plain) if len(obs.columns) else obs
    features = pd.DataFrame(dense(profiles), columns=profiles.var_names)
    return pd.concat([obs, features], axis=1)


def dense(profiles: anndata.AnnData) -> npt.NDArray[np.float32]:
    """The values of profiles.

    Parameters
    ----------
    profiles
        n profiles of d features.

    Returns
    -------
    npt.NDArray[np.float32]
        (n, d) of float32. Not a copy where `X` is float32 already.

    """
    return np.asarray(profiles.X, dtype=np.float32)
