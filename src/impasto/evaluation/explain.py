"""Why two profiles are alike or different: the cosine as a sum over features.

cos(a, b) = sum_f a_f b_f / (|a| |b|): each feature's term is its contribution. A positive one makes the two alike, a negative one
makes them different; the terms add up to the cosine, so do their sums over channels, compartments and feature groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells
from impasto.evaluation import inputs
from impasto.evaluation.inputs import Statistic, Table
from impasto.schema import InputError, nearest

PARTS = (schema.CHANNEL, schema.COMPARTMENT, schema.GROUP)
NO_PART = "none"
"""What features without a channel (or compartment, or group) are summed under."""


@dataclass(frozen=True, repr=False)
class Explanation:
    """The cosine of two profiles and what it is made of.

    Attributes
    ----------
    first, second
        Their names.
    cosine
        Of the two profiles.
    features
        One row a feature, strongest first: feature, compartment, group, channel, value in first and second, contribution.
    sums
        One row a channel, compartment and feature group: part, name, features, contribution.

    """

    first: str
    second: str
    cosine: float
    features: pd.DataFrame
    sums: pd.DataFrame

    def __repr__(self) -> str:
        head = f"cosine of {self.first} and {self.second}: {self.cosine:.3f}"
        return f"{head}\n\n{self.sums.round(3).to_string(index=False)}\n\n{self.features.head(10).round(3).to_string(index=False)}"


def explain(
    profiles: Table, first: str, second: str, /, *, by: str | None = schema.PERTURBATION, statistic: Statistic = "mean"
) -> Explanation:
    """Which features make two rows, or two groups of rows, alike or different.

    Parameters
    ----------
    profiles
        n rows; corrected ones, since raw features are alike in their scale.
    first, second
        Two values of the column `by` (of perturbations also `name@dose`), or two names of rows.
    by
        The column of groups; None compares two rows by their names in `obs_names`.
    statistic
        How the rows of a group are averaged.

    Returns
    -------
    Explanation
        The cosine, and its sum over features, channels, compartments and feature groups.

    Raises
    ------
    InputError
        Where a row or group is not there, or a profile is zero.

    """
    ours = inputs.as_profiles(profiles, task="explain", joint=True)
    values = wells.finite(ours, task="explain")
    a, b = (_profile(ours, values, name, by=by, statistic=statistic) for name in (first, second))
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    if length == 0:
        raise InputError(f"the profile of {(second if a.any() else first)!r} is zero, so its cosine with another is not defined")
    features = parts_of_features(ours).assign(first=a, second=b, contribution=a * b / length)
    order = np.argsort(-np.abs(features["contribution"].to_numpy()), kind="stable")
    sums = pd.concat([summed(features, part) for part in PARTS], ignore_index=True)
    return Explanation(first, second, float(features["contribution"].sum()), features.iloc[order].reset_index(drop=True), sums)


def parts_of_features(profiles: anndata.AnnData, /) -> pd.DataFrame:
    """The channel, compartment and group of each feature.

    Parameters
    ----------
    profiles
        Profiles, whose `var` says what each feature is.

    Returns
    -------
    pd.DataFrame
        One row a feature: its name, channel, compartment and group; `none` where it has none.

    """
    features = pd.DataFrame({schema.FEATURE: profiles.var_names.astype(str)})
    for part in PARTS:
        features[part] = profiles.var[part].astype(str).replace("", NO_PART).to_numpy() if part in profiles.var else NO_PART
    return features


def summed(features: pd.DataFrame, part: str, /) -> pd.DataFrame:
    """The contributions of one kind of part, largest first. A correlation of two channels is a part of its own (`DNA|ER`).

    Parameters
    ----------
    features
        One row a feature, as `parts_of_features` gives them, with the column `contribution`.
    part
        One of `PARTS`.

    Returns
    -------
    pd.DataFrame
        One row a channel, compartment or feature group: part, name, features, contribution.

    """
    table = features.groupby(part)["contribution"].agg(["size", "sum"]).reset_index()
    table.columns = pd.Index(["name", "features", "contribution"])
    table.insert(0, "part", part)
    return table.sort_values("contribution", key=np.abs, ascending=False, ignore_index=True)


def _profile(
    profiles: anndata.AnnData, values: npt.NDArray[np.float32], name: str, *, by: str | None, statistic: Statistic
) -> npt.NDArray[np.float64]:
    if by is None:
        labels = pd.Series(profiles.obs_names.astype(str))
    else:
        wells.require(profiles.obs, [by], task="explain")
        labels = profiles.obs[by].astype("string").reset_index(drop=True)
        if by == schema.PERTURBATION and not (labels == name).any():
            labels = wells.replicates(profiles.obs).reset_index(drop=True)
    chosen = (labels == name).fillna(False).to_numpy(dtype=bool)
    if not chosen.any():
        known = sorted(set(labels.dropna().astype(str)))
        raise InputError(
            f"no row has the {by or 'name'} {name!r}{nearest(name, known)}; there are {len(known)}, such as {', '.join(known[:3])}"
        )
    reduce = np.median if statistic == "median" else np.mean
    return np.asarray(reduce(values[chosen].astype(np.float64), axis=0))
