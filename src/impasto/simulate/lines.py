"""Simulated cell lines and what is known of genes: expression that says how a line looks and responds, relations that say which genes act
alike.

A few factors of a line drive three things at once: the counts of its expression, how its cells look at rest, and how strongly each
property answers a perturbation. So a new line's expression does say something about its images. Relations hold between genes of one
mechanism, with some left out and some added that mean nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.simulate.plan import PROPERTIES, Plan, Truth

_FACTORS, _GENES, _LINES = 4, 300, 40
_LEFT_OUT, _ADDED = 0.2, 0.02


@dataclass(frozen=True)
class Lines:
    """The simulated cell lines.

    Attributes
    ----------
    names
        Of the imaged lines.
    rest
        (lines, 10), how their cells look at rest, in sd.
    answer
        (lines, 10), how strongly each property answers a perturbation, as a factor.
    expression
        Counts of genes in all lines sequenced, one row a line.

    """

    names: list[str]
    rest: npt.NDArray[np.float64]
    answer: npt.NDArray[np.float64]
    expression: pd.DataFrame


def lines(plan: Plan, /, *, seed: int) -> Lines:
    """Draw the lines of a plan. A plan of one line has the look and the answer that the effects are written in: 0 and 1.

    Parameters
    ----------
    plan
        Sizes and strengths.
    seed
        Of the lines.

    Returns
    -------
    Lines
        The lines.

    """
    if plan.cell_lines == 1:
        flat = np.zeros((1, len(PROPERTIES)))
        return Lines([plan.cell_line], flat, flat + 1.0, pd.DataFrame())
    rng = np.random.default_rng([seed, 70])
    total = max(_LINES, plan.cell_lines)
    factors = rng.normal(size=(total, _FACTORS))
    look, answer = (rng.normal(size=(_FACTORS, len(PROPERTIES))) / np.sqrt(_FACTORS) for _ in range(2))
    loadings = rng.normal(size=(_FACTORS, _GENES)) * (rng.random((_FACTORS, _GENES)) < 0.3)
    depth = rng.uniform(0.5, 2.0, (total, 1))
    counts = rng.poisson(depth * np.exp(rng.normal(2.0, 1.0, _GENES) + 0.5 * factors @ loadings))
    names = [f"simulated line {i + 1}" for i in range(total)]
    expression = pd.DataFrame(counts, columns=[f"EXP{i:03d}" for i in range(_GENES)])
    expression.insert(0, schema.CELL_LINE, names)
    imaged = factors[: plan.cell_lines]
    return Lines(names[: plan.cell_lines], plan.line_effect * imaged @ look, np.exp(plan.line_answer * imaged @ answer), expression)


def relations(known: Truth, /, *, seed: int) -> pd.DataFrame:
    """Pairs of genes with a combined score, as STRING writes them: the genes that are said to share a mechanism, and some noise.

    Parameters
    ----------
    known
        The truth.
    seed
        Of the noise.

    Returns
    -------
    pd.DataFrame
        Columns gene1, gene2, combined_score.

    """
    rng = np.random.default_rng([seed, 80])
    annotated = known.perturbations[[schema.GENE, schema.MOA]].drop_duplicates(schema.GENE).sort_values(schema.GENE)
    genes, groups = annotated[schema.GENE].to_numpy(dtype=object), annotated[schema.MOA].to_numpy(dtype=object)
    rows = []
    for i in range(len(genes)):
        for j in range(i + 1, len(genes)):
            alike = groups[i] == groups[j]
            draw, score = rng.random(), rng.random()
            if alike and draw >= _LEFT_OUT:
                rows.append((genes[i], genes[j], round(500 + 499 * score)))
            elif not alike and draw < _ADDED:
                rows.append((genes[i], genes[j], round(200 + 300 * score)))
    return pd.DataFrame(rows, columns=["gene1", "gene2", "combined_score"])
