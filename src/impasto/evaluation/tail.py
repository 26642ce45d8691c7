"""The tail test: does a part of the cells respond, the same way in each well? Wells are the units, control wells play the null.

y are cells centred on their well and whitened (`cells.whiten`). For well i of a perturbation with wells on plates:

    soft(y) = sign(y) max(|y| - 1.5, 0);   M_w = mean of soft(y) over the cells of w
    u_i = unit of the sum over its other wells j of (M_j - mean control M of j's plate)
    cut = .95 quantile of the control cells of i's plate on u_i;   e_i = share of i's cells beyond it
    t_i = (g(e_i) - mean g(e of control wells)) / (sd + .01),   g = arcsin sqrt
    T = sum t_i / sqrt(n);   responding share = mean (e - c) / (1 - c), c the mean of control wells' e

One well alone: the direction from half of its cells, the share from the other half, both ways.

Null: as many control wells of the same plates, left out of mean, cut and spread, scored alike. Every layout is scored where there are at
most 999, else 999 distinct ones: p = (1 + #{T of a layout >= T}) / (layouts + 1). Repeated layouts would count one accident twice.

A shift of all cells of a well is taken out with its median; the test of means looks for that. The share is a lower bound: responders inside
the controls' 95 % are not seen.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from impasto.statistics.permutation import p_value

Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
SOFT, QUANTILE, LAYOUTS, STEADY = 1.5, 0.95, 999, 0.01
Place = tuple[int, int]
"""A plate and a well, by their numbers."""


@dataclass(frozen=True)
class Tail:
    """The answer for one perturbation.

    Attributes
    ----------
    statistic
        T.
    share
        The responding share, a lower bound.
    p
        The p-value; NaN where no layout of controls can play.
    layouts
        How many distinct layouts its plates have.

    """

    statistic: float
    share: float
    p: float
    layouts: int


class TailTest:
    """The tail test on the wells of some plates.

    Parameters
    ----------
    cells
        (wells) each (cells, components), centred and whitened.
    controls
        Plate -> the wells of its controls.
    seed
        Of the layouts.
    layouts
        How many layouts are scored at most.

    """

    def __init__(
        self, cells: Sequence[npt.NDArray[np.floating]], controls: Mapping[int, Rows], /, *, seed: int = 0, layouts: int = LAYOUTS
    ):
        self._cells, self._controls, self._seed, self._most = cells, controls, seed, layouts
        width = cells[0].shape[1]
        self._soft = np.stack([soft(c).mean(axis=0) if len(c) else np.zeros(width) for c in cells])
        self._of_controls = {plate: np.concatenate([cells[w] for w in own]).astype(np.float32) for plate, own in controls.items()}
        self._starts = {plate: np.concatenate([[0], np.cumsum([len(cells[w]) for w in own])]) for plate, own in controls.items()}
        self._totals = {plate: self._soft[own].sum(axis=0) for plate, own in controls.items()}
        self._nulls: dict[tuple[tuple[int, int], ...], Numbers] = {}

    def test(self, members: Sequence[Place], /) -> Tail:
        """Test one perturbation.

        Parameters
        ----------
        members
            The plate and the row of each of its wells.

        Returns
        -------
        Tail
            The answer.

        """
        statistic, share = self.score(members, {})
        layout = tuple(sorted((plate, sum(p == plate for p, _ in members)) for plate in {p for p, _ in members}))
        possible = math.prod(math.comb(len(self._controls[plate]), count) for plate, count in layout)
        enough = all(len(self._controls[plate]) - count >= 2 for plate, count in layout)
        if not enough:
            return Tail(statistic, share, float("nan"), possible)
        if layout not in self._nulls:
            self._nulls[layout] = np.array([self._of_layout(layout, chosen) for chosen in self._layouts(layout, possible)])
        return Tail(statistic, share, p_value(statistic, self._nulls[layout]), possible)

    def score(self, members: Sequence[Place], out: Mapping[int, Sequence[int]], /) -> tuple[float, float]:
        """T and the responding share of some wells.

        Parameters
        ----------
        members
            The plate and the row of each well.
        out
            Plate -> which of its controls (by their place among them) play, and so do not judge.

        Returns
        -------
        statistic : float
            T.
        share : float
            The responding share.

        """
        middles = {plate: self._middle(plate, out.get(plate, ())) for plate in {p for p, _ in members}}
        parts: list[tuple[float, float]] = []
        if len(members) > 1:
            shifts = np.stack([self._soft[row] - middles[plate] for plate, row in members])
            total = shifts.sum(axis=0)
            for (plate, row), own in zip(members, shifts, strict=True):
                parts.append(self._beyond(plate, self._cells[row], total - own, out.get(plate, ())))
        else:
            ((plate, row),) = members
            for half in (0, 1):
                seen, judged = self._cells[row][half::2], self._cells[row][1 - half :: 2]
                parts.append(self._beyond(plate, judged, soft(seen).mean(axis=0) - middles[plate], out.get(plate, ())))
        statistics, shares = zip(*parts, strict=True)
        return float(sum(statistics) / math.sqrt(len(parts))), float(np.mean(shares))

    def responders(self, members: Sequence[Place], /) -> Iterator[tuple[Place, Numbers, float]]:
        """The cells of each well along the direction of the other wells.

        Parameters
        ----------
        members
            The plate and the row of each well.

        Yields
        ------
        tuple[Place, Numbers, float]
            The well, (cells,) the score of each, and the cut of the controls. Of one well alone, the direction is its own.

        """
        shifts = np.stack([self._soft[row] - self._middle(plate, ()) for plate, row in members])
        for (plate, row), own in zip(members, shifts, strict=True):
            direction = _unit(shifts.sum(axis=0) - own if len(members) > 1 else own)
            cut = float(np.quantile(self._of_controls[plate] @ direction, QUANTILE))
            yield (plate, row), self._cells[row].astype(np.float64) @ direction, cut

    def _middle(self, plate: int, out: Sequence[int]) -> Numbers:
        own = self._controls[plate]
        left = self._totals[plate] - self._soft[own[list(out)]].sum(axis=0) if len(out) else self._totals[plate]
        return np.asarray(left / (len(own) - len(out)))

    def _beyond(self, plate: int, cells: npt.NDArray[np.floating], direction: Numbers, out: Sequence[int]) -> tuple[float, float]:
        """How far the share of cells beyond the controls' cut exceeds that of control wells; and the excess itself."""
        unit = _unit(direction).astype(np.float32)
        along, starts = self._of_controls[plate] @ unit, self._starts[plate]
        judges = along
        if len(out):
            keep = np.ones(len(along), dtype=bool)
            for number in out:
                keep[starts[number] : starts[number + 1]] = False
            judges = along[keep]
        cut = np.quantile(judges, QUANTILE)
        shares = np.add.reduceat((along > cut).astype(np.float64), starts[:-1]) / np.diff(starts)
        shares = np.delete(shares, list(out)) if len(out) else shares
        own = float((cells.astype(np.float32) @ unit > cut).mean())
        turned, usual = _turn(shares), float(shares.mean())
        return float((_turn(np.array(own)) - turned.mean()) / (turned.std(ddof=1) + STEADY)), (own - usual) / (1 - usual)

    def _layouts(self, layout: Sequence[tuple[int, int]], possible: int) -> Iterator[tuple[tuple[int, ...], ...]]:
        """Which controls play on each plate: every choice where they are few, else distinct ones."""
        if possible <= self._most:
            yield from itertools.product(*(itertools.combinations(range(len(self._controls[p])), count) for p, count in layout))
            return
        rng = np.random.default_rng([self._seed, *(number for pair in layout for number in pair)])
        seen: set[tuple[tuple[int, ...], ...]] = set()
        while len(seen) < self._most:
            chosen = tuple(tuple(sorted(rng.permutation(len(self._controls[p]))[:count].tolist())) for p, count in layout)
            if chosen not in seen:
                seen.add(chosen)
                yield chosen

    def _of_layout(self, layout: Sequence[tuple[int, int]], chosen: Sequence[Sequence[int]]) -> float:
        out = {plate: own for (plate, _), own in zip(layout, chosen, strict=True)}
        members = [(plate, int(self._controls[plate][number])) for plate, own in out.items() for number in own]
        return self.score(members, out)[0]


def soft(values: npt.NDArray[np.floating], /) -> Numbers:
    """What of each value lies beyond 1.5 of the controls' standard deviations.

    Parameters
    ----------
    values
        Of any shape.

    Returns
    -------
    Numbers
        sign(y) max(|y| - 1.5, 0).

    """
    own = values.astype(np.float64)
    return np.asarray(np.sign(own) * np.maximum(np.abs(own) - SOFT, 0))


def _turn(shares: Numbers) -> Numbers:
    return np.asarray(np.arcsin(np.sqrt(shares)))


def _unit(direction: Numbers) -> Numbers:
    return np.asarray(direction / (np.linalg.norm(direction) + 1e-12))
