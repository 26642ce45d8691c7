"""Profiles that stay in their file train as those in memory do, without being read whole."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from impasto import feature_names, stored
from impasto import profiles as tables
from impasto.joint import values as blocks
from impasto.joint.settings import TwoTowersSettings
from impasto.schema import InputError
from impasto.stages import train
from impasto.stages.train import TrainSettings

CHANNELS = ("DNA", "ER", "Mito")


def table(rows: int = 60, width: int = 5) -> anndata.AnnData:
    names = [n for c in CHANNELS for n in feature_names.embedding_names(c, width)]
    smiles = ["C" * n + tail for n in range(1, 6) for tail in ("O", "N", "F")]
    perturbation = np.array([*smiles, "DMSO"])[np.arange(rows) % 16]
    obs = pd.DataFrame(
        {
            "perturbation": perturbation,
            "smiles": np.where(perturbation == "DMSO", "CS(C)=O", perturbation),
            "control_type": np.where(perturbation == "DMSO", "negcon", "trt"),
            "plate": "P1",
            "well": [f"{'ABCDEFGH'[i // 12]}{i % 12 + 1:02d}" for i in range(rows)],
        },
        index=[str(i) for i in range(rows)],
    )
    X = np.random.default_rng(0).normal(size=(rows, len(names))).astype(np.float32)
    return anndata.AnnData(X=X, obs=obs, var=tables.describe_features(names))


METHOD = {"name": "two_towers", "perturbation": "molecule", "width": 8, "out": 8, "depth": 1, "heads": 2, "bits": 64, "molecule_width": 8}


def test_training_from_the_file_is_training_in_memory(tmp_path: Path) -> None:
    tables.write(table(), tmp_path / "p.h5ad")
    for name, kept in (("memory", False), ("file", True)):
        method = {**METHOD, "minibatch": 4, "split": {"validation": 0.2}}
        train.run(TrainSettings(profiles=tmp_path / "p.h5ad", stored=kept, method=method, loop={"epochs": 2}), tmp_path / name)
    assert (tmp_path / "file" / "model.safetensors").read_bytes() == (tmp_path / "memory" / "model.safetensors").read_bytes()
    assert load_file(tmp_path / "file" / "model.safetensors")["mean"].abs().sum() > 0


def test_blocks_of_a_file_are_those_of_memory(tmp_path: Path) -> None:
    # Features in another order than the channels: each is looked up where it stands.
    shuffled = table()[:, np.random.default_rng(1).permutation(15)].copy()
    shuffled.X = shuffled.X.astype(np.float16).astype(np.float32)
    tables.write(shuffled, tmp_path / "p.h5ad")
    rows, settings = np.array([3, 9, 1, 40]), TwoTowersSettings()
    ours, names = blocks.of(stored.read(tmp_path / "p.h5ad"), rows, settings, among=["Mito", "DNA"], width=7)
    theirs, _ = blocks.of(shuffled, rows, settings, among=["Mito", "DNA"], width=7)
    assert names == ["Mito", "DNA"]
    taken = torch.tensor([[0, 2], [3, 3]])
    assert torch.equal(ours[taken], theirs[taken])
    found, expected = (blocks.statistics(v, np.array([0, 1, 3]), limit=1.0) for v in (ours, theirs))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)
    torch.testing.assert_close(expected[1], theirs[[0, 1, 3]].clamp(-1, 1).std(dim=0, correction=0))


def test_only_the_rows_asked_for_are_read(tmp_path: Path) -> None:
    rows, width = 20_000, 300
    obs = table(rows=96).obs.iloc[np.arange(rows) % 96].reset_index(drop=True).rename(index=str)
    names = [n for c in CHANNELS for n in feature_names.embedding_names(c, width // 3)]
    whole = anndata.AnnData(X=np.zeros((rows, width), dtype=np.float16), obs=obs, var=tables.describe_features(names))
    whole.write_h5ad(tmp_path / "big.h5ad")
    del whole
    tracemalloc.start()
    opened = stored.read(tmp_path / "big.h5ad")
    assert isinstance(opened.X, np.memmap)
    values, _ = blocks.of(opened, np.arange(rows), TwoTowersSettings(), among=None, width=None)
    for first in range(0, rows, 5000):
        assert values[torch.arange(first, first + 256)].shape == (256, 3, width // 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.8 * rows * width * 2  # less than the file itself, in half precision


def test_what_cannot_be_mapped_is_said(tmp_path: Path) -> None:
    holed = table()
    holed.X[4, 2] = np.nan
    tables.write(holed, tmp_path / "holed.h5ad")
    values, _ = blocks.of(stored.read(tmp_path / "holed.h5ad"), np.arange(10), TwoTowersSettings(), among=None, width=None)
    with pytest.raises(InputError, match="missing or infinite values"):
        blocks.statistics(values, np.arange(10), limit=10.0)


def test_the_first_feature_with_missing_values_is_named() -> None:
    holed = table()
    holed.X[4, 2] = np.nan
    holed.X[5, 7] = np.inf
    with pytest.raises(InputError, match=rf"2 features hold missing or infinite values \(first: {holed.var_names[2]}\)"):
        blocks.finite(holed)
