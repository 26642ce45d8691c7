"""The wells of a table as clouds: the same number of rows of each, about the mean of their plate."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto.evaluation.clouds import Clouds


def test_wells_of_few_cells_are_left_out_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    obs = pd.DataFrame({"plate": "P", "well": ["A01"] * 30 + ["A02"] * 25 + ["A03"] * 2, "perturbation": "a"}).rename(index=str)
    more = pd.concat([obs, *[obs[:25].assign(well=f"B{i:02d}") for i in range(1, 11)]]).reset_index(drop=True).rename(index=str)
    clouds = Clouds.of(anndata.AnnData(X=np.ones((len(more), 1), dtype=np.float32), obs=more), cells=50, seed=0)
    assert clouds.rows.shape == (12, 25)
    assert "A03" not in set(clouds.obs["well"])
    assert all(len(set(more["well"].iloc[own])) == 1 for own in clouds.rows)
    assert "25 rows of each of 12 wells are compared; 1 wells with fewer rows are left out" in " ".join(capsys.readouterr().out.split())


def test_points_are_about_the_mean_of_the_wells_used_of_their_plate_in_units_of_their_spread() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(12, 2)) * [1, 5] + [7, -3]
    plate, used = np.repeat([0, 1], 6), np.arange(12) % 6 < 5
    points = Clouds(pd.DataFrame(index=range(12)), np.arange(12)[:, None]).points(values, plate, used, components=2)
    assert points is not None
    expected = values.copy()
    for code in (0, 1):
        expected[plate == code] -= values[used & (plate == code)].mean(axis=0)
    expected /= expected[used].std(axis=0)
    # A rotation keeps the length of each, and the wells that nobody uses are zero.
    np.testing.assert_allclose(np.linalg.norm(points[used, 0], axis=1), np.linalg.norm(expected[used], axis=1), rtol=1e-4)
    assert not points[~used].any()
    assert (
        Clouds(pd.DataFrame(index=range(3)), np.arange(3)[:, None]).points(
            np.ones((3, 1)), np.zeros(3, int), np.ones(3, bool), components=1
        )
        is None
    )
