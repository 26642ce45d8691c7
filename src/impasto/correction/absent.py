"""Features that a table lacks: a corrector that can do without them reads them as hidden, also behind steps that
take each feature alone.

The steps before it are fitted on all features. For them the absent ones are zeros, and the table says which: `uns["absent_features"]`.
CellPainTR promises to work on partial data (section 3.2.1: a share of the features is hidden while it learns).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anndata
import numpy as np
import pandas as pd

from impasto import profiles as tables
from impasto import progress
from impasto.correction.base import Corrector
from impasto.schema import InputError

KEY = "absent_features"
"""Where a table says which of its features nobody measured."""
MANY = 0.5
"""The share of absent features above which the terminal warns."""


def names(profiles: anndata.AnnData, /) -> set[str]:
    """The features of a table that nobody measured.

    Parameters
    ----------
    profiles
        n rows.

    Returns
    -------
    set[str]
        Their names.

    """
    return {str(name) for name in profiles.uns.get(KEY, ())}


def with_all(profiles: anndata.AnnData, features: Sequence[str], /, *, reader: str) -> tuple[anndata.AnnData, list[str]]:
    """The profiles with a column of zeros for each feature that they lack.

    Parameters
    ----------
    profiles
        n rows.
    features
        What is read.
    reader
        Who reads it, for the error.

    Returns
    -------
    profiles : anndata.AnnData
        The same object where nothing is lacking.
    absent : list[str]
        The features that were added, in order.

    Raises
    ------
    InputError
        Where the profiles have none of the features.

    """
    absent = [name for name in features if name not in profiles.var_names]
    if not absent:
        return profiles, []
    if len(absent) == len(features):
        raise InputError(
            f"{reader} reads {len(features)} features, none of which these profiles have (first: {features[0]!r}); give profiles of the "
            "same pipeline"
        )
    values = np.concatenate([tables.dense(profiles), np.zeros((profiles.n_obs, len(absent)), dtype=np.float32)], axis=1)
    var = pd.concat([profiles.var, tables.describe_features(absent)])
    known = {**profiles.uns, KEY: sorted(names(profiles) | set(absent))}
    return anndata.AnnData(X=values, obs=profiles.obs.copy(), var=var, uns=known), absent


def filled(profiles: anndata.AnnData, steps: Sequence[object], /) -> anndata.AnnData:
    """The profiles as fitted steps can read them, where one of the steps can do without features and those before it take each alone.

    A step that mixes features would spread the zeros of the absent ones over all others, so it asks for all of its features, as ever.

    Parameters
    ----------
    profiles
        n rows.
    steps
        The steps to come.

    Returns
    -------
    anndata.AnnData
        The same object where nothing is lacking, or a step is not fitted, or none can do without, or one before it mixes features.

    Raises
    ------
    InputError
        Where the profiles have none of the features that are read.

    """
    fitted = [step for step in steps if isinstance(step, Corrector)]
    place = next((number for number, step in enumerate(fitted) if step.reads_absent), None)
    if place is None or len(fitted) < len(steps) or not all(step.feature_by_feature for step in fitted[:place]):
        return profiles
    reader: Corrector[Any] = fitted[place]
    wanted = next((step.features_of_fit() for step in fitted if step.features_of_fit()), ())
    with_all(profiles, reader.features_of_fit(), reader=reader.name)  # none in common is refused
    return with_all(profiles, wanted, reader=reader.name)[0]


def say(lacking: int, features: int, /, *, reader: str) -> None:
    """Tell how many features are read as hidden.

    Parameters
    ----------
    lacking
        How many the profiles lack.
    features
        How many there are.
    reader
        Who reads them.

    """
    warning = "; more than half are absent: do not trust these rows" if lacking > MANY * features else ""
    progress.say(f"{reader}: {lacking} of {features} features are not in the profiles, and are read as hidden ([MASK]){warning}")
