"""Spared controls: some negative controls that no corrector learns from as from controls, so that scores against controls stay honest.

A corrector that is fitted on all controls of a plate makes those very controls unusually alike (or unusually regular): a treated
well that does nothing would still differ from them. `Corrector.fit` leaves spared controls out. One that learns from all wells alike
would make treated wells more regular than controls that it leaves out. It learns from spared ones too (`Corrector.learns_from`).

They are chosen by the hash of their position and a seed, so the same wells are spared before and after a correction. On plates of one
layout the same positions are spared. There they play perturbations that do nothing (`evaluation.positions`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import anndata
import numpy as np
import pandas as pd

from impasto import identity, schema, wells
from impasto.correction import CORRECTORS
from impasto.progress import say
from impasto.schema import InputError

Share: TypeAlias = float | Literal["auto"]
"""A share of each plate's negative controls, or `auto`: a half where a plate has sixteen, else none."""
AUTO_SHARE = 0.5
FEWEST_CONTROLS = 16
"""With fewer negative controls on a plate, `auto` spares none: those that are left would not show its centre."""


def controls_were_learned_from(steps: Iterable[Mapping[str, Any]], /) -> bool:
    """Whether a correction step has learned from the wells that it was given.

    Parameters
    ----------
    steps
        The steps that made a table, as `identity.of(profiles).steps` lists them.

    Returns
    -------
    bool
        True where a step is of a method that learns from wells, or of one that is not known here.

    """
    return any(not _learns_nothing(step.get("method")) for step in steps)


def _learns_nothing(method: object) -> bool:
    if method not in CORRECTORS:
        return False
    kind = CORRECTORS[str(method)]
    return kind.learns_from(kind.settings_class()) == "nothing"


NONE_JUDGES = (
    "a correction learned from all negative controls, so none can judge; keep some out of it: impasto correct ... --spare 0.5 "
    "(in Python, im.pp.spare before the correction)"
)
"""Why a run calls nothing where `none_judges`."""


def none_judges(profiles: anndata.AnnData, /) -> bool:
    """Whether a correction learned from the controls and none was spared, so that no control can judge.

    Parameters
    ----------
    profiles
        n rows.

    Returns
    -------
    bool
        False where some negative control is spared, and where no step learned from wells.

    """
    spared = wells.negative(profiles.obs) & wells.spared(profiles.obs)
    return not spared.any() and controls_were_learned_from(identity.of(profiles).steps)


def marked(profiles: anndata.AnnData, /, *, share: Share, seed: int) -> anndata.AnnData:
    """The profiles as a correction takes them: with spared controls where any were asked for. What was spared is said.

    Parameters
    ----------
    profiles
        n rows.
    share
        A share above 0 chooses again, whatever was spared before. `auto` leaves a table with spared controls as it is; 0 chooses none.
    seed
        Of the choice.

    Returns
    -------
    anndata.AnnData
        A marked copy, or the same object where nothing is spared here.

    """
    if share == 0 or (share == "auto" and wells.spared(profiles.obs).any()):
        return profiles
    chosen = spare_controls(profiles, share=share, seed=seed)
    count, negative = int(wells.spared(chosen.obs).sum()), int(wells.negative(chosen.obs).sum())
    if count:
        say(f"spared {count} of {negative} negative controls: no step learns from them as controls, and scores rank against them (--spare)")
        return chosen
    if negative:
        say(f"no negative control was spared: no plate has {FEWEST_CONTROLS} of them; --spare 0.5 spares half of those that there are")
    return profiles


def spare_controls(profiles: anndata.AnnData, /, *, share: Share, seed: int) -> anndata.AnnData:
    """A copy of the profiles with a boolean column `spared`.

    Parameters
    ----------
    profiles
        n rows of wells or sites; they are not changed.
    share, seed
        As `chosen_controls` takes them.

    Returns
    -------
    anndata.AnnData
        The same n rows, with the column `spared`.

    """
    marked = profiles.copy()
    marked.obs[schema.SPARED] = chosen_controls(profiles.obs, share=share, seed=seed)
    return marked


def chosen_controls(obs: pd.DataFrame, /, *, share: Share, seed: int) -> wells.Flags:
    """Which negative controls are spared.

    Parameters
    ----------
    obs
        Annotation of n rows of wells or sites, with plate and well.
    share
        Share of each plate's control wells, 0 to 1. All rows (sites) of a well are spared together. `auto` spares a half where a
        plate has sixteen or more, and none on other plates or in a table without plates, wells or negative controls.
    seed
        Of the choice. The same seed spares the same wells, whatever the order of the rows.

    Returns
    -------
    wells.Flags
        (n,) True for a spared control.

    Raises
    ------
    InputError
        The share is below 0 or above 1. Or, with a share that is not `auto`, no negative control is marked, or there is no plate or well.

    """
    if share == "auto" and not ({schema.PLATE, schema.WELL} <= set(obs) and wells.marks_controls(obs)):
        return np.zeros(len(obs), dtype=bool)
    if share != "auto" and not 0 <= share <= 1:
        raise InputError(f"spare is {share}; it is a share of the negative controls, from 0 to 1")
    wells.require(obs, [schema.PLATE, schema.WELL], task="sparing controls")
    controls = np.flatnonzero(wells.require_negative(obs, task="sparing controls"))
    plate, _ = wells.plates(obs)
    # The hash takes the position alone: plates of one layout spare the same positions, whatever their names.
    places = np.array([f"{seed}:{well}" for well in obs[schema.WELL].astype(str)], dtype=object)
    spared = np.zeros(len(obs), dtype=bool)
    for code in np.unique(plate[controls]):
        rows_of_plate = controls[plate[controls] == code]
        ordered = sorted(set(places[rows_of_plate]), key=lambda place: hashlib.sha256(place.encode()).digest())
        own = (AUTO_SHARE if len(ordered) >= FEWEST_CONTROLS else 0.0) if share == "auto" else share
        spared[rows_of_plate] = np.isin(places[rows_of_plate], ordered[: round(own * len(ordered))])
    return spared
