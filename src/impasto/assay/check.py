"""The design of an assay, looked at before an image is read: what it can show, what it warns of, and why it is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from impasto import schema, texts, wells
from impasto.assay import refusals, warnings
from impasto.assay.settings import RATE, SPARE
from impasto.correction import spared
from impasto.evaluation import calls, plan, positions
from impasto.evaluation.design import Design, design
from impasto.evaluation.plan import Plan

FILE = "design.json"
DRAWS = 20_000


@dataclass(frozen=True)
class PlateCounts:
    """The wells of one plate.

    Attributes
    ----------
    plate
        Its name.
    wells, treated, controls, judges
        How many there are, treated ones, negative controls, and those of them that no correction learns from.

    """

    plate: str
    wells: int
    treated: int
    controls: int
    judges: int


@dataclass(frozen=True)
class Check:
    """What a design is, and what it can show.

    Attributes
    ----------
    plates
        One a plate.
    compounds, tested, doses
        How many compounds, how many tests (a compound at a dose each), and how many different doses.
    replicated
        How many of the tested stand in two wells or more.
    dose_unit
        Of all doses; empty where nobody says it.
    rate
        The false discovery rate.
    plan
        The smallest p-value and what it needs.
    cannot
        Whether no result could be called a hit.
    sentences
        The design and its plan in words.
    warnings
        What the numbers must be read with.

    """

    plates: list[PlateCounts]
    compounds: int
    tested: int
    doses: int
    replicated: int
    dose_unit: str
    rate: float
    plan: Plan
    cannot: bool
    sentences: list[str]
    warnings: list[str]

    def write(self, path: Path, /) -> None:
        """Write it as JSON.

        Parameters
        ----------
        path
            The file.

        """
        texts.write(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, path: Path, /) -> Check:
        """Read what `write` wrote.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        Check
            The same.

        """
        values = json.loads(texts.read(path))
        return cls(**{**values, "plan": Plan(**values["plan"]), "plates": [PlateCounts(**plate) for plate in values["plates"]]})


def check(
    obs: pd.DataFrame,
    /,
    *,
    dose_unit: str = "",
    noted: Sequence[str] = (),
    spare: float = SPARE,
    rate: float = RATE,
    seed: int = 0,
) -> Check:
    """Look at the design of an assay.

    Parameters
    ----------
    obs
        Annotation of n wells, as `impasto ingest` writes it.
    dose_unit
        Of all doses; empty where nobody says it.
    noted
        Warnings of what lies before the design, as that the platemap lacks wells.
    spare
        Share of the negative controls that no correction learns from.
    rate
        The false discovery rate.
    seed
        Of the choice of spared controls.

    Returns
    -------
    Check
        The design.

    Raises
    ------
    InputError
        Where the assay cannot be analysed.

    """
    refusals.refuse(obs, dose_unit=dose_unit)
    where = _design(obs, spare=spare, seed=seed)
    which = positions.played(where, seed=seed)
    outlook = plan.plan(where, which, reproduction=calls.reproduces(where, "auto"), draws=DRAWS, rate=rate)
    compounds = int(wells.compounds(obs)[wells.treated(obs)].nunique())
    doses = len(refusals.doses_tried(obs))
    counts = _plates(obs, where)
    return Check(
        counts,
        compounds,
        len(where.names),
        doses,
        sum(len(rows) > 1 for rows in where.members),
        dose_unit,
        rate,
        outlook,
        warnings.cannot(outlook),
        [_in_words(counts, compounds, len(where.names), doses), *_of_plan(outlook), *where.left_out],
        [*noted, *warnings.of_design(obs, where, outlook, rate=rate)],
    )


def _design(obs: pd.DataFrame, *, spare: float, seed: int) -> Design:
    """The design as the test of hits will see it, of wells without a feature."""
    marked = obs.assign(**{schema.SPARED: spared.chosen_controls(obs, share=spare, seed=seed)})
    marked.index = pd.RangeIndex(len(obs)).astype(str)
    return design(anndata.AnnData(X=np.zeros((len(obs), 0), dtype=np.float32), obs=marked), pool_doses=False, by_batch=False, seed=seed)


def _plates(obs: pd.DataFrame, where: Design) -> list[PlateCounts]:
    counted = [np.bincount(where.plate[flags], minlength=len(where.plates)) for flags in _flags(obs, where)]
    return [
        PlateCounts(name.strip("/"), *(int(count[code]) for count in counted))  # one number of each kind
        for code, name in enumerate(where.plates)
    ]


def _flags(obs: pd.DataFrame, where: Design) -> tuple[wells.Flags, ...]:
    return np.ones(len(obs), dtype=bool), wells.treated(obs), wells.negative(obs), where.judging


def _in_words(counts: list[PlateCounts], compounds: int, tested: int, doses: int) -> str:
    sizes = sorted({count.wells for count in counts})
    a_plate = f"{sizes[0]} wells each" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]} wells each"
    judges = sorted({count.judges for count in counts})
    left = f"{judges[0]}" if len(judges) == 1 else f"{judges[0]} to {judges[-1]}"
    what = f"{compounds} perturbations" + (f" at {doses} doses ({tested} tests)" if tested > compounds else "")
    return f"{len(counts)} plate{'s' if len(counts) != 1 else ''}, {a_plate}; {what}; negative controls spared to judge by: {left} a plate"


def _of_plan(outlook: Plan) -> list[str]:
    return [line for line in outlook.sentences() if not line.endswith("position is not excluded")]
