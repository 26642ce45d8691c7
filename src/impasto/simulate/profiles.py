"""The fast twin: simulated well profiles in CellProfiler's form, without painting a cell. Never real data, and named so."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd

from impasto import profiles as tables
from impasto import schema
from impasto.simulate import cells, layout
from impasto.simulate import plan as plans
from impasto.simulate.lines import lines
from impasto.simulate.plan import PROPERTIES, Plan

_CHANNELS = {"DNA": (0, 1), "ER": (4, 2), "RNA": (5, 4), "AGP": (6, 7, 3), "Mito": (8, 9)}
_COMPARTMENTS = ("Cells", "Cytoplasm", "Nuclei")
_MEASURES = ("Intensity_MeanIntensity", "Texture_Contrast", "Granularity_1", "RadialDistribution_FracAtD")
_SHAPES = ("AreaShape_Area", "AreaShape_Eccentricity")


def simulate(plan: Plan, /, *, seed: int) -> tuple[anndata.AnnData, pd.DataFrame]:
    """Profiles of wells in CellProfiler's form. Each feature reads a mix of the properties its channel shows, bent by a tanh, plus noise.

    Parameters
    ----------
    plan
        Sizes and strengths.
    seed
        Of all that is drawn.

    Returns
    -------
    tuple[anndata.AnnData, pd.DataFrame]
        Profiles with cell_count, and the truth table of the perturbations.

    Raises
    ------
    InputError
        Where the plan cannot be drawn.

    """
    known = plans.truth(plan, seed=seed)
    drawn_seed = plans.drawn_from(plan, seed=seed)
    where = layout.wells(plan, known, seed=drawn_seed)
    painted = cells.of_wells(plan, known, where, lines(plan, seed=seed), seed=drawn_seed)
    rng = np.random.default_rng([seed, 30])
    names: list[str] = []
    columns = []
    for compartment in _COMPARTMENTS:
        for channel, shown in _CHANNELS.items():
            for measure in _MEASURES:
                group, what = measure.split("_", 1)
                names.append(f"{compartment}_{group}_{what}_{channel}")
                columns.append(_reading(painted.properties, shown, rng))
        for shape in _SHAPES:
            names.append(f"{compartment}_{shape}")
            columns.append(_reading(painted.properties, (0, 2, 3), rng))
    values = np.stack(columns, axis=1)
    # What a feature reads stays in a repeat; the noise is drawn again.
    rng = np.random.default_rng([drawn_seed, 31]) if plan.repeat else rng
    values += 0.5 * plan.noise * rng.normal(size=values.shape)
    counts = rng.poisson(plan.cells * plan.sites * np.exp(painted.log_count))
    obs = where.drop(columns="number").assign(**{schema.CELL_COUNT: counts}).rename(index=str)
    profiles = anndata.AnnData(
        X=values.astype(np.float32), obs=obs, var=tables.describe_features(names), uns={"simulated": True, "seed": seed}
    )
    return profiles, known.perturbations


def _reading(
    properties: np.ndarray[tuple[int, int], np.dtype[np.float64]], shown: tuple[int, ...], rng: np.random.Generator
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    weights = np.zeros(len(PROPERTIES))
    weights[list(shown)] = rng.normal(size=len(shown))
    weights += 0.1 * rng.normal(size=len(PROPERTIES))
    mixed = properties @ weights
    return np.asarray(mixed + 0.5 * np.tanh(mixed + rng.normal()))
