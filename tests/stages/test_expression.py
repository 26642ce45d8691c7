"""Vectors of cell lines: learned once, or projected as an earlier table learned; never both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impasto.perturbations import expression as vectors
from impasto.schema import InputError
from impasto.stages import expression
from impasto.stages.expression import ExpressionStageSettings


def test_a_new_line_is_projected_as_the_others_learned(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    counts = pd.DataFrame(rng.poisson(20 * rng.lognormal(size=(8, 30))), columns=[f"G{i}" for i in range(30)])
    counts.insert(0, "cell_line", [f"L{i}" for i in range(8)])
    counts.to_csv(tmp_path / "old.csv", index=False)
    counts.assign(cell_line=[f"N{i}" for i in range(8)])[2:4].to_csv(tmp_path / "new.csv", index=False)
    options = {"genes": 10, "width": 3, "lines": 2}
    expression.run(ExpressionStageSettings.read({"table": tmp_path / "old.csv", "options": options}, where="t"), tmp_path / "old")
    expression.run(ExpressionStageSettings.read({"table": tmp_path / "new.csv", "like": tmp_path / "old"}, where="t"), tmp_path / "new")
    both = vectors.read(tmp_path / "new")
    assert both.names[-2:] == ["N2", "N3"]
    np.testing.assert_allclose(both.vectors[-2:], both.vectors[2:4], atol=1e-5)


def test_options_beside_like_are_refused_and_inputs_named() -> None:
    with pytest.raises(InputError, match="--like takes everything from f; leave out genes"):
        ExpressionStageSettings.read({"table": "t", "like": "f", "options": {"genes": 3}}, where="t")
    assert expression.VERB.inputs(ExpressionStageSettings.read({"table": "t", "like": "f"}, where="t")) == [Path("t"), Path("f")]
