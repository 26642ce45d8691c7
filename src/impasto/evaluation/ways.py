"""One table as an answer to the question of mechanisms: what a choice among tables needs of it, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import anndata
import numpy as np
import pandas as pd

from impasto import schema, wells
from impasto.evaluation import inputs, treatments
from impasto.evaluation.inputs import Statistic
from impasto.evaluation.treatments import Treatments
from impasto.schema import InputError

Outer = Literal["compound", "mechanism"]
OUTER: tuple[Outer, Outer] = ("compound", "mechanism")

SEP = ": "
"""Between the name of a way and that of its setting."""
KEYS = ["mechanism", "compound", "treatment", "batch"]
"""The columns that name a treatment; `batch` is empty for NSC."""


@dataclass(frozen=True)
class Asked:
    """One table under one question (NSC or NSB).

    Attributes
    ----------
    treatments
        One row a treatment that can be answered: `KEYS`, right (0 or 1), precision.
    others
        Kind of outer unit -> its name -> the mean average precision of all treatments that are not of it, among candidates that are not.
    chance
        What a random order gives on average.

    """

    treatments: pd.DataFrame
    others: Mapping[Outer, Mapping[str, float]]
    chance: float


@dataclass(frozen=True)
class Candidate:
    """One table: a way with one setting.

    Attributes
    ----------
    way, setting
        Their names.
    nsc, nsb
        Among other compounds; among other compounds of other batches.

    """

    way: str
    setting: str
    nsc: Asked
    nsb: Asked

    @property
    def name(self) -> str:
        """Way and setting."""
        return f"{self.way}{SEP}{self.setting}"

    def asked(self, name: str, /) -> Asked:
        """One of the two.

        Parameters
        ----------
        name
            `NSC` or `NSB`.

        Returns
        -------
        Asked
            What was scored.

        """
        return self.nsb if name == "NSB" else self.nsc

    def without(self, outer: Outer, unit: str, /) -> float:
        """The criterion of the choice.

        Parameters
        ----------
        outer
            The kind of unit.
        unit
            The one that is not looked at.

        Returns
        -------
        float
            The sum of both mean average precisions; one that is not defined counts nothing.

        """
        both = [asked.others[outer].get(unit, float("nan")) for asked in (self.nsc, self.nsb)]
        return float(np.nansum(both)) if not np.isnan(both).all() else float("-inf")


def candidate(
    profiles: anndata.AnnData,
    way: str,
    setting: str,
    /,
    *,
    label: str = schema.MOA,
    batch: str = "auto",
    batch_pattern: str = "",
    statistic: Statistic = "mean",
    shortcut: treatments.Floats | None = None,
) -> Candidate:
    """Ask one table for the mechanisms of its treatments.

    Parameters
    ----------
    profiles
        Profiles of wells, sites or cells.
    way, setting
        Their names.
    label, batch, batch_pattern, statistic
        As in the task `mechanism`.
    shortcut
        (rows, width) what is asked instead of the features, such as the position of each well.

    Returns
    -------
    Candidate
        What the choice and the scores need of it; the profiles are not kept.

    Raises
    ------
    InputError
        Where the table has no mechanisms, or values are missing.

    """
    profiles = inputs.as_profiles(profiles, task="choosing")
    wells.require(profiles.obs, [schema.PERTURBATION, label], task="choosing")
    values = wells.finite(profiles, task="choosing") if shortcut is None else shortcut
    rows = treatments.asked_rows(profiles.obs, label=label)
    keys = treatments.keys_of(profiles.obs, rows, label=label, batch=batch, pattern=batch_pattern)
    nsc, nsb = (_asked(values[rows], treatments.of_keys(keys, across=across), statistic=statistic) for across in (False, True))
    if nsc.treatments.empty:
        raise InputError(f"{way}{SEP}{setting}: no two compounds share a {label}, so none can be found by another")
    return Candidate(way, setting, nsc, nsb)


def _asked(values: treatments.Floats, asked: Treatments, *, statistic: Statistic) -> Asked:
    similarity = asked.similarity(values, statistic=statistic)
    nearest, rows = similarity.argmax(axis=1), np.flatnonzero(asked.answerable)
    names = asked.names.iloc[rows].reset_index(drop=True).reindex(columns=KEYS, fill_value="")
    precision = asked.precision(similarity)[rows]
    right = (asked.mechanism[nearest] == asked.mechanism)[rows].astype(float)
    others: dict[Outer, dict[str, float]] = {}
    for outer in OUTER:
        without = asked.precision_without(similarity, asked.names[outer].to_numpy(dtype=str))
        others[outer] = {unit: treatments.mean(precisions) for unit, precisions in without.items()}
    return Asked(names.assign(right=right, precision=precision), others, asked.chance_precision)
