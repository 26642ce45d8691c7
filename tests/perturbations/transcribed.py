"""Counts of genes in cell lines, drawn from a few factors."""

from __future__ import annotations

import numpy as np
import pandas as pd


def counts(lines: int = 12, genes: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(lines, 3)) @ rng.normal(size=(3, genes))
    values = rng.poisson(np.exp(rng.normal(1.5, 1.0, genes) + 0.4 * factors))
    return pd.DataFrame(values, index=[f"LINE-{i}" for i in range(lines)], columns=[f"G{i:03d}" for i in range(genes)])
