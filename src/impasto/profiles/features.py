"""The features of profiles: those of a trained run by name, and the blocks of each channel, compartment or group."""

from __future__ import annotations

from collections.abc import Sequence

import anndata
import numpy as np
import numpy.typing as npt

from impasto import schema
from impasto.profiles.table import dense
from impasto.schema import InputError


def with_features(profiles: anndata.AnnData, features: Sequence[str], /) -> anndata.AnnData:
    """The profiles with the features of a trained run, by name and in its order.

    Parameters
    ----------
    profiles
        n profiles.
    features
        The d features of the run.

    Returns
    -------
    anndata.AnnData
        A copy: n rows of the d features.

    Raises
    ------
    InputError
        A feature is missing. The sentence counts them and names the first.

    """
    missing = [f for f in features if f not in profiles.var_names]
    if missing:
        raise InputError(
            f"{len(missing)} of the {len(features)} features this run was trained on are not in the profiles (first: {missing[0]!r}); "
            "give profiles made by the same pipeline"
        )
    return profiles[:, list(features)].copy()


def blocks(
    profiles: anndata.AnnData, *, by: str = "channel", among: Sequence[str] | None = None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_], list[str]]:
    """The features of each channel (or compartment, or group) side by side.

    Parameters
    ----------
    profiles
        Profiles of n rows.
    by
        `channel`, `compartment` or `group`. A correlation of two channels counts in both; features without a channel
        (shape, neighbours) make a block of their own, named `shape`.
    among
        The blocks to give, in this order; all that are there, sorted, by default.

    Returns
    -------
    values : npt.NDArray[np.float32]
        (n, blocks, widest) of float32. The features of each block first, then zeros.
    mask : npt.NDArray[np.bool_]
        (blocks, widest) of bool. True where there is a feature: a zero never means "absent".
    names : list[str]
        The blocks.

    Raises
    ------
    InputError
        A block of `among` has no feature.

    """
    schema.one_of(by, (schema.CHANNEL, schema.COMPARTMENT, schema.GROUP), what="kind of block")
    labels = [str(v).split("|") if v else ["shape"] for v in profiles.var[by]]
    names = list(among) if among is not None else sorted({n for many in labels for n in many})
    columns = {name: [i for i, many in enumerate(labels) if name in many] for name in names}
    empty = [name for name, numbers in columns.items() if not numbers]
    if empty:
        raise InputError(
            f"the profiles have no feature of {by} {empty[0]!r}; they have {', '.join(sorted({n for m in labels for n in m}))}"
        )
    widest = max(map(len, columns.values()))
    values = np.zeros((profiles.n_obs, len(names), widest), dtype=np.float32)
    mask = np.zeros((len(names), widest), dtype=bool)
    whole = dense(profiles)
    for number, name in enumerate(names):
        values[:, number, : len(columns[name])] = whole[:, columns[name]]
        mask[number, : len(columns[name])] = True
    return values, mask, names
