"""Channels of one data set, read by a model of another: matched by name, never by place.

A channel of the model is there when all of its features are. It is dropped when none is. A part of them is refused, since the model reads a
profile as a whole. A channel that the model does not know is refused, left out or begun with new weights, as the settings say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from impasto import profiles as tables
from impasto.joint.settings import TwoTowersSettings
from impasto.schema import InputError

Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Matched:
    """Profiles as an earlier model reads them.

    Attributes
    ----------
    profiles
        With the features that are used, in the model's order.
    names
        The channels, in order.
    places
        The place of each channel in the model; None for a channel that begins with new weights.

    """

    profiles: anndata.AnnData
    names: list[str]
    places: list[int | None]


def match(profiles: anndata.AnnData, facts: dict[str, Any], settings: TwoTowersSettings, /) -> Matched:
    """The profiles as an earlier model reads them.

    Parameters
    ----------
    profiles
        Profiles with features of named channels.
    facts
        What model.json of the earlier run remembers.
    settings
        Of the new run; `new_channels` says what becomes of channels that the model does not know.

    Returns
    -------
    Matched
        The features that are used, the channels and their places.

    Raises
    ------
    InputError
        Where a channel has only a part of its features, no channel is shared, or a new channel is refused.

    """
    known: dict[str, list[str]] = {channel: [] for channel in facts["blocks"]}
    own = tables.describe_features(facts["features"])[settings.blocks]
    for feature, label in own.items():
        for channel in str(label).split("|") if label else ["shape"]:
            if channel in known:
                known[channel].append(str(feature))
    here = set(profiles.var_names)
    shared = []
    for channel, features in known.items():
        present = sum(f in here for f in features)
        if 0 < present < len(features):
            raise InputError(
                f"channel {channel}: {present} of the {len(features)} features the earlier run reads are in the profiles; "
                "train the earlier run on the features that both tables have"
            )
        if present:
            shared.append(channel)
    if not shared:
        raise InputError(
            f"the profiles have none of the channels of the earlier run ({', '.join(known)}); start from a run that has one of theirs, "
            "or leave out start"
        )
    labels = profiles.var[settings.blocks].astype(str)
    new = sorted({c for label in labels for c in (label.split("|") if label else ["shape"])} - set(known))
    if new and settings.new_channels == "refuse":
        raise InputError(
            f"the earlier run does not know the channel {new[0]}; set new_channels = 'leave_out' or 'begin' (its weights start untrained)"
        )
    begun = new if settings.new_channels == "begin" else []
    names = [*shared, *begun]
    used = [f for f, label in labels.items() if set(label.split("|") if label else ["shape"]) <= set(names)]
    earlier = [f for f in facts["features"] if f in set(used)]
    rest = [f for f in used if f not in set(earlier) and set(str(labels[f]).split("|")) & set(begun)]
    places = [list(known).index(c) if c in known else None for c in names]
    return Matched(profiles[:, [*earlier, *rest]].copy(), names, places)


def values(
    profiles: anndata.AnnData, settings: TwoTowersSettings, /, *, among: list[str] | None, width: int | None
) -> tuple[Values, list[str]]:
    """The blocks of profiles, each channel's features first, then zeros.

    Parameters
    ----------
    profiles
        n rows.
    settings
        `blocks` says what a block is, such as `channel`.
    among
        The names of the blocks to read; None: all.
    width
        Of a block in the earlier run; None: that of the widest block.

    Returns
    -------
    tuple[Values, list[str]]
        Blocks (n, channels, width), and the channels' names.

    Raises
    ------
    InputError
        Where a block is wider than the earlier run reads.

    """
    grouped, _, names = tables.blocks(profiles, by=settings.blocks, among=among)
    if width is not None and grouped.shape[2] > width:
        raise InputError(f"a channel has {grouped.shape[2]} features, and the earlier run reads {width}; use the same encoder or pipeline")
    return np.pad(grouped, ((0, 0), (0, 0), (0, (width or grouped.shape[2]) - grouped.shape[2]))), names


def moved(weights: dict[str, Tensor], own: dict[str, Tensor], places: list[int | None], /) -> dict[str, Tensor]:
    """The earlier weights in the order of these channels; the statistics of the values stay the new method's.

    Parameters
    ----------
    weights
        Of the earlier run, by name.
    own
        Of the new method, by name.
    places
        The place of each channel in the earlier run; None for a channel that begins with new weights.

    Returns
    -------
    dict[str, Tensor]
        Weights for the new method, by name.

    """
    placed = {**weights, "mean": own["mean"], "spread": own["spread"]}
    name = "profile_tower.channels"
    if name in own and name in weights:
        placed[name] = torch.stack([own[name][row] if place is None else weights[name][place] for row, place in enumerate(places)])
    return placed
