"""Normalised counts and highly variable genes, against plain loops and scanpy."""

from __future__ import annotations

import numpy as np
import pytest
from tests.peers import peer
from tests.perturbations.transcribed import counts

from impasto.perturbations.variable_genes import normalised, variable_genes
from impasto.schema import InputError


def test_normalised_is_the_log_of_counts_scaled_to_a_total() -> None:
    table = counts().to_numpy(dtype=float)
    found = normalised(table, total=1e4)
    for i in (0, 5):
        for j in (0, 17):
            assert found[i, j] == pytest.approx(np.log(1 + table[i, j] / sum(table[i]) * 1e4))
    with pytest.raises(InputError, match='values = "log"'):
        normalised(table - 50, total=1e4)


@pytest.mark.filterwarnings("ignore")
def test_variable_genes_are_those_of_scanpy() -> None:
    scanpy = peer("scanpy")
    import anndata

    logged = normalised(counts(30, 400).to_numpy(dtype=float) + 0.0, total=1e4)
    data = anndata.AnnData(logged.copy())
    scanpy.pp.highly_variable_genes(data, n_top_genes=100, flavor="seurat")
    ours = variable_genes(logged, genes=100)
    assert set(ours) == set(np.flatnonzero(data.var["highly_variable"]))


def test_variable_genes_find_what_was_planted() -> None:
    rng = np.random.default_rng(0)
    level = np.exp(rng.uniform(2, 5, 300))
    # Ten genes, spread over all levels, are high in half of the lines and low in the other half.
    share = np.ones((40, 300))
    planted = np.argsort(level)[15::30]
    share[:20, planted], share[20:, planted] = 1.8, 0.2
    chosen = variable_genes(normalised(rng.poisson(level * share).astype(float), total=1e4), genes=10)
    assert set(chosen) == set(planted)
