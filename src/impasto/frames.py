"""What Python users hand over: an AnnData, or a DataFrame with `Metadata_` columns, becomes Profiles in one place."""

from __future__ import annotations

import anndata
import pandas as pd

from impasto import profiles, spelling


def profiles_of(data: anndata.AnnData | pd.DataFrame, /, *, task: str) -> anndata.AnnData:
    """Profiles of what a user gave.

    Parameters
    ----------
    data
        Profiles (`im.read`), any AnnData whose `obs` has our words, or a DataFrame of one row a well: annotation with a `Metadata_`
        prefix, features without.
    task
        What the profiles are for, for the error sentence.

    Returns
    -------
    The same object where it is an AnnData; else new Profiles, with the annotation in our words.

    Raises
    ------
    TypeError
        On anything else.

    """
    if isinstance(data, anndata.AnnData):
        return data
    if isinstance(data, pd.DataFrame):
        return profiles.from_frame(data, where="the DataFrame")
    raise TypeError(
        f"{task} takes an AnnData or a DataFrame with {spelling.PREFIX} columns, not {type(data).__name__}; "
        "read a file with impasto.read(path), and give settings by name"
    )
