"""Channels of one data set met by a model of another: matched by name, never by place.

A channel of the model is there when all of its features are; it is dropped when none is; a part of them is refused, since the
model reads a profile as a whole. A channel that the model does not know is refused, left out or begun anew, as the settings say.
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
    """Profiles with the features that are used, the channels in order, and the place of each in the model (None: begun anew)."""

    profiles: anndata.AnnData
    names: list[str]
    places: list[int | None]


def match(profiles: anndata.AnnData, facts: dict[str, Any], settings: TwoTowersSettings, /) -> Matched:
    """The profiles as a model with these facts reads them. Raises InputError on what cannot be matched."""
    known: dict[str, list[str]] = {channel: [] for channel in facts["blocks"]}
    own = tables.describe_features(facts["features"])[settings.blocks]
    for feature, label in own.items():
        for channel in str(label).split("|") if label else ["shape"]:
            if channel in known:
                known[channel].append(str(feature))
    here = set(profiles.var_names)
    kept = []
    for channel, features in known.items():
        found = sum(f in here for f in features)
        if 0 < found < len(features):
            raise InputError(
                f"channel {channel}: {found} of the {len(features)} features the earlier run reads are in the profiles; "
                "train the earlier run on the features that both tables have"
            )
        if found:
            kept.append(channel)
    if not kept:
        raise InputError(f"the profiles have none of the channels of the earlier run ({', '.join(known)})")
    labels = profiles.var[settings.blocks].astype(str)
    new = sorted({c for label in labels for c in (label.split("|") if label else ["shape"])} - set(known))
    if new and settings.new_channels == "refuse":
        raise InputError(
            f"the earlier run does not know the channel {new[0]}; set new_channels = 'leave_out' or 'begin' (its weights start anew)"
        )
    begun = new if settings.new_channels == "begin" else []
    names = [*kept, *begun]
    used = [f for f, label in labels.items() if set(label.split("|") if label else ["shape"]) <= set(names)]
    earlier = [f for f in facts["features"] if f in set(used)]
    rest = [f for f in used if f not in set(earlier) and set(str(labels[f]).split("|")) & set(begun)]
    places = [list(known).index(c) if c in known else None for c in names]
    return Matched(profiles[:, [*earlier, *rest]].copy(), names, places)


def values(
    profiles: anndata.AnnData, settings: TwoTowersSettings, /, *, among: list[str] | None, width: int | None
) -> tuple[Values, list[str]]:
    """The blocks (rows, channels, width) of profiles, each channel's features first, then zeros; and the channels' names."""
    found, _, names = tables.blocks(profiles, by=settings.blocks, among=among)
    if width is not None and found.shape[2] > width:
        raise InputError(f"a channel has {found.shape[2]} features, and the earlier run reads {width}; use the same encoder or pipeline")
    return np.pad(found, ((0, 0), (0, 0), (0, (width or found.shape[2]) - found.shape[2]))), names


def moved(weights: dict[str, Tensor], own: dict[str, Tensor], places: list[int | None], /) -> dict[str, Tensor]:
    """The earlier weights for channels at these places: their embeddings by name; statistics of the values as the method has them."""
    found = {**weights, "mean": own["mean"], "spread": own["spread"]}
    name = "profile_tower.channels"
    if name in own and name in weights:
        found[name] = torch.stack([own[name][row] if place is None else weights[name][place] for row, place in enumerate(places)])
    return found
