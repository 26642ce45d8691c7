"""Which channels of a profile its place in the joint space rests on, as the profile tower sees it.

    a_c(x) = 1 - cos(p(x), p(x with channel c as the controls have it))

Occlusion (Zeiler & Fergus 2014), channel by channel: the mean of the negative controls takes the place of a channel. Lu et al. (CellCLIP)
give no attribution; this is ours. It speaks of what the tower reads, and not of what a stain shows: `python -m benchmarks attribution`
says how often it names the channel that was changed.
"""

from __future__ import annotations

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from impasto import schema, wells
from impasto.joint import two_towers
from impasto.joint.space import Space
from impasto.joint.two_towers import TwoTowers
from impasto.schema import InputError


@torch.no_grad()
def by_channel(space: Space, profiles: anndata.AnnData, /, *, rows: int = 256) -> npt.NDArray[np.float32]:
    """How far each row moves when one of its channels is that of the controls.

    Parameters
    ----------
    space
        A trained run that reads profiles.
    profiles
        n rows with negative controls among them, made as those that the run was trained on.
    rows
        How many are embedded at a time.

    Returns
    -------
    npt.NDArray[np.float32]
        (n, channels) in the order of `space.facts["blocks"]`, from 0 (not at all) to 2.

    Raises
    ------
    InputError
        The run reads images, or no row is a negative control.

    """
    if not isinstance(space.method, TwoTowers):
        raise InputError(f"{space.folder} reads images, and channels are set aside in profiles; use a run of two_towers")
    control = wells.negative(profiles.obs)
    if not control.any():
        raise InputError("attributions: no row is a negative control to put in the place of a channel; mark them: --negcon DMSO")
    values = two_towers.values(profiles, space.method.settings, space.facts)
    limit = space.method.settings.clip_values
    middle = values[torch.as_tensor(control)].clamp(-limit, limit).mean(dim=0)
    moved = np.empty(values.shape[:2], dtype=np.float32)
    for start in range(0, len(values), rows):
        part = values[start : start + rows]
        members = [np.array([row]) for row in range(len(part))]
        whole = two_towers.embed_bags(space.method, part, members)
        for channel in range(values.shape[1]):
            without = part.clone()
            without[:, channel] = middle[channel]
            moved[start : start + rows, channel] = (1 - (whole * two_towers.embed_bags(space.method, without, members)).sum(dim=1)).cpu()
    return moved


def by_perturbation(space: Space, profiles: anndata.AnnData, /) -> pd.DataFrame:
    """The channels that each perturbation's place rests on.

    Parameters
    ----------
    space, profiles
        As in `by_channel`.

    Returns
    -------
    pd.DataFrame
        One row a perturbation and channel, the largest first: perturbation, channel, `attribution` (the mean of its rows).

    Raises
    ------
    InputError
        As in `by_channel`, and where nobody says what was done to the wells.

    """
    wells.require(profiles.obs, [schema.PERTURBATION], task="attributions")
    moved = by_channel(space, profiles)
    treated = wells.treated(profiles.obs)
    table = pd.DataFrame(moved[treated], columns=space.facts["blocks"])
    mean = table.groupby(profiles.obs.loc[treated, schema.PERTURBATION].astype(str).to_numpy()).mean()
    long = mean.rename_axis(schema.PERTURBATION).reset_index().melt(schema.PERTURBATION, var_name=schema.CHANNEL, value_name="attribution")
    return long.sort_values([schema.PERTURBATION, "attribution"], ascending=[True, False], kind="stable", ignore_index=True)
