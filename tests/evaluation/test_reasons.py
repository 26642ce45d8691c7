"""Why a hit is one: shares of T in plain loops; why a miss is none."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluation.screens import screen
from tests.evaluation.test_noise import naive_centred
from tests.evaluation.test_reproduction import naive_inverse

from impasto.evaluation import noise, reasons, reproduction
from impasto.evaluation.design import design


@pytest.mark.parametrize("plates", [2, 3])
def test_shares_are_the_loop_of_their_equation(plates: int) -> None:
    data = screen(plates=plates, perturbations=20, active=6)
    where = design(data, pool_doses=False, by_batch=False, seed=0)
    centred = noise.centred(data.X, where, np.arange(data.n_obs))
    test = reproduction.reproduction(centred, where, where.members, draws=100, seed=0)
    x = naive_centred(data)
    for j in (0, 12):
        inverse = naive_inverse(data, where, x, [k for k in range(20) if test.fold[k] != test.fold[j]])
        rows = where.members[j]
        length = {a: np.sqrt(x[a] @ inverse @ x[a]) if plates > 2 else 1.0 for a in rows}
        parts = np.zeros(8)
        for a in rows:
            for b in rows:
                if a != b:
                    parts += x[a] / length[a] * (inverse @ x[b] / length[b])
        ours = reasons.shares(test, j, centred)
        np.testing.assert_allclose(ours, parts / parts.sum(), rtol=1e-3, atol=1e-5)
        assert ours.sum() == pytest.approx(1.0)
        assert parts.sum() / (len(rows) * (len(rows) - 1)) == pytest.approx(test.statistic(j, cosine=plates > 2), rel=1e-4)


def test_shares_in_a_basis_are_those_of_features() -> None:
    data = screen(perturbations=20, active=3, controls=4, spared=0, width=400, effect=1.0)
    where = design(data, pool_doses=False, by_batch=False, seed=0)
    centred = noise.centred(data.X, where, np.arange(data.n_obs))
    assert centred.basis is not None
    test = reproduction.reproduction(centred, where, where.members, draws=100, seed=0)
    ours = reasons.shares(test, 0, centred)
    x = naive_centred(data)
    factor = test.factors[int(test.fold[0])]
    inside = np.linalg.inv(factor @ factor.T)
    basis = centred.basis
    inverse = basis @ inside @ basis.T
    length = {a: np.sqrt(x[a] @ inverse @ x[a]) for a in where.members[0]}
    parts = sum(x[a] / length[a] * (inverse @ x[b] / length[b]) for a in where.members[0] for b in where.members[0] if a != b)
    np.testing.assert_allclose(ours, parts / parts.sum(), atol=1e-6)


def test_a_planted_feature_is_the_reason() -> None:
    data = screen(perturbations=24, active=0, width=8)
    data.X[(data.obs["perturbation"] == "p05").to_numpy(), 3] += 12
    names = [f"{part}_Intensity_Mean{i}_{stain}" for i, (part, stain) in enumerate([("Cells", "DNA")] * 4 + [("Nuclei", "ER")] * 4)]
    var = pd.DataFrame({"compartment": [n.split("_")[0] for n in names], "channel": [n.split("_")[-1] for n in names]}, index=names)
    data = anndata.AnnData(X=data.X, obs=data.obs, var=var)
    where = design(data, pool_doses=False, by_batch=False, seed=0)
    centred = noise.centred(data.X, where, np.arange(data.n_obs))
    test = reproduction.reproduction(centred, where, where.members, draws=100, seed=0)
    parts = reasons.of_hits(test, [5], ["p05"], centred, data)
    assert parts.iloc[0][["perturbation", "part", "name"]].tolist() == ["p05", "feature", names[3]]
    assert parts.iloc[0]["share"] > 0.7
    sums = parts[parts["part"] != "feature"].set_index("name")["share"]
    assert sums[["Cells", "Nuclei"]].sum() == pytest.approx(1.0)
    assert sums[["DNA", "ER"]].sum() == pytest.approx(1.0)
    words = reasons.in_words(parts)
    assert words.startswith(f"features {names[3]} (")
    assert "; compartments Cells (" in words
    assert "; channels DNA (" in words


def test_a_miss_has_its_floor_its_position_or_no_reproduction() -> None:
    """Of four, one is called at .001; one more would be at .05 * 2 / 4 = .025."""
    rows = [
        ("hit", 0.001, 0.001, 0.001, 0.00005, "reproduction"),
        ("position", 0.4, 0.002, 0.4, 0.00005, "reproduction"),
        ("nothing", 0.5, 0.5, 0.3, 0.00005, "reproduction"),
        ("floor", 0.03, np.nan, np.nan, 0.03, "distance"),
    ]
    per = pd.DataFrame(rows, columns=["perturbation", "p", "p1", "p2", "floor", "test"]).assign(family="run")
    assert reasons.of_misses(per, rate=0.05).tolist()[1:] == ["position", "not reproducible", "floor"]
    far = per.assign(floor=[0.00005, 0.00005, 0.00005, 0.02])
    assert reasons.of_misses(far, rate=0.05).iloc[3] == "not distinguished from controls"
    # In a family of its own it would be called at .05.
    apart = per.assign(family=["run", "run", "run", "single doses"], p=[0.001, 0.4, 0.5, 0.2])
    assert reasons.of_misses(apart, rate=0.05).iloc[3] == "not distinguished from controls"
