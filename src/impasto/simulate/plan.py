"""What to simulate, and the truth: mechanisms, the law each follows, potencies, nuisances; all drawn from one seed.

A mechanism moves a few of ten properties of a cell. How far, at a dose, is its *law*: linear, saturating, a threshold or a hump,
drawn from the seed, so that nothing can be tuned to one of them. Perturbations of one mechanism share its direction and a
scaffold; each has its own potency. `links = "shuffled"` shuffles the annotation: what is written then says nothing about what
is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from impasto import schema
from impasto.schema import InputError
from impasto.settings import Settings

PROPERTIES = (
    "nucleus size",
    "nucleus light",
    "cell size",
    "elongation",
    "ER light",
    "RNA nucleoli",
    "actin fibres",
    "Golgi light",
    "mito spread",
    "mito light",
)
_SCAFFOLDS = (
    "c1ccc2ncccc2c1",
    "c1ccc2[nH]ccc2c1",
    "c1ccc(cc1)C(=O)N",
    "C1CCNCC1",
    "c1cnc2[nH]cnc2c1",
    "N1C(=O)CSC1=S",
    "c1ccsc1",
    "c1ccc2OCOc2c1",
    "c1cc(=O)oc2ccccc12",
    "C1COCCN1",
    "c1cc[nH]n1",
    "c1ccc2nonc2c1",
)
_TAILS = (
    "C",
    "CC",
    "O",
    "N",
    "CO",
    "CCC",
    "F",
    "Cl",
    "CN",
    "CCO",
    "CCN",
    "C(C)C",
    "CC(C)C",
    "ClC",
    "FC",
    "COC",
    "OC",
    "NC",
    "CCCC",
    "CCCO",
)
"""Side chains; the first five may also stand between another one and the scaffold."""


class Plan(Settings):
    """Sizes and strengths. Effects are in units of the sd between cells' wells."""

    sources: int = Field(default=1, ge=1)
    batches: int = Field(default=2, ge=1)
    plates: int = Field(default=2, ge=1)
    """A batch."""
    mechanisms: int = 8
    perturbations: int = Field(default=32, ge=1)
    doses: list[float] = Field(default=[1.0], min_length=1)
    inert: int = Field(default=0, ge=0)
    """How many of the perturbations, the last ones, do nothing."""
    controls: int = Field(default=16, ge=0)
    """Wells a plate."""
    platemap: Literal["csv", "excel"] = "csv"
    """How the platemap is written: with our own words, or as a laboratory would (`platemap.xlsx`, doses in µM)."""
    batches_each: int | None = Field(default=None, ge=1)
    """In how many batches a perturbation stands, drawn for each; in all by default. Then genes that share a batch may look alike."""
    layout: Literal["fixed", "scrambled"] = "scrambled"
    kind: Literal["compound", "crispr"] = "compound"
    links: Literal["true", "shuffled"] = "true"
    cell_line: str = "simulated line 1"
    """The name of the line where there is one."""
    cell_lines: int = Field(default=1, ge=1)
    """Each on plates of its own: `plates` a batch and line."""
    line_effect: float = 2.0
    line_answer: float = 0.5
    """How differently lines answer one perturbation."""
    own: float = 0.0
    """How far a perturbation goes its own way, beside its mechanism's."""
    strength: float = 1.0
    count_effect: float = 0.5
    source_effect: float = 1.0
    batch_effect: float = 1.0
    plate_effect: float = 0.5
    batch_optics: float = 0.0
    """How far focus, grain, slope of the light, and each stain's background and response differ (simulate/optics.py); images only."""
    plate_optics: float = 0.0
    well_optics: float = 0.0
    repeat: int = Field(default=0, ge=0)
    """Of the experiment: each does the same to the cells, in batches and wells of its own (`drawn_from`)."""
    position_effect: float = 0.5
    noise: float = 1.0
    sites: int = Field(default=1, ge=1)
    pixels: int = Field(default=256, ge=1)
    cells: int = Field(default=24, ge=0)
    """A site, on average."""
    magnification: float = Field(default=1.0, gt=0)
    """How large cells are painted: at 1, a site is as wide as 7.5 of them."""
    missing: int = Field(default=0, ge=0)
    """Files left out, of images."""
    corrupt: int = Field(default=0, ge=0)
    """Files cut short, of images."""


def drawn_from(plan: Plan, /, *, seed: int) -> int:
    """The seed of all that is drawn again in a repeat of the experiment.

    Parameters
    ----------
    plan
        `repeat` numbers the experiment.
    seed
        Of the first experiment.

    Returns
    -------
    int
        The seed; the plan's own for the first.

    """
    return seed + 1_000_003 * plan.repeat


Law = Callable[[float], float]
LAWS: dict[str, Law] = {
    "linear": lambda dose: dose,
    "saturating": lambda dose: 1.5 * dose / (0.5 + dose),
    "threshold": lambda dose: 1.2 if dose >= 0.7 else 0.0,
    "hump": lambda dose: 2.7 * dose * float(np.exp(-dose)),
}
"""Dose (1 is a perturbation's full dose) -> how far its mechanism moves the cell."""


@dataclass(frozen=True)
class Truth:
    """What the simulation knows.

    Attributes
    ----------
    perturbations
        One row each, with mechanism, law and potency.
    directions
        (mechanisms, 10), how each mechanism moves the properties.

    """

    perturbations: pd.DataFrame
    directions: npt.NDArray[np.float64]
    count_shift: npt.NDArray[np.float64]
    """How each mechanism moves the number of cells (log)."""
    private: npt.NDArray[np.float64]
    """Where each perturbation goes beside its mechanism (perturbations, 10)."""

    def effect(self, number: int, dose: float) -> npt.NDArray[np.float64]:
        """How far a perturbation moves the properties, before the plan's strength.

        Parameters
        ----------
        number
            Of the perturbation.
        dose
            1 is its full dose.

        Returns
        -------
        npt.NDArray[np.float64]
            (10,), in sd.

        """
        row = self.perturbations.iloc[number]
        return np.asarray(row["potency"] * LAWS[row["law"]](dose) * (self.directions[row["mechanism"]] + self.private[number]))


def truth(plan: Plan, *, seed: int) -> Truth:
    """Draw mechanisms and perturbations.

    Parameters
    ----------
    plan
        Sizes and strengths.
    seed
        Of all that is drawn.

    Returns
    -------
    Truth
        The truth.

    Raises
    ------
    InputError
        Where the plan asks for more mechanisms than there are perturbations, or scaffolds of compounds.

    """
    most = min(len(_SCAFFOLDS), plan.perturbations) if plan.kind == "compound" else plan.perturbations
    if not 1 <= plan.mechanisms <= most:
        raise InputError(f"mechanisms is {plan.mechanisms}; allowed: 1 to {most} for {plan.perturbations} perturbations")
    if not 0 <= plan.inert <= plan.perturbations:
        raise InputError(f"inert is {plan.inert}; allowed: 0 to {plan.perturbations}, the perturbations")
    rng = np.random.default_rng([seed, 1])
    directions = rng.normal(size=(plan.mechanisms, len(PROPERTIES))) * (rng.random((plan.mechanisms, len(PROPERTIES))) < 0.4)
    empty = ~directions.any(axis=1)
    directions[empty, rng.integers(0, len(PROPERTIES), int(empty.sum()))] = 1.0
    directions *= 3.0 / np.linalg.norm(directions, axis=1, keepdims=True)
    laws = rng.choice(sorted(LAWS), plan.mechanisms)
    mechanism = np.arange(plan.perturbations) % plan.mechanisms
    annotated = rng.permutation(mechanism) if plan.links == "shuffled" else mechanism
    scaffolds = rng.permutation(len(_SCAFFOLDS))[: plan.mechanisms]
    nth = pd.Series(annotated).groupby(annotated).cumcount().to_numpy()
    potency = rng.uniform(0.6, 1.4, plan.perturbations)
    potency[plan.perturbations - plan.inert :] = 0.0
    rows = {
        schema.PERTURBATION: [f"SIM-{i:03d}" for i in range(plan.perturbations)],
        schema.PERTURBATION_NAME: [f"simulated {plan.kind} {i:03d}" for i in range(plan.perturbations)],
        schema.PERTURBATION_TYPE: plan.kind,
        schema.MOA: [f"simulated mechanism {m}" for m in annotated],
        schema.GENE: [f"SIM{m:02d}{chr(65 + n % 26)}" for m, n in zip(annotated, nth, strict=True)],
        "mechanism": mechanism,
        "law": laws[mechanism],
        "potency": potency,
    }
    if plan.kind == "compound":
        rows[schema.SMILES] = [_tail(int(n)) + _SCAFFOLDS[scaffolds[m]] for m, n in zip(annotated, nth, strict=True)]
    private = np.random.default_rng([seed, 3]).normal(size=(plan.perturbations, len(PROPERTIES)))
    private *= 3.0 * plan.own / np.linalg.norm(private, axis=1, keepdims=True)
    return Truth(pd.DataFrame(rows), directions, rng.normal(size=plan.mechanisms), private)


def _tail(number: int) -> str:
    """A side chain of its own for each perturbation of a mechanism."""
    first, second = _TAILS[number % len(_TAILS)], number // len(_TAILS)
    return first + (_TAILS[(second - 1) % 5] if second else "")
