"""What the numbers of an assay must be read with: each warning is one sentence, printed first and at the top of the report."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from impasto import schema, wells
from impasto.assay import refusals
from impasto.correction import few_controls
from impasto.coverage import Coverage
from impasto.evaluation.design import Design
from impasto.evaluation.dose_response import FEWEST_DOSES
from impasto.evaluation.plan import Plan, controls_for_a_lone_hit, hits_needed, smallest_p

FEW_JUDGES = 8
MOST_LEFT_OUT = 0.1
"""Share of sites left out above which the report warns."""
TOXIC = 0.5
"""A perturbation with fewer cells than this share of its plates' controls is marked toxic."""
_MOST_WELLS = 12
"""So many wells a plate at most are proposed."""


def of_design(obs: pd.DataFrame, where: Design, outlook: Plan, /, *, rate: float) -> list[str]:
    """The warnings that a layout gives before an image is read.

    Parameters
    ----------
    obs
        Annotation of n wells.
    where
        Who is tested against whom.
    outlook
        What that can show.
    rate
        The false discovery rate.

    Returns
    -------
    list[str]
        Sentences, the gravest first.

    """
    said = [
        _few_hits_possible(outlook, rate=rate),
        _few_judges(where),
        _few_to_learn_from(where),
        _several_conditions(obs),
        _one_place(where),
        _controls_together(obs),
        _one_plate(where),
        _few_doses(obs),
        _position_open(outlook),
    ]
    return [sentence for sentence in said if sentence]


def cannot(outlook: Plan, /) -> bool:
    """Whether no result of this design could be called a hit.

    Parameters
    ----------
    outlook
        The plan.

    Returns
    -------
    bool
        Where more perturbations than there are would have to reach the smallest p.

    """
    return outlook.hits_needed > outlook.perturbations


def _few_hits_possible(outlook: Plan, *, rate: float) -> str:
    needed, tested = outlook.hits_needed, outlook.perturbations
    if needed == 1:
        return ""
    start = "This design cannot yield a hit" if cannot(outlook) else "This design can hardly yield a hit"
    controls = f"{_count(outlook.controls, 'negative control')} a plate can judge"
    on = "1 plate" if outlook.plates == 1 else f"each of {outlook.plates} plates"
    wells_each = f"a perturbation has {_count(outlook.treated, 'well')} on {on}"
    reach = "more than there are" if cannot(outlook) else f"{needed} of them must reach it at once"
    return (
        f"{start}: {controls} and {wells_each}, so no p-value can be smaller than "
        f"{outlook.floor:.2g}; at a false discovery rate of {rate:.0%} {needed} of {tested} tests would have to reach it, {reach}. "
        f"{_remedy(outlook, rate)}"
    )


def _remedy(outlook: Plan, rate: float) -> str:
    """How many wells would allow a lone hit: more controls, or more wells of each perturbation."""
    treated, tested = [outlook.treated] * outlook.plates, outlook.perturbations
    ways = []
    controls = controls_for_a_lone_hit(treated, tested, rate)
    if controls is not None:
        ways.append(f"{controls} controls a plate to judge by ({2 * controls} in all, since half teach the correction)")
    for count in range(outlook.treated + 1, _MOST_WELLS + 1):
        if hits_needed(tested, smallest_p([(count, outlook.controls)] * outlook.plates), rate) == 1:
            ways.append(f"{count} wells a plate of each perturbation")
            break
    for plates in range(outlook.plates + 1, _MOST_WELLS + 1):
        if hits_needed(tested, smallest_p([(outlook.treated, outlook.controls)] * plates), rate) == 1:
            ways.append(f"{plates} plates of the same layout")
            break
    return f"A lone hit needs {', or '.join(ways)}." if ways else "No number of wells on these plates would allow one."


def _few_judges(where: Design) -> str:
    counts = np.bincount(where.plate[where.judges()], minlength=len(where.plates))
    few = [f"{name.strip('/')} {count}" for name, count in zip(where.plates, counts, strict=True) if count < FEW_JUDGES]
    return f"Fewer than {FEW_JUDGES} negative controls are left to judge by on {_some(few)}." if few else ""


def _few_to_learn_from(where: Design) -> str:
    """Plates whose scale would rest on few controls, once those that judge are taken off."""
    return few_controls.sentence(dict(zip(where.plates, where.controls_of_plates().tolist(), strict=True)))


def of_coverage(covers: Iterable[Coverage], /) -> list[str]:
    """The warnings that a platemap and the wells do not cover each other.

    Parameters
    ----------
    covers
        How far each platemap and the wells cover each other.

    Returns
    -------
    list[str]
        One sentence for each side that lacks wells.

    """
    said = []
    for cover in covers:
        if cover.described < cover.wells:
            missing = f"{cover.wells - cover.described} of {cover.wells} wells of the plates"
            said.append(f"{missing} are not in the platemap ({_first(cover.not_described)}).")
        if cover.present < cover.rows:
            missing = f"{cover.rows - cover.present} of {cover.rows} wells of the platemap"
            said.append(f"{missing} are not on the plates ({_first(cover.not_present)}).")
    return said


def _first(names: Iterable[str]) -> str:
    return f"first: {', '.join(names)}"


def _several_conditions(obs: pd.DataFrame) -> str:
    several = refusals.conditions(obs)
    if not several:
        return ""
    columns = sorted({column for _, column, _ in several})
    return (
        f"{len({plate for plate, _, _ in several})} plates hold several values of {' and '.join(columns)}; each well is compared with the "
        "controls of all of them. Give the wells of each a plate name of its own to keep them apart."
    )


def _one_place(where: Design) -> str:
    """Perturbations whose wells all stand at one position."""
    if where.place is None:
        return ""
    several = [rows for rows in where.members if len(np.unique(where.plate[rows])) > 1]
    fixed = sum(len(np.unique(where.place[rows])) == 1 for rows in several)
    if not fixed:
        return ""
    return (
        f"{fixed} of {len(several)} perturbations keep one well position on every plate, so what a position does looks like an effect; "
        "read each score beside the one of position only."
    )


def _controls_together(obs: pd.DataFrame) -> str:
    """Plates whose negative controls stand in one column, or on the edge only."""
    codes, names = wells.plates(obs)
    negative = wells.negative(obs)
    row, column = wells.place(obs)
    together = []
    for code, name in enumerate(names):
        here = codes == code
        own = here & negative
        edge = np.isin(row, [row[here].min(), row[here].max()]) | np.isin(column, [column[here].min(), column[here].max()])
        if len(np.unique(column[own])) == 1:
            together.append(f"{name.strip('/')} (one column)")
        elif edge[own].all():
            together.append(f"{name.strip('/')} (the edge)")
    if not together:
        return ""
    return f"The negative controls stand together on {_some(together)}; an effect of the position and one of a compound look alike there."


def _one_plate(where: Design) -> str:
    single = sum(len(np.unique(where.plate[rows])) == 1 for rows in where.members)
    if not single:
        return ""
    return f"{single} of {len(where.members)} perturbations stand on one plate only; no other plate confirms them."


def _few_doses(obs: pd.DataFrame) -> str:
    if schema.CONCENTRATION not in obs or len(refusals.doses_tried(obs)) < 2:
        return ""
    treated = obs[wells.treated(obs)]
    per = pd.to_numeric(treated[schema.CONCENTRATION], errors="coerce").groupby(treated[schema.PERTURBATION].astype("string")).nunique()
    few = int(((per > 1) & (per < FEWEST_DOSES)).sum())
    if not few:
        return ""
    return f"{few} of {int((per > 1).sum())} compounds with several doses have fewer than {FEWEST_DOSES}; no dose curve is fitted to them."


def _position_open(outlook: Plan) -> str:
    return next((f"{line[:1].upper()}{line[1:]}." for line in outlook.sentences() if line.endswith("position is not excluded")), "")


def of_sites(left_out: int, sites: int, /) -> str:
    """The warning that many sites were left out.

    Parameters
    ----------
    left_out, sites
        How many of how many.

    Returns
    -------
    str
        Empty up to a tenth.

    """
    if not sites or left_out / sites <= MOST_LEFT_OUT:
        return ""
    return f"{left_out} of {sites} sites ({left_out / sites:.0%}) were left out for their quality; look at the plates before you read on."


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 5} more plates" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
