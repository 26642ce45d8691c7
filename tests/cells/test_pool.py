from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.cells import made_cells

import impasto as im
from impasto import identity, recipe
from impasto.cells import pool
from impasto.cells.folder import Cells
from impasto.cells.pools import POOLS, pooled
from impasto.profiling.extract import ProfileSettings
from impasto.schema import InputError

FEATURES = ["Nuclei_AreaShape_Area", "Nuclei_Texture_Contrast_DNA", "Nuclei_AreaShape_Solidity"]


def frame(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    wells = made_cells.wells_of(["P1", "P2"], ["DMSO", "DMSO", "x", "y"])
    parts = []
    for number, row in enumerate(wells.itertuples()):
        values = np.exp(rng.normal(size=(12 + number, 3))) * 100
        values[rng.random(values.shape) < 0.1] = np.nan
        parts.append(pd.DataFrame(values, columns=FEATURES).assign(plate=row.plate, well=row.well))
    return pd.concat(parts, ignore_index=True), wells


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Cells:
    return made_cells.write(tmp_path_factory.mktemp("pool"), *frame())


def middle(v: np.ndarray) -> float:
    return (v[(len(v) - 1) // 2] + v[len(v) // 2]) / 2


def at(v: np.ndarray, q: float) -> float:
    place = q * (len(v) - 1)
    first = int(place)
    return v[first] + (place - first) * (v[min(first + 1, len(v) - 1)] - v[first])


def oracle(name: str, own: np.ndarray, controls: np.ndarray) -> list[float]:
    """The pooling of one feature of one well, written out; missing cells are not there."""
    x = np.sort([v for v in own if not np.isnan(v)]).astype(float)
    if name == "median":
        return [middle(x)]
    if name == "mean":
        return [sum(x) / len(x)]
    if name == "trimmed":
        cut = int(len(x) * 0.1)
        return [sum(x[cut : len(x) - cut]) / len(x[cut : len(x) - cut])]
    if name == "median+mad":
        return [middle(x), 1.4826 * middle(np.sort(np.abs(x - middle(x))))]
    if name == "quartiles":
        return [at(x, q) for q in (0.25, 0.5, 0.75)]
    c = np.sort([v for v in controls if not np.isnan(v)]).astype(float)
    low, high = at(c, 0.01), at(c, 0.99)
    return [sum(min(max(v, low), high) for v in x) / len(x)]


@pytest.mark.parametrize("name", POOLS)
def test_each_pooling_is_that_of_loops(name: str, cells: Cells) -> None:
    pooled = pool.pool(cells, name=name)
    table, wells = frame()
    controls = wells[wells["perturbation"] == "DMSO"]
    for row, place in enumerate(pooled.obs[["plate", "well"]].itertuples(index=False)):
        of_plate = table[table["plate"] == place.plate]
        for number, feature in enumerate(FEATURES):
            own = of_plate.loc[of_plate["well"] == place.well, feature].to_numpy()
            of_controls = of_plate.loc[of_plate["well"].isin(controls["well"]), feature].to_numpy()
            got = pooled.X[row].reshape(-1, len(FEATURES))[:, number]
            np.testing.assert_allclose(got, oracle(name, own, of_controls), rtol=1e-4)


def test_the_median_is_that_of_pycytominer(cells: Cells) -> None:
    aggregate = pytest.importorskip("pycytominer").aggregate
    table, _ = frame()
    theirs = aggregate(
        table.rename(columns={"plate": "Metadata_Plate", "well": "Metadata_Well"}),
        strata=["Metadata_Plate", "Metadata_Well"],
        features=FEATURES,
        operation="median",
    )
    np.testing.assert_allclose(pool.pool(cells).X, theirs[FEATURES].to_numpy(), rtol=4e-5)


def test_the_size_of_blocks_changes_no_byte(cells: Cells, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in POOLS:
        whole = pool.pool(cells, name=name).X
        monkeypatch.setattr(pool, "_BLOCK", 1)
        np.testing.assert_array_equal(pool.pool(cells, name=name).X, whole)
        monkeypatch.undo()


def test_what_a_pooled_feature_is_stands_in_var_and_in_the_identity(cells: Cells) -> None:
    quartiles = pool.pool(cells, name="quartiles")
    assert quartiles.var["statistic"].tolist() == ["q25"] * 3 + ["q50"] * 3 + ["q75"] * 3
    assert quartiles.var_names[3] == f"{FEATURES[0]}_q50"
    assert quartiles.var["compartment"].tolist() == ["Nuclei"] * 9
    with pytest.raises(InputError):
        im.concat([pool.pool(cells), pool.pool(cells, name="mean")])
    assert identity.of(quartiles).encoder == {"name": "cells", "settings": {"pool": "quartiles", "unit": "Nuclei", "checked": False}}


def test_counts_stand_beside_the_profiles_and_no_scale_changes(cells: Cells) -> None:
    pooled = pool.pool(cells)
    assert pooled.obs["cell_count"].tolist() == pooled.obs["cell_count_all"].tolist() == [12 + n for n in range(8)]
    assert pooled.obs["perturbation"].tolist() == ["DMSO", "DMSO", "x", "y"] * 2
    assert pooled.X.mean() > 50


def test_clipping_needs_controls(tmp_path: Path) -> None:
    table, wells = frame()
    without = made_cells.write(tmp_path, table, wells.assign(control_type="trt"))
    with pytest.raises(InputError, match="plate P1 has no cell of a negative control to clip to"):
        pool.pool(without, name="clipped")
    with pytest.raises(InputError, match="unknown pooling of cells 'modian'"):
        pool.pool(without, name="modian")


def test_the_verb_writes_profiles_and_refuses_options_of_images(cells: Cells, tmp_path: Path) -> None:
    for options in ({"pool": "mean"}, {}):
        settings = ProfileSettings.read({"images": str(cells.folder), **options}, where="test")
        recipe.execute("profile", settings, out=tmp_path / "p.parquet")
        read = im.read(tmp_path / "p.parquet")
        np.testing.assert_array_equal(read.X, pool.pool(cells, name=options.get("pool", "median")).X)
    with pytest.raises(InputError, match="--encoder is for images"):
        recipe.execute(
            "profile", ProfileSettings.read({"images": str(cells.folder), "encoder": "intensity"}, where="test"), out=tmp_path / "q.parquet"
        )
    with pytest.raises(InputError, match="--level site"):
        recipe.execute(
            "profile", ProfileSettings.read({"images": str(cells.folder), "level": "site"}, where="test"), out=tmp_path / "q.parquet"
        )
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match="--pool is for cells"):
        recipe.execute(
            "profile", ProfileSettings.read({"images": str(tmp_path / "images"), "pool": "mean"}, where="test"), out=tmp_path / "q.parquet"
        )


@pytest.mark.parametrize("name", POOLS)
def test_features_with_gaps_are_pooled_as_if_each_well_stood_alone(name: str) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(9, 40)).astype(np.float32)
    values[2, 3] = values[5] = values[7, :10] = np.nan
    wells = [(0, 10), (10, 10), (10, 25), (25, 40)]
    chosen = POOLS[name]
    made = np.full((len(wells), len(chosen.statistics), len(values)), np.nan)
    pool._pool_block(values, wells, chosen, made)
    assert np.isnan(made[1]).all(), "a well without cells"
    for number, (start, stop) in enumerate(wells):
        if stop > start:
            np.testing.assert_array_equal(made[number], pooled(chosen, values[:, start:stop]))
