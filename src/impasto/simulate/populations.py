"""Wells of cells with a known answer: which perturbations move all cells, which a part of them, and which none.

A cell is a point of a few latent directions, seen through features with heavy-tailed noise, two states of the cycle, skew and clumps.
Every nuisance acts on wells (shift, scale, share of each state of the cycle, number of cells) or on plates (shift, scale of each feature),
so the well is the unit: cells of one well share what is not the perturbation's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema

Kind = Literal["inert", "part", "whole"]
Floats = npt.NDArray[np.float32]
CONTROL = "DMSO"


@dataclass(frozen=True)
class Screen:
    """What a simulated screen is.

    Attributes
    ----------
    plates, controls, wells_a_plate
        How many plates, control wells on each, and wells of each perturbation on each.
    cells
        Of a well, on average.
    share, size
        Of the cells of a `part`, how many respond, and by how many standard deviations.
    features, latent
        How many features, and directions behind them.
    well, cycle
        Standard deviation of the shift of a well, and of the share of cells in the second state of the cycle.

    """

    plates: int = 4
    controls: int = 32
    wells_a_plate: int = 1
    cells: int = 300
    share: float = 0.1
    size: float = 3.0
    features: int = 60
    latent: int = 10
    well: float = 0.25
    cycle: float = 0.04


@dataclass(frozen=True)
class Population:
    """The wells of a screen.

    Attributes
    ----------
    wells
        One row a well: plate, well, perturbation, control type.
    values
        (wells) each (cells, features).
    responds
        (wells) each (cells,) which cells respond.
    kinds
        The kind of each perturbation, in the order of its number.

    """

    wells: pd.DataFrame
    values: list[Floats]
    responds: list[npt.NDArray[np.bool_]]
    kinds: tuple[Kind, ...]


def screen(kinds: Sequence[Kind], plan: Screen, /, *, seed: int) -> Population:
    """Simulate a screen.

    Parameters
    ----------
    kinds
        What each perturbation does; they are named `p000`, `p001`...
    plan
        The screen.
    seed
        Of all numbers.

    Returns
    -------
    Population
        The wells.

    """
    rng = np.random.default_rng(seed)
    seen = _Features.drawn(plan, rng)
    directions = [_direction(plan.latent, rng) for _ in kinds]
    wells, values, responds = [], list[Floats](), list[npt.NDArray[np.bool_]]()
    for plate in range(plan.plates):
        shift, scale = 0.5 * rng.normal(size=plan.features), np.exp(0.1 * rng.normal(size=plan.features))
        todo = [-1] * plan.controls + [number for number in range(len(kinds)) for _ in range(plan.wells_a_plate)]
        for place, number in enumerate(todo):
            count = max(20, rng.poisson(plan.cells * np.exp(0.15 * rng.normal())))
            points, flags = rng.normal(size=(count, plan.latent)), np.zeros(count, dtype=bool)
            if number >= 0 and kinds[number] == "part":
                flags = rng.random(count) < plan.share
                points[flags] += plan.size * directions[number]
            if number >= 0 and kinds[number] == "whole":
                points += plan.share * plan.size * directions[number]
            values.append((seen.of(points, plan, rng) * scale + shift).astype(np.float32))
            responds.append(flags)
            name, kind = (CONTROL, schema.NEGCON) if number < 0 else (f"p{number:03d}", schema.TRT)
            wells.append((f"P{plate + 1}", schema.format_well(place // 24, place % 24), name, kind))
    table = pd.DataFrame(wells, columns=[schema.PLATE, schema.WELL, schema.PERTURBATION, schema.CONTROL_TYPE])
    return Population(table, values, responds, tuple(kinds))


@dataclass(frozen=True)
class _Features:
    """How points become features: loadings, noise, the cycle's shift, which are skewed, and where the shift of a well may go."""

    loadings: npt.NDArray[np.float64]
    noise: npt.NDArray[np.float64]
    cycle: npt.NDArray[np.float64]
    skewed: npt.NDArray[np.bool_]
    of_wells: npt.NDArray[np.float64]

    @classmethod
    def drawn(cls, plan: Screen, rng: np.random.Generator) -> _Features:
        return cls(
            rng.normal(size=(plan.latent, plan.features)) / np.sqrt(plan.latent),
            rng.uniform(0.4, 0.9, plan.features),
            0.5 * rng.normal(size=plan.features) * (rng.random(plan.features) < 0.4),
            rng.random(plan.features) < 0.3,
            rng.normal(size=(6, plan.features)) / np.sqrt(6),
        )

    def of(self, points: npt.NDArray[np.float64], plan: Screen, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """The cells of one well, with all that a well shares."""
        count, width = len(points), plan.features
        second = rng.random(count) < 0.3 + plan.cycle * rng.normal()
        values = (
            points @ self.loadings + self.noise * rng.standard_t(5, size=(count, width)) / np.sqrt(5 / 3) + second[:, None] * self.cycle
        )
        clumps = rng.random(count) < 0.02 * np.exp(0.5 * rng.normal())
        values[clumps] += 2.1 * rng.standard_normal((int(clumps.sum()), 1)) * np.sign(rng.normal(size=width))
        values[:, self.skewed] = np.sign(values[:, self.skewed]) * np.expm1(0.5 * np.abs(values[:, self.skewed]))
        shift = plan.well * (rng.normal(size=6) @ self.of_wells) + 0.3 * plan.well * rng.normal(size=width)
        return np.asarray(values * np.exp(0.05 * rng.normal()) + shift)


def _direction(latent: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    direction = rng.normal(size=latent) * (rng.random(latent) < 0.4)
    if not direction.any():
        direction[rng.integers(latent)] = 1
    return np.asarray(direction / np.linalg.norm(direction))
