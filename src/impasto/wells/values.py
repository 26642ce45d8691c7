"""What a well measured: values that must be finite before anything is computed with them."""

from __future__ import annotations

import anndata
import numpy as np
import numpy.typing as npt

from impasto import mapped
from impasto.schema import InputError


def finite(profiles: anndata.AnnData, /, *, task: str) -> npt.NDArray[np.float32]:
    """The values of profiles, all of them finite.

    Parameters
    ----------
    profiles
        n profiles of d features.
    task
        What needs the values, as the error sentence begins.

    Returns
    -------
    npt.NDArray[np.float32]
        (n, d) of float32. Not a copy where `X` is float32 already.

    Raises
    ------
    InputError
        A value is missing or infinite. The sentence counts the features that hold one and names the first.

    """
    values = np.asarray(profiles.X, dtype=np.float32)
    bad = np.zeros(values.shape[1], dtype=bool)
    for rows in mapped.blocks(values):
        bad |= ~np.isfinite(values[rows]).all(axis=0)
    if bad.any():
        features = profiles.var_names[bad]
        raise InputError(
            f"{task}: {len(features)} features hold missing or infinite values (first: {features[0]}); "
            "drop or fill them first: impasto correct PROFILES --method select --out SELECTED"
        )
    return values
