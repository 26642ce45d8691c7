"""The rows of profiles: one row a group, and tables stacked."""

from __future__ import annotations

from collections.abc import Sequence

import anndata
import numpy as np
import pandas as pd

from impasto import identity, schema, wells
from impasto.profiles.table import dense
from impasto.schema import InputError


def aggregate(profiles: anndata.AnnData, *, by: Sequence[str], statistic: str = "median") -> anndata.AnnData:
    """One row a group, in sorted order.

    Parameters
    ----------
    profiles
        n profiles of d features.
    by
        Columns whose values name a group.
    statistic
        `median` or `mean` of each feature over the rows of a group.

    Returns
    -------
    anndata.AnnData
        One row a group. `obs["n_rows"]` counts the rows of each group. Annotation stays where a group agrees on it. `cell_count` is summed
        over the sites of a well, else averaged.

    Raises
    ------
    InputError
        A column is missing, or the statistic is neither.

    """
    schema.one_of(statistic, ("mean", "median"), what="statistic")
    wells.require(profiles.obs, by, task="aggregation")
    keys = [profiles.obs[word].astype("string").fillna("") for word in by]
    grouped = pd.DataFrame(dense(profiles)).groupby([k.to_numpy() for k in keys], sort=True)
    values = grouped.mean() if statistic == "mean" else grouped.median()
    codes = grouped.ngroup().to_numpy()
    first = pd.Series(np.arange(len(codes))).groupby(codes).first().to_numpy()
    obs = profiles.obs.iloc[first].reset_index(drop=True)
    for column in obs.columns.difference(list(by)):
        if profiles.obs[column].groupby(codes).nunique(dropna=False).max() > 1:
            if column == schema.CELL_COUNT:
                statistics = profiles.obs[column].astype(float).groupby(codes)
                obs[column] = (statistics.sum() if schema.WELL in by else statistics.mean()).to_numpy()
            else:
                obs = obs.drop(columns=column)
    obs["n_rows"] = np.bincount(codes)
    obs.index = pd.RangeIndex(len(obs)).astype(str)
    return anndata.AnnData(X=values.to_numpy(np.float32), obs=obs, var=profiles.var.copy(), uns=dict(profiles.uns))


def join_common(tables: Sequence[anndata.AnnData]) -> anndata.AnnData:
    """Stack Profiles over their common features, in the order of the first.

    Parameters
    ----------
    tables
        Profiles of the same pipeline.

    Returns
    -------
    anndata.AnnData
        All rows. `uns["features_dropped"]` counts the other features. What made the tables (`identity`) stays where it is the same for all.

    Raises
    ------
    InputError
        They have no feature in common, or different encoders or corrections made them.

    """
    made = identity.common(tables)
    common = [f for f in tables[0].var_names if all(f in t.var_names for t in tables[1:])]
    if not common:
        raise InputError("the tables have no feature in common, so they cannot be stacked; were they made by the same pipeline?")
    values = np.concatenate([dense(t[:, common]) for t in tables])
    obs = pd.concat([t.obs for t in tables], ignore_index=True)
    obs.index = obs.index.astype(str)
    dropped = len({f for t in tables for f in t.var_names}) - len(common)
    joined = anndata.AnnData(X=values, obs=obs, var=tables[0].var.loc[common], uns={"features_dropped": dropped})
    identity.put(joined, made)
    return joined
