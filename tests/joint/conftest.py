"""Simulated profiles that several tests train on; none of them changes what it is given."""

from __future__ import annotations

import anndata
import pytest

from impasto.simulate.plan import Plan
from impasto.simulate.profiles import simulate


@pytest.fixture(scope="session")
def profiles() -> anndata.AnnData:
    """Forty perturbations of four mechanisms."""
    return simulate(Plan(perturbations=40, mechanisms=4, noise=0.5, strength=2.0), seed=3)[0]
