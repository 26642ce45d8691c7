"""What Python users hand over: an AnnData, or a DataFrame with `Metadata_` columns, becomes Profiles in one place."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd

from impasto import profiles, spelling
from impasto.dataset import Dataset
from impasto.profile_sources import Source
from impasto.schema import InputError


def profiles_of(data: anndata.AnnData | pd.DataFrame | Dataset, /, *, task: str) -> anndata.AnnData:
    """Profiles of what a user gave.

    Parameters
    ----------
    data
        Profiles (`im.read`), any AnnData whose `obs` has our words or `Metadata_` columns, or a DataFrame of one row a well: annotation
        with a `Metadata_` prefix, features without. A folder of plates (`im.open`): its values stay on disk.
    task
        What the profiles are for, for the error sentence.

    Returns
    -------
    anndata.AnnData
        The same object where it is Profiles already; else new Profiles, with dense values and the annotation in the words of `schema`.

    Raises
    ------
    TypeError
        On anything else.
    InputError
        On a table without rows or features, and where two features have one name.

    """
    if isinstance(data, Dataset):
        data = data.mapped()
    if isinstance(data, pd.DataFrame):
        data = profiles.from_frame(data.reset_index(drop=True), where="the DataFrame")
    if not isinstance(data, anndata.AnnData):
        raise TypeError(
            f"{task} takes an AnnData or a DataFrame with {spelling.PREFIX} columns, not {type(data).__name__}; "
            "read a file with impasto.read(path), and give settings by name"
        )
    if data.X is None or 0 in data.shape:
        raise InputError(f"{task} needs rows and features, and the table has {data.n_obs} rows of {data.n_vars} features")
    if not data.var_names.is_unique:
        twice = data.var_names[data.var_names.duplicated()][0]
        raise InputError(f"{task}: two features are named {twice!r}; give each its own name: ad.var_names_make_unique()")
    prefixed = any(str(column).startswith(spelling.PREFIX) for column in data.obs)
    if isinstance(data.X, np.ndarray) and not prefixed:
        return data
    values = data.X.toarray() if hasattr(data.X, "toarray") else np.asarray(data.X)
    if not prefixed:
        return anndata.AnnData(X=values, obs=data.obs, var=data.var, uns=dict(data.uns))
    frame = pd.concat([data.obs.reset_index(drop=True), pd.DataFrame(values, columns=data.var_names)], axis=1)
    features = [str(name) for name in data.var_names if not str(name).startswith(spelling.PREFIX)]
    named = profiles.from_frame(frame, where="the AnnData", source=Source(frame, known=features))
    named.uns.update({key: value for key, value in data.uns.items() if key not in named.uns})
    return named
