"""Painted plates, small enough to train on in a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.plates.ingest import find, write
from impasto.simulate import plates as simulated
from impasto.simulate.plan import Plan


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two batches of one plate, six perturbations, one damaged site."""
    base = tmp_path_factory.mktemp("painted")
    plan = Plan(batches=2, plates=1, perturbations=6, mechanisms=3, controls=4, pixels=48, cells=4, corrupt=1)
    simulated.write(plan, base / "sim", seed=0)
    write(find([base / "sim" / "images"], platemaps=[base / "sim" / "platemap.csv"]), base / "ingested")
    return base / "ingested"
