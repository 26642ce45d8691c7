"""Which named features make a well differ from the controls, as the model sees it.

    d(x) = 1 - cos(h(x), c)            c the mean direction of the controls of x's source
    a_i  = (x_i - m_i) d'(x)_i         m_i the controls' mean of feature i, in the scaled unit the model reads

Gradient times difference: the first-order share of feature i in the distance d. CellPainTR, appendix D.1 promises that each
corrected feature "can be traced back to its original interpretation" and gives no formula; this is ours.
"""

from __future__ import annotations

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch.nn import functional

from impasto import profiles as tables
from impasto import schema, wells
from impasto.correction.cellpaintr.data import labels
from impasto.correction.cellpaintr.trained import Trained
from impasto.schema import InputError


def attributions(model: Trained, profiles: anndata.AnnData, /, *, rows: int = 64) -> npt.NDArray[np.float32]:
    """The share of each feature in each row's distance from the controls.

    Parameters
    ----------
    model
        A trained model.
    profiles
        n rows, with negative controls in each source.
    rows
        How many rows are computed at a time.

    Returns
    -------
    npt.NDArray[np.float32]
        (n, L) of float32. One column for each of the L features of the model.

    Raises
    ------
    InputError
        A source has no negative controls.

    """
    read = model.wells(profiles)
    vectors = functional.normalize(torch.as_tensor(model.vectors(profiles)), dim=1)
    scaled = model.method.scaled(torch.as_tensor(read.values))
    control = wells.negative(profiles.obs)
    shares = np.empty(read.values.shape, dtype=np.float32)
    for code in np.unique(read.source):
        of_source = np.flatnonzero(read.source == code)
        own = of_source[control[of_source]]
        if not len(own):
            name = model.facts["sources"][code]
            raise InputError(f"attributions: {model.facts['by']} {name!r} has no negative controls to differ from; mark them")
        centre = functional.normalize(vectors[own].mean(dim=0), dim=0)
        middle = scaled[own].mean(dim=0)
        for start in range(0, len(of_source), rows):
            part = of_source[start : start + rows]
            values = scaled[part].clone().requires_grad_()
            with torch.enable_grad():
                cls, _ = model.method.encode(values, None, torch.as_tensor(read.source[part]))
                distance = 1 - functional.normalize(cls, dim=1) @ centre
            (gradient,) = torch.autograd.grad(distance.sum(), values)
            shares[part] = ((values.detach() - middle) * gradient).numpy()
    return shares


def by_perturbation(model: Trained, profiles: anndata.AnnData, /, *, top: int = 20) -> pd.DataFrame:
    """The features that make each perturbation differ from the controls.

    Parameters
    ----------
    model
        A trained model.
    profiles
        n rows, with negative controls in each source.
    top
        How many features of each perturbation.

    Returns
    -------
    pd.DataFrame
        One row a perturbation and feature: compartment, group, channel and `attribution`, the mean share. The largest absolute ones come
        first.

    Raises
    ------
    InputError
        A source has no negative controls.

    """
    shares = attributions(model, profiles)
    var = tables.describe_features(model.facts["features"])
    what = labels(profiles.obs).to_numpy()
    parts = []
    for name in np.unique(what[~wells.negative(profiles.obs)]):
        mean = shares[what == name].mean(axis=0)
        best = np.argsort(-np.abs(mean), kind="stable")[:top]
        named = var.iloc[best].reset_index().assign(**{schema.PERTURBATION: name, "attribution": mean[best]})
        parts.append(named[[schema.PERTURBATION, schema.FEATURE, schema.COMPARTMENT, schema.GROUP, schema.CHANNEL, "attribution"]])
    return pd.concat(parts, ignore_index=True)


def top_features(model: Trained, profiles: anndata.AnnData, /, *, top: int) -> list[str]:
    """The features that make each row differ from the controls.

    Parameters
    ----------
    model
        A trained model.
    profiles
        n rows, with negative controls in each source.
    top
        How many features of each row.

    Returns
    -------
    list[str]
        (n,) names joined by `|`, the largest absolute share first.

    Raises
    ------
    InputError
        A source has no negative controls.

    """
    shares = np.abs(attributions(model, profiles))
    names = np.asarray(model.facts["features"])
    return ["|".join(names[np.argsort(-row, kind="stable")[:top]]) for row in shares]
