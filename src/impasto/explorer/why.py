"""Why two perturbations are alike: the cosine as a sum over named features.

    cosine = sum over j of x_j y_j / (|x| |y|)

x and y are the consensus vectors of the space of profiles, so the sum is the score that neighbours show there. The values beside each
feature are means of the corrected features over the wells.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.atlas import folder
from impasto.explorer.contents import Contents

Numbers = npt.NDArray[np.float64]
GROUPS = 12
FEATURES = 12
_PARTS = (schema.COMPARTMENT, schema.GROUP, schema.CHANNEL)


def has_names(contents: Contents, /) -> bool:
    """Whether an index keeps named features.

    Parameters
    ----------
    contents
        Of the index.

    Returns
    -------
    bool
        True where `why` can answer.

    """
    return folder.PROFILES in contents.spaces and contents.features is not None


def why(contents: Contents, a: int, b: int, /) -> dict[str, Any]:
    """The features that make two perturbations alike.

    Parameters
    ----------
    contents
        Of an index with named features.
    a, b
        Rows of the table of perturbations.

    Returns
    -------
    dict[str, Any]
        `cosine`, `features` (how many), `groups` (at most 12 by compartment, group and channel, the largest first), `rest` (the sum of the
        others), and `top` (12 features with their share and the value of each perturbation).

    """
    assert contents.features is not None, "an index without named features has no reasons"
    named, values = contents.features.named, contents.features.means
    vectors = contents.spaces[folder.PROFILES]
    x, y = (vectors[int(contents.of_perturbations[row])].astype(np.float64) for row in (a, b))
    share = shares(x, y)
    grouped = _groups(named, share)
    kept = grouped[:GROUPS]
    cosine = float(share.sum())
    largest = np.argsort(-np.abs(share), kind="stable")[:FEATURES]
    return {
        "cosine": cosine,
        "features": len(share),
        "groups": kept,
        "rest": cosine - sum(group["share"] for group in kept),
        "top": [
            {"feature": str(named["name"].iloc[j]), "share": float(share[j]), "a": float(values[a, j]), "b": float(values[b, j])}
            for j in largest
        ],
    }


def shares(x: Numbers, y: Numbers, /) -> Numbers:
    """What every feature adds to the cosine of two vectors.

    Parameters
    ----------
    x, y
        (features,) each.

    Returns
    -------
    Numbers
        (features,) x_j y_j / (|x| |y|); zeros where one of them is zero.

    """
    length = np.linalg.norm(x) * np.linalg.norm(y)
    return np.asarray(x * y / length) if length > 0 else np.zeros(len(x))


def _groups(named: pd.DataFrame, share: Numbers) -> list[dict[str, Any]]:
    """The sums by compartment, group and channel, the largest by its size first."""
    parts = {word: named[word].fillna("").astype(str) if word in named else pd.Series("", index=named.index) for word in _PARTS}
    sums = pd.DataFrame({**parts, "share": share}).groupby(list(_PARTS), sort=True)["share"].sum().reset_index()
    order = np.argsort(-np.abs(sums["share"].to_numpy()), kind="stable")
    return [
        {**{word: str(row[word]) for word in _PARTS}, "share": float(row["share"])} for row in sums.iloc[order].to_dict(orient="records")
    ]
