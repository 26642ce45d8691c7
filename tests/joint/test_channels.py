"""Fine-tuning on plates with other channels: matched by name, whatever their order; what does not match is said."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest
import torch

from impasto import feature_names
from impasto import profiles as tables
from impasto.joint import channels
from impasto.joint.settings import TwoTowersSettings
from impasto.joint.space import Space
from impasto.schema import InputError
from impasto.stages import train
from impasto.stages.train import TrainSettings

WIDTH = 6


def plates(path: Path, channels: list[str], *, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    names = [n for c in channels for n in feature_names.embedding_names(c, WIDTH)]
    smiles = ["C" * n + tail for n in range(1, 6) for tail in ("O", "N", "F", "Cl")]
    obs = {"perturbation": np.repeat(smiles, 2), "smiles": np.repeat(smiles, 2), "plate": ["P1", "P2"] * 20}
    profiles = anndata.AnnData(X=rng.normal(size=(40, len(names))).astype(np.float32), var=tables.describe_features(names))
    profiles.obs = profiles.obs.assign(**obs)
    tables.write(profiles, path)
    return path


def run(data: Path, out: Path, *, start: Path | None = None, steps: int = 2, **changes: object) -> Path:
    method = {"name": "two_towers", "perturbation": "molecule", "width": 8, "out": 8, "depth": 1, "heads": 2, "bits": 64}
    method |= {"molecule_width": 8, "minibatch": 8, "split": {"validation": 0.0}, **changes}
    loop = {"epochs": 1, "max_steps": steps, "optim": {"lr": 0.0 if start else 1e-2, "weight_decay": 0.0}}
    train.run(TrainSettings(profiles=data, start=start, method=method, loop=loop), out)
    return out


def test_channels_are_matched_by_name(tmp_path: Path) -> None:
    first = run(plates(tmp_path / "a.parquet", ["DNA", "ER", "Mito"]), tmp_path / "a")
    second = run(plates(tmp_path / "b.parquet", ["GFP", "Mito", "DNA"]), tmp_path / "b", start=first, new_channels="begin")
    before, after = Space.load(first), Space.load(second)
    assert after.facts["blocks"] == ["DNA", "Mito", "GFP"]
    rows = before.method.profile_tower.channels, after.method.profile_tower.channels
    assert torch.equal(rows[1][0], rows[0][before.facts["blocks"].index("DNA")])
    assert torch.equal(rows[1][1], rows[0][before.facts["blocks"].index("Mito")])
    assert torch.equal(before.method.profile_tower.project_in.weight, after.method.profile_tower.project_in.weight)
    assert not torch.equal(before.method.mean[0], after.method.mean[0])  # each data set is standardised by its own wells
    assert after.embed(tables.read(tmp_path / "b.parquet")).n_obs == 40 + 20 + 20


def test_what_does_not_match_is_said(tmp_path: Path) -> None:
    first = run(plates(tmp_path / "a.parquet", ["DNA", "ER"]), tmp_path / "a")
    more = plates(tmp_path / "b.parquet", ["DNA", "GFP"])
    with pytest.raises(InputError, match="does not know the channel GFP; set new_channels"):
        run(more, tmp_path / "b", start=first)
    assert Space.load(run(more, tmp_path / "c", start=first, new_channels="leave_out")).facts["blocks"] == ["DNA"]
    with pytest.raises(InputError, match="none of the channels of the earlier run"):
        run(plates(tmp_path / "d.parquet", ["GFP"]), tmp_path / "d", start=first)
    some = tables.read(tmp_path / "a.parquet")
    tables.write(some[:, some.var_names != "emb_DNA_0003"].copy(), tmp_path / "e.parquet")
    with pytest.raises(InputError, match="channel DNA: 5 of the 6 features"):
        run(tmp_path / "e.parquet", tmp_path / "e", start=first)


def test_features_stand_in_the_order_of_the_run_and_those_of_begun_channels_behind() -> None:
    """By hand: the run knew two features of DNA, one of both and one of ER; the table has them in another order, and GFP."""
    run = ["Cells_Texture_A_DNA", "Cells_Correlation_K_DNA_ER", "Cells_Texture_B_DNA", "Cells_Texture_A_ER"]
    here = ["Cells_Texture_A_GFP", "Cells_Texture_B_DNA", "Cells_Texture_A_ER", "Cells_Correlation_K_DNA_ER", "Cells_Texture_A_DNA"]
    here += ["Cells_Texture_New_DNA", "Cells_AreaShape_Area"]
    profiles = anndata.AnnData(X=np.arange(14, dtype=np.float32).reshape(2, 7), var=tables.describe_features(here))
    facts = {"features": run, "blocks": ["DNA", "ER"]}
    settings = TwoTowersSettings(new_channels="leave_out")
    matched = channels.match(profiles, facts, settings)
    assert matched.names == ["DNA", "ER"]
    assert matched.places == [0, 1]
    assert list(matched.profiles.var_names) == run
    assert matched.profiles.X[0].tolist() == [4.0, 3.0, 1.0, 2.0]
    begun = channels.match(profiles, facts, TwoTowersSettings(new_channels="begin"))
    assert begun.names == ["DNA", "ER", "GFP", "shape"]
    assert begun.places == [0, 1, None, None]
    # A feature that the run does not know is used only where its channel begins anew.
    assert list(begun.profiles.var_names) == [*run, "Cells_Texture_A_GFP"]


def test_a_correlation_with_a_channel_that_is_left_out_is_left_out() -> None:
    run = ["Cells_Texture_A_DNA", "Cells_Correlation_K_DNA_ER", "Cells_Texture_A_ER"]
    facts = {"features": run[:1], "blocks": ["DNA"]}
    profiles = anndata.AnnData(X=np.ones((2, 3), dtype=np.float32), var=tables.describe_features(run))
    matched = channels.match(profiles, facts, TwoTowersSettings(new_channels="leave_out"))
    assert list(matched.profiles.var_names) == run[:1]
    begun = channels.match(profiles, facts, TwoTowersSettings(new_channels="begin"))
    assert begun.names == ["DNA", "ER"]
    assert list(begun.profiles.var_names) == run


def test_values_are_padded_to_the_width_of_the_run() -> None:
    names = ["Cells_Texture_A_DNA", "Cells_Texture_B_DNA", "Cells_Texture_A_ER"]
    profiles = anndata.AnnData(X=np.array([[1.0, 2.0, 3.0]], dtype=np.float32), var=tables.describe_features(names))
    blocks, order = channels.values(profiles, TwoTowersSettings(), among=["ER", "DNA"], width=3)
    assert order == ["ER", "DNA"]
    assert blocks.tolist() == [[[3.0, 0.0, 0.0], [1.0, 2.0, 0.0]]]
    assert channels.values(profiles, TwoTowersSettings(), among=None, width=2)[0].shape == (1, 2, 2)
    with pytest.raises(InputError, match="a channel has 2 features, and the earlier run reads 1"):
        channels.values(profiles, TwoTowersSettings(), among=None, width=1)


def test_embeddings_of_channels_move_by_place_and_statistics_stay() -> None:
    name = "profile_tower.channels"
    earlier = {name: torch.tensor([[1.0], [2.0]]), "mean": torch.zeros(1), "spread": torch.zeros(1), "other": torch.ones(1)}
    own = {name: torch.tensor([[10.0], [20.0], [30.0]]), "mean": torch.full((1,), 5.0), "spread": torch.full((1,), 6.0)}
    moved = channels.moved(earlier, own, [1, None, 0])
    assert moved[name].tolist() == [[2.0], [20.0], [1.0]]
    assert (moved["mean"].item(), moved["spread"].item(), moved["other"].item()) == (5.0, 6.0, 1.0)
