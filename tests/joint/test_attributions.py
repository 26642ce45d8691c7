"""Channels by occlusion: by hand on one row, and a tower that reads one channel only names it."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest
import torch
from tests.joint.test_channels import plates, run

from impasto import profiles as tables
from impasto.joint import attributions, two_towers
from impasto.joint.space import Space
from impasto.schema import InputError

CHANNELS = ["DNA", "ER", "Mito"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Space, anndata.AnnData]:
    folder = tmp_path_factory.mktemp("run")
    path = plates(folder / "a.parquet", CHANNELS)
    data = tables.read(path)
    data.obs["control_type"] = ["negcon"] * 4 + ["trt"] * (data.n_obs - 4)
    return Space.load(run(path, folder / "run", steps=4)), data


@torch.no_grad()
def test_it_is_the_cosine_with_the_channel_of_the_controls(trained: tuple[Space, anndata.AnnData]) -> None:
    space, data = trained
    found = attributions.by_channel(space, data, rows=7)
    blocks = two_towers.values(data, space.method.settings, space.facts)  # type: ignore[arg-type]
    middle = blocks[:4].mean(dim=0)
    for row, channel in ((0, 0), (5, 1), (39, 2)):
        changed = blocks[row].clone()
        changed[channel] = middle[channel]
        one, other = (two_towers.embed_bags(space.method, b[None], [np.array([0])])[0] for b in (blocks[row], changed))  # type: ignore[arg-type]
        assert found[row, channel] == pytest.approx(float(1 - one @ other), abs=1e-5)
    assert found.shape == (40, 3)


def test_a_tower_that_reads_one_channel_names_it(trained: tuple[Space, anndata.AnnData]) -> None:
    space, data = trained
    changed = data.copy()
    er = [name for name in changed.var_names if changed.var.loc[name, "channel"] == "ER"]
    middle = data[:4, :].X.mean(axis=0)
    others = ~np.isin(changed.var_names, er)
    changed.X[:, others] = middle[others]
    found = attributions.by_perturbation(space, changed)
    first = found.groupby("perturbation").head(1)
    assert set(first["channel"]) == {"ER"}
    assert (found.loc[found["channel"] != "ER", "attribution"].abs() < 1e-5).all()
    assert set(found["perturbation"]) == set(data.obs["perturbation"][4:])


def test_what_has_no_attribution_is_a_sentence(trained: tuple[Space, anndata.AnnData]) -> None:
    space, data = trained
    bare = data.copy()
    bare.obs["control_type"] = "trt"
    with pytest.raises(InputError, match="no row is a negative control"):
        attributions.by_channel(space, bare)
    images = Space(Path("images"), space.settings, space.facts, torch.nn.Linear(2, 2), "")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="images reads images"):
        attributions.by_channel(images, data)
