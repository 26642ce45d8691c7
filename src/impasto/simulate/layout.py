"""Where everything is: the wells of a plan, their plates and batches, and the perturbations that are in them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.schema import InputError
from impasto.simulate.plan import Plan, Truth


def wells(plan: Plan, known: Truth, *, seed: int) -> pd.DataFrame:
    """Where each well is, what is in it, and at which dose.

    Parameters
    ----------
    plan
        Sizes and strengths.
    known
        The truth.
    seed
        Of the layout.

    Returns
    -------
    pd.DataFrame
        One row a well.

    Raises
    ------
    InputError
        Where a plate has too few wells.

    """
    rng = np.random.default_rng([seed, 2])
    treated = [(i, dose) for i in range(plan.perturbations) for dose in plan.doses]
    total = len(treated) + plan.controls
    rows, columns = next(((r, c) for r, c in ((8, 12), (16, 24), (32, 48)) if r * c >= total), (0, 0))
    if not rows:
        raise InputError(f"{total} wells a plate do not fit on 1,536; lower perturbations, doses or controls")
    fixed = rng.permutation(rows * columns)[:total]
    parts = []
    for source in range(plan.sources):
        for batch in range(plan.batches):
            for plate in range(plan.plates * plan.cell_lines):
                place = rng.permutation(rows * columns)[:total] if plan.layout == "scrambled" else fixed
                parts.append(_plate(known, treated, place, columns, names=(f"S{source + 1}", f"S{source + 1}B{batch + 1}", plate)))
    whole = pd.concat(parts, ignore_index=True)
    # A plate holds one line; the plates of a batch go through the lines in turn.
    order = pd.factorize(whole[schema.PLATE])[0] % plan.cell_lines
    names = [plan.cell_line] if plan.cell_lines == 1 else [f"simulated line {i + 1}" for i in range(plan.cell_lines)]
    whole[schema.CELL_LINE] = [names[i] for i in order]
    whole = whole[_held(plan, whole, seed=seed)]
    return whole.sort_values([schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL], ignore_index=True)


def _held(plan: Plan, whole: pd.DataFrame, *, seed: int) -> npt.NDArray[np.bool_]:
    """Which wells are filled: controls, and those of the batches that their perturbation was given to."""
    each = plan.batches if plan.batches_each is None else plan.batches_each
    if not 1 <= each <= plan.batches:
        raise InputError(f"batches_each is {each}; allowed: 1 to {plan.batches}, the batches")
    total = plan.sources * plan.batches
    rng = np.random.default_rng([seed, 4])
    order = rng.permuted(np.tile(np.arange(plan.batches), (plan.perturbations, plan.sources, 1)), axis=2)
    held = np.zeros((plan.perturbations + 1, total), dtype=bool)
    held[:-1] = (order < each).reshape(plan.perturbations, total)
    held[-1] = True  # controls, whose number is -1
    return np.asarray(held[whole["number"], pd.factorize(whole[schema.BATCH])[0]])


def _plate(
    known: Truth, treated: list[tuple[int, float]], place: npt.NDArray[np.intp], columns: int, *, names: tuple[str, str, int]
) -> pd.DataFrame:
    annotation = [c for c in known.perturbations if c not in ("mechanism", "law", "potency")]
    drawn = known.perturbations.iloc[[i for i, _ in treated]][annotation].reset_index(drop=True)
    drawn = drawn.assign(
        **{"number": [i for i, _ in treated], schema.CONCENTRATION: [d for _, d in treated], schema.CONTROL_TYPE: schema.TRT}
    )
    blank = {
        "number": -1,
        schema.PERTURBATION: "DMSO",
        schema.PERTURBATION_NAME: "DMSO",
        schema.CONTROL_TYPE: schema.NEGCON,
        schema.CONCENTRATION: 0.0,
    }
    both = pd.concat([drawn, pd.DataFrame([blank] * (len(place) - len(treated)))], ignore_index=True)
    source, batch, plate = names
    where = {schema.SOURCE: source, schema.BATCH: batch, schema.PLATE: f"{batch}P{plate + 1}"}
    return both.assign(**where, **{schema.WELL: [schema.format_well(p // columns, p % columns) for p in place]})
