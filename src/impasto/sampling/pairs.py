"""Pairs of sites of one perturbation: across wells, or within one.

Huang et al., CWA-MSN, section 3.2: draw a perturbation (at one dose: replicates), then an anchor and a target well of it, distinct, over
plates and batches as they come. `wells = "single"` takes the anchor's site twice (the ablation of Table 3). Two settings are not in the
paper: `prefer` draws the target from another plate or batch where there is one, `together` takes the anchors of a minibatch from one batch.
Every draw is a function of the generator that is given, so of seed, epoch and row. Unknown and empty wells are in no pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells
from impasto.sampling import bags, minibatches, together
from impasto.schema import InputError
from impasto.settings import Settings

Rows = npt.NDArray[np.intp]


class PairSettings(Settings):
    """Which two sites make a pair, and what an epoch is."""

    wells: Literal["cross", "single"] = "cross"
    prefer: Literal["any", "plate", "batch"] = "any"
    lonely: Literal["refuse", "same-well"] = "refuse"
    """What to do with a perturbation that has one well."""
    together: Literal["any", "batch"] = "any"
    """`batch`: the anchors of a minibatch come from one batch, the batches in turn."""
    epoch: Literal["perturbations", "sites"] = "perturbations"
    """Each perturbation `repeats` times, or each site `repeats` times as the anchor."""
    repeats: int = 1
    controls: bool = True
    """Whether the negative controls are a perturbation like the others."""
    group_by: list[str] = [schema.PERTURBATION]  # noqa: RUF012 - pydantic copies defaults


@dataclass(frozen=True)
class Pairs:
    """Perturbations and their sites, and where each site is.

    Attributes
    ----------
    settings
        Which two sites make a pair.
    names
        Of the perturbations.
    members
        The rows of the sites of each perturbation.
    well, plate, batch
        Codes (sites,) of where each site is.

    """

    settings: PairSettings
    names: list[str]
    members: list[Rows]
    well: Rows
    plate: Rows
    batch: Rows

    @classmethod
    def of(cls, obs: pd.DataFrame, settings: PairSettings, /, *, among: Sequence[int] | None = None) -> Pairs:
        """The pairs that some sites allow.

        Parameters
        ----------
        obs
            Annotation of the sites.
        settings
            Which two sites make a pair.
        among
            The rows to use; None: all.

        Returns
        -------
        Pairs
            The pairs.

        Raises
        ------
        InputError
            Where nothing says what was done to the cells, or (unless the settings allow it) a perturbation has one well only.

        """
        if schema.PERTURBATION not in obs or obs[schema.PERTURBATION].isna().all():
            raise InputError("no site has a perturbation, so there are no pairs; ingest the images with --platemap")
        usable = _usable(obs, controls=settings.controls)
        usable = usable if among is None else np.intersect1d(usable, among)
        groups = {name: usable[rows] for name, rows in bags.groups(obs.iloc[usable], by=settings.group_by).items()}
        plate, _ = wells.plates(obs)
        well = pd.factorize(pd.MultiIndex.from_arrays([plate, obs[schema.WELL].astype("string").fillna("")]), sort=True)[0]
        wider = next((word for word in (schema.BATCH, schema.SOURCE) if word in obs), None)
        batch, _ = wells.groups(obs, wider)
        pairs = cls(settings, list(groups), list(groups.values()), well=well.astype(np.intp), plate=plate, batch=batch)
        pairs._refuse_lonely()
        return pairs

    def _refuse_lonely(self) -> None:
        lonely = [name for name, rows in zip(self.names, self.members, strict=True) if len(np.unique(self.well[rows])) < 2]
        if lonely and self.settings.wells == "cross" and self.settings.lonely == "refuse":
            raise InputError(
                f"{len(lonely)} of {len(self.names)} perturbations have one well only (first: {lonely[0]!r}), so no other well to pair it "
                'with; set pairs.lonely = "same-well" to pair it with itself, or leave them out'
            )

    def __len__(self) -> int:
        """How many rows an epoch has."""
        once = len(self.names) if self.settings.epoch == "perturbations" else sum(map(len, self.members))
        return once * self.settings.repeats

    def passes(self) -> list[Rows]:
        """The rows of an epoch, pass by pass: a pass has each perturbation (or site) once.

        Returns
        -------
        list[Rows]
            The rows of each pass.

        """
        return np.split(np.arange(len(self), dtype=np.intp), self.settings.repeats)

    def minibatches(self, number: int, rng: np.random.Generator, /, *, size: int) -> list[Rows]:
        """The minibatches of an epoch: shuffled passes, each cut into minibatches of exactly the size; none holds a row twice.

        Parameters
        ----------
        number
            Of the epoch.
        rng
            Where all numbers come from.
        size
            Rows of a minibatch.

        Returns
        -------
        list[Rows]
            Rows as `draw` takes them. With `together` they say the batch of their anchors too.

        """
        made: list[Rows] = []
        for rows in self.passes():
            order = rng.permutation(rows)
            if self.settings.together == "any":
                made += minibatches.cut(order, size)
                continue
            for part, batch in together.in_turn(order, self._present(), size, first=number + len(made)):
                made.append(part + (batch + 1) * len(self))
        return made

    def _present(self) -> npt.NDArray[np.bool_]:
        """Whether each row of an epoch has an anchor in each batch, (rows, batches)."""
        here = np.zeros((len(self), int(self.batch.max()) + 1), dtype=bool)
        for row in range(len(self)):
            group, anchor = self._group_and_anchor(row)
            here[row, self.batch[self.members[group] if anchor is None else [anchor]]] = True
        return here

    def draw(self, row: int, rng: np.random.Generator, /) -> tuple[int, int, int]:
        """Draw one pair.

        Parameters
        ----------
        row
            Of an epoch, as `minibatches` gives it.
        rng
            Where all numbers come from.

        Returns
        -------
        tuple[int, int, int]
            The number of the perturbation, the anchor's site and the target's site.

        """
        batch, row = divmod(row, len(self))
        group, fixed = self._group_and_anchor(row)
        members = self.members[group]
        anchor = self._site(members[self.batch[members] == batch - 1] if batch else members, rng) if fixed is None else fixed
        if self.settings.wells == "single":
            return group, anchor, anchor
        return group, anchor, self._partner(self.members[group], anchor, rng)

    def _group_and_anchor(self, row: int) -> tuple[int, int | None]:
        """The perturbation of a row, and its anchor where an epoch counts sites."""
        if self.settings.epoch == "perturbations":
            return row % len(self.names), None
        ends = np.cumsum([len(rows) for rows in self.members])
        place = row % int(ends[-1])
        group = int(np.searchsorted(ends, place, side="right"))
        return group, int(self.members[group][place - (int(ends[group - 1]) if group else 0)])

    def _site(self, rows: Rows, rng: np.random.Generator) -> int:
        """A site of a well that is drawn first: wells with many sites count no more than others."""
        there = np.unique(self.well[rows])
        of_one = rows[self.well[rows] == there[rng.integers(len(there))]]
        return int(of_one[rng.integers(len(of_one))])

    def _partner(self, rows: Rows, anchor: int, rng: np.random.Generator) -> int:
        others = rows[self.well[rows] != self.well[anchor]]
        if not len(others):
            return anchor
        if self.settings.prefer != "any":
            place = self.plate if self.settings.prefer == "plate" else self.batch
            elsewhere = others[place[others] != place[anchor]]
            others = elsewhere if len(elsewhere) else others
        return self._site(others, rng)


def _usable(obs: pd.DataFrame, *, controls: bool) -> Rows:
    """The treated rows, and the negative controls where these count."""
    usable = wells.treated(obs) | wells.negative(obs) if controls else wells.treated(obs)
    return np.flatnonzero(usable)
