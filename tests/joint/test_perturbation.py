"""What a run reads of a perturbation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from tests.joint.towers import settings

from impasto.joint import perturbation
from impasto.perturbations import fingerprints


def test_fingerprints_are_log_counts_of_each_rows_own_molecule() -> None:
    smiles = ["CCCCO", "c1ccccc1", "CCCCO"]
    (found,) = perturbation.of_molecules(smiles, settings()).take(torch.tensor([1, 2, 0]))
    counts = fingerprints.fingerprints(["c1ccccc1", "CCCCO", "CCCCO"], bits=256)
    np.testing.assert_allclose(found, np.log(1 + counts.astype(np.float64)), rtol=1e-6)
    assert counts.max() > 1


@pytest.mark.parametrize("molecule", ["mlp", "residual", "message_passing"])
def test_a_tower_takes_what_is_described(molecule: str) -> None:
    chosen = settings(molecule=molecule)
    described = perturbation.of_molecules(["CCO", "C"], chosen)
    assert described.width == perturbation.width(chosen)
    assert perturbation.tower(chosen, width=described.width).eval()(*described.take(torch.tensor([0, 1, 1]))).shape == (3, 8)


def test_a_question_is_told_only_what_all_rows_agree_on() -> None:
    obs = pd.DataFrame({"cell_line": ["U2OS", None, "U2OS"], "perturbation_type": ["crispr", "orf", "crispr"]})
    assert perturbation.context(obs) == {"cell_line": "U2OS", "perturbation_type": None}
    assert perturbation.context(obs[[]]) == {"cell_line": None, "perturbation_type": None}
