"""The wells of each perturbation with the plates that they stand on, and sets of control positions that play a perturbation.

Labels may be shuffled within plates only: a well never leaves its plate, so a shuffled set has the same number of wells on each plate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells
from impasto.evaluation import positions, units
from impasto.evaluation.design import Design
from impasto.evaluation.layout import by_place
from impasto.evaluation.units import Units
from impasto.schema import InputError
from impasto.statistics import interval, jackknife
from impasto.statistics.interval import Interval

Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Pattern = tuple[int, ...]
"""The plate of each well of a set, as codes in order; a plate stands twice where two wells are on it."""


@dataclass(frozen=True)
class ReplicateSets:
    """The perturbations of a table that have enough wells.

    Attributes
    ----------
    names
        Sorted; at a dose each unless doses are pooled.
    members
        The rows of each, by plate and row.
    patterns
        The plates of each.
    plate
        (n,) the plate of every row, as a place in `plates`.
    plates
        Names of plates.
    compound
        (n,) the compound of every row as a code, -1 where nobody named it.
    treated, controls
        (n,) treated wells with a name, and the negative controls that may judge.
    place
        (n,) the position of every row on its plate as a number; None in a table without wells.
    order
        (n,) the rank of every row by what tells it from the others, whatever the order of the table.
    units
        The compound of each perturbation: what was sampled.

    """

    names: list[str]
    members: list[Rows]
    patterns: list[Pattern]
    plate: Rows
    plates: list[str]
    compound: Rows
    treated: Flags
    controls: Flags
    place: Rows | None
    order: Rows
    units: Units

    def shuffled(self, rng: np.random.Generator, /) -> Rows:
        """The row that each treated row becomes when labels are shuffled within plates; other rows stay.

        Parameters
        ----------
        rng
            Draws the shuffle.

        Returns
        -------
        Rows
            (n,)

        """
        given = np.arange(len(self.plate))
        for code in np.unique(self.plate[self.treated]):
            rows = by_place(self.treated & (self.plate == code), self.order)
            given[rows] = rng.permutation(rows)
        return given

    def share(self, flags: Flags, /, *, seed: int) -> Interval:
        """The interval of a share of perturbations: Wilson's, or the jackknife over compounds where one has several doses.

        Parameters
        ----------
        flags
            Which perturbations count.
        seed
            Of the groups of compounds.

        Returns
        -------
        Interval
            The interval.

        """
        if len(self.units) == len(flags):
            return interval.wilson(int(flags.sum()), len(flags), unit=self.units.word)
        return self.mean(flags.astype(np.float64), seed=seed, share=True)

    def mean(self, values: npt.NDArray[np.float64], /, *, seed: int, share: bool) -> Interval:
        """The jackknife over compounds of a mean over perturbations.

        Parameters
        ----------
        values
            One a perturbation.
        seed
            Of the groups of compounds.
        share
            Whether the mean lies in 0 to 1.

        Returns
        -------
        Interval
            The interval.

        """
        return jackknife.of_score(self.left_out(values, seed=seed), unit=self.units.word, share=share)

    def left_out(self, values: npt.NDArray[np.float64], /, *, seed: int) -> jackknife.LeftOut:
        """The mean over perturbations without each group of compounds.

        Parameters
        ----------
        values
            One a perturbation.
        seed
            Of the groups.

        Returns
        -------
        jackknife.LeftOut
            The mean, and the means without groups.

        """

        def score(keep: Flags) -> float:
            stays = keep[self.units.of]
            return float(values[stays].mean()) if stays.any() else float("nan")

        return jackknife.leave_out(score, len(self.units), seed=seed, pairs=False)

    def part(self, chosen: npt.NDArray[np.integer], /) -> ReplicateSets:
        """Some of the perturbations.

        Parameters
        ----------
        chosen
            Their places.

        Returns
        -------
        ReplicateSets
            These perturbations, on the same wells.

        """
        return ReplicateSets(
            [self.names[i] for i in chosen],
            [self.members[i] for i in chosen],
            [self.patterns[i] for i in chosen],
            *(self.plate, self.plates, self.compound, self.treated, self.controls, self.place, self.order),
            self.units.part(np.asarray(chosen, dtype=np.intp)),
        )

    def played_by_controls(self, *, seed: int) -> list[Rows]:
        """Sets of control wells that play perturbations, as `positions.played` makes them.

        Parameters
        ----------
        seed
            Of the drawing, where sets are drawn of other positions.

        Returns
        -------
        list[Rows]
            Rows of each set.

        """
        families = [""] * len(self.names)
        flags = (self.controls, self.controls, False, False)
        design = Design(self.names, self.members, self.plate, self.plates, self.place, self.order, *flags, families, [])
        return positions.played(design, seed=seed).sets


def replicate_sets(obs: pd.DataFrame, /, *, task: str, pool_doses: bool, least: int, with_controls: bool) -> ReplicateSets:
    """The perturbations of a table.

    Parameters
    ----------
    obs
        Annotation of n wells.
    task
        What needs them, as an error sentence begins.
    pool_doses
        Whether all doses of a perturbation are one.
    least
        How many wells a perturbation needs.
    with_controls
        Whether only wells on plates with a negative control count.

    Returns
    -------
    ReplicateSets
        The perturbations.

    Raises
    ------
    InputError
        No negative control is marked where they are needed, or no perturbation has enough wells.

    """
    wells.require(obs, [schema.PERTURBATION], task=task)
    if with_controls:
        wells.require_negative(obs, task=task)
    codes, plates = wells.plates(obs)
    controls = wells.unseen_negative(obs)
    names = wells.replicates(obs, pool_doses=pool_doses)
    treated = wells.treated(obs) & names.notna().to_numpy(dtype=bool)
    usable = treated & np.isin(codes, codes[controls]) if with_controls else treated
    rows = np.flatnonzero(usable)
    place, order = wells.spots(obs), wells.ranks(obs)
    rows = rows[np.lexsort((order[rows], codes[rows]))]
    groups = pd.Series(rows).groupby(names.to_numpy(dtype=str, na_value="")[rows], sort=True)
    members = {str(name): own.to_numpy(dtype=np.intp) for name, own in groups if len(own) >= least}
    if not members:
        where = " on plates with negative controls" if with_controls else ""
        most = max((len(own) for _, own in groups), default=0)
        raise InputError(
            f"{task} needs perturbations of {least} wells or more{where}, and the largest has {most}; "
            "pool doses with --set pool_doses=true, or read more plates"
        )
    compounds = wells.compounds(obs)
    first = [rows[0] for rows in members.values()]
    return ReplicateSets(
        list(members),
        list(members.values()),
        [tuple(np.sort(codes[own]).tolist()) for own in members.values()],
        *(codes, plates, pd.factorize(compounds)[0].astype(np.intp), treated, controls, place, order),
        units.named(compounds.iloc[first].astype(str).to_numpy(), word=units.kind_of(obs[treated])),
    )
