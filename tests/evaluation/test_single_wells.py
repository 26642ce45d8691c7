"""A p-value a well: the score in plain loops, judged by the spared controls of its plate alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf
from tests.evaluation.screens import screen
from tests.evaluation.test_noise import naive_centred

from impasto.evaluation import single_wells
from impasto.evaluation.design import design


def test_each_well_is_judged_by_the_spared_controls_of_its_plate() -> None:
    data = screen(perturbations=6, active=2, controls=30, spared=12, plates=2)
    where = design(data, pool_doses=False, by_batch=False, seed=0)
    table = single_wells.table(data, data.X, where)
    assert list(table.columns) == ["batch", "plate", "well", "perturbation", "score", "p"]
    assert len(table) == 2 * (6 + 12)
    x = naive_centred(data)
    rows = []
    for code in (0, 1):
        own = [i for i in range(data.n_obs) if where.fitting[i] and where.plate[i] == code]
        mean = sum(x[i] for i in own) / len(own)
        rows += [(x[i] - mean) * np.sqrt(len(own) / (len(own) - 1)) for i in own]
    inverse = np.linalg.inv(ledoit_wolf(np.array(rows), assume_centered=True)[0])
    score = [well @ inverse @ well for well in x]
    shown = [i for i in range(data.n_obs) if not where.fitting[i]]
    np.testing.assert_allclose(table["score"], [score[i] for i in shown], rtol=1e-4)
    for place, i in enumerate(shown):
        judges = [score[k] for k in range(data.n_obs) if where.judging[k] and where.plate[k] == where.plate[i] and k != i]
        assert table["p"][place] == pytest.approx((1 + sum(s >= score[i] for s in judges)) / (len(judges) + 1)), i


def test_inert_wells_are_called_as_often_as_promised() -> None:
    shares = []
    for seed in range(40):
        data = screen(seed=seed, perturbations=40, controls=38, spared=19, plates=2)
        table = single_wells.table(data, data.X, design(data, pool_doses=False, by_batch=False, seed=0))
        shares.append((table["p"][table["perturbation"] != "DMSO"] <= 0.05).mean())
    assert np.mean(shares) < 0.05 + 3 * np.std(shares) / np.sqrt(40)


def test_without_a_judge_there_is_no_table() -> None:
    data = screen(perturbations=6, controls=8, whole=True)
    assert single_wells.table(data, data.X, design(data, pool_doses=False, by_batch=False, seed=0)).empty
