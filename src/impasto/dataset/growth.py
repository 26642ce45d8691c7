"""Next month's plates: added to a dataset, none of whose plates is written again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anndata
import pandas as pd

from impasto import identity, locks, runs
from impasto.dataset import member, order
from impasto.dataset.commit import LOCK, add_member, commit
from impasto.dataset.folder import open_dataset
from impasto.schema import InputError


def append(folder: Path, plates: Iterable[anndata.AnnData], /) -> tuple[int, int]:
    """Add plates to a dataset. None that is there is written again.

    Parameters
    ----------
    folder
        The folder of a dataset.
    plates
        Profiles of one plate each, with the features of the dataset.

    Returns
    -------
    added : int
        How many plates are new.
    skipped : int
        How many were there already, with the same values.

    Raises
    ------
    InputError
        A plate is there with other values, has other features, or was made by another encoder or other correction steps.

    """
    with locks.held(folder / LOCK, folder):
        before = open_dataset(folder)
        rows = {order.Key(*(str(row[word]) for word in order.KEYS)): row for row in before.members.to_dict("records")}
        annotation = dict(zip(rows, before.obs_tables(), strict=True))
        new: dict[order.Key, dict[str, Any]] = {}
        skipped = 0
        made = identity.Identity.read(before.uns.get(identity.KEY))
        for plate in plates:
            key = order.key_of(plate.obs)
            refuse_other_features(plate, before.features, where=key.name, folder=folder)
            own = identity.of(plate)
            if made.known or own.known:
                identity.check(made, own, of_expected=str(folder), of_given=f"plate {key.name}")
            plate = plate[:, list(before.features.index)] if list(plate.var_names) != list(before.features.index) else plate
            if key in rows or key in new:
                if member.content_of(plate) != (rows.get(key) or new[key])["content"]:
                    raise InputError(f"plate {key.name} is in {folder} already, with other values; take it out of what is added")
                skipped += 1
                continue
            new[key] = add_member(plate, folder)
            annotation[key] = member.obs_in(folder / new[key]["file"])
        if new:
            whole_set = {**rows, **new}
            keys = sorted(whole_set)
            commit(
                folder,
                [whole_set[key] for key in keys],
                before.features,
                obs=[annotation[key] for key in keys],
                uns=before.uns,
                quarantined=before.quarantined,
            )
            runs.note(folder)
    return len(new), skipped


def refuse_other_features(plate: anndata.AnnData, features: pd.DataFrame, /, *, where: str, folder: Path) -> None:
    """Refuse a plate that does not have exactly the features of a dataset.

    Parameters
    ----------
    plate
        Profiles.
    features
        The `var` table of the dataset.
    where
        What the plate is called.
    folder
        The dataset.

    Raises
    ------
    InputError
        Where it has others.

    """
    other = sorted(set(plate.var_names) ^ set(features.index))
    if other:
        raise InputError(
            f"plate {where} has {plate.n_vars} features, and {folder} has {len(features)} (the first that differs: {other[0]!r}); "
            "give profiles of the same pipeline"
        )
