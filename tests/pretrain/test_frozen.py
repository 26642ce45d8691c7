"""A trained run as the frozen encoder of profile: the same numbers as the method's own, channels matched by name or refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from impasto import identity
from impasto import profiles as tables
from impasto.cli import app
from impasto.nets.encoders import start
from impasto.plates.sites import Sites
from impasto.pretrain import msn
from impasto.pretrain.frozen import FrozenRun, matched
from impasto.pretrain.images import Facts
from impasto.profiling import deep
from impasto.schema import InputError

RECIPE = """
[[stage]]
verb = "train"
[stage.method]
name = "{name}"
minibatch = 7
[stage.method.pairs]
lonely = "same-well"
[stage.method.encoder]
name = "{encoder}"
patch = 8
width = 24
depth = 1
heads = 3
[stage.method.views]
size = 48
focal = 1
focal_size = 16
[stage.loop]
epochs = {epochs}
"""


def impasto(*arguments: object) -> str:
    done = CliRunner().invoke(app, list(map(str, arguments)))
    if isinstance(done.exception, InputError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


@pytest.fixture(scope="module")
def run(ingested: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("frozen")
    (base / "r.toml").write_text(RECIPE.format(name="msn", encoder="vit", epochs=1))
    impasto("train", base / "r.toml", "--sites", ingested, "--out", base / "run")
    return base / "run"


def test_a_run_profiles_sites_from_the_command_line(run: Path, ingested: Path, tmp_path: Path) -> None:
    said = impasto("profile", ingested, "--encoder", run, "--out", tmp_path / "p.parquet")
    assert "channels read: AGP, DNA, ER, Mito, RNA" in said
    found = tables.read(tmp_path / "p.parquet")
    assert found.shape == (19, 24)
    assert identity.of(found).encoder["settings"] == {"method": "msn", "encoder": "vit"}
    frozen = FrozenRun.load(run, msn.METHOD, channels=Sites.read(ingested).channels)
    sites = Sites.read(ingested)
    number = int(
        np.flatnonzero((sites.table["plate"] == found.obs["plate"].iloc[3]) & (sites.table["well"] == found.obs["well"].iloc[3]))[0]
    )
    light = torch.from_numpy(frozen.prepare(sites.image(number)))[None].float() / 255
    with torch.no_grad():
        np.testing.assert_allclose(found.X[3], frozen.method.embed(light)[0], rtol=1e-3, atol=1e-4)


def test_a_run_of_no_epochs_is_the_untrained_control(run: Path, ingested: Path, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE.format(name="msn", encoder="vit", epochs=0))
    impasto("train", tmp_path / "r.toml", "--sites", ingested, "--out", tmp_path / "zero")
    assert (tmp_path / "zero" / "log.jsonl").read_text() == ""
    assert "0 epochs, 0 steps" in (tmp_path / "zero" / "card.md").read_text()
    assert (tmp_path / "zero" / "model.safetensors").read_bytes() != (run / "model.safetensors").read_bytes()


def test_a_plate_with_fewer_channels_is_read_and_the_rest_counts_as_its_mean(run: Path, ingested: Path, tmp_path: Path) -> None:
    less = fewer(ingested, tmp_path, without=["RNA", "Mito"])
    frozen = FrozenRun.load(run, msn.METHOD, channels=less.channels)
    assert frozen.match.sentence == "channels read: AGP, DNA, ER; of the run's, not in these images: Mito, RNA"
    found = deep.profile(less, frozen, shards=tmp_path / "s")
    whole = FrozenRun.load(run, msn.METHOD, channels=Sites.read(ingested).channels)
    pixels = torch.from_numpy(whole.prepare(Sites.read(ingested).image(0)))[None].float() / 255
    pixels[:, [3, 4]] = whole.method.mean[[3, 4]][None, :, None, None]
    with torch.no_grad():
        np.testing.assert_allclose(found.X[0], whole.method.embed(pixels)[0], rtol=1e-3, atol=1e-4)


def test_too_few_channels_are_refused_in_a_sentence(run: Path, ingested: Path, tmp_path: Path) -> None:
    fewer(ingested, tmp_path, without=["RNA", "Mito", "ER"])
    with pytest.raises(InputError, match="the images have AGP, DNA: a vit needs 3 of its channels"):
        impasto("profile", tmp_path / "fewer", "--encoder", run, "--out", tmp_path / "p.parquet")


def test_channels_are_matched_as_the_kind_of_encoder_allows() -> None:
    facts = Facts(["DNA", "ER", "RNA"], [0.1, 0.2, 0.3], [1.0, 2.0, 3.0], ["p"])
    some = matched(facts, ["Actin", "ER"], kind="channel_vit", where="run")
    assert (some.read, some.numbers.tolist()) == (["ER"], [1])  # type: ignore[union-attr]
    assert some.sentence.endswith("not known to the run, left out: Actin")
    any_ = matched(facts, ["Actin", "ER"], kind="ca_mae", where="run")
    assert (any_.read, any_.numbers) == (["ER", "Actin"], None)
    torch.testing.assert_close(any_.mean, torch.tensor([0.2, 0.2]))
    torch.testing.assert_close(any_.spread, torch.tensor([2.0, 2.0]))
    assert matched(facts, ["RNA", "ER", "DNA"], kind="vit", where="run").numbers is None
    with pytest.raises(InputError, match="a channel_vit needs 1 of its channels"):
        matched(facts, ["Actin"], kind="channel_vit", where="run")


def test_statistics_of_intensity_are_named_by_channel(ingested: Path, tmp_path: Path) -> None:
    impasto("profile", ingested, "--encoder", "intensity", "--out", tmp_path / "p.parquet")
    found = tables.read(tmp_path / "p.parquet")
    assert found.n_vars == 5 * 14
    sites = Sites.read(ingested)
    number = int(
        np.flatnonzero((sites.table["plate"] == found.obs["plate"].iloc[0]) & (sites.table["well"] == found.obs["well"].iloc[0]))[0]
    )
    plane = sites.image(number, channels=["ER"])[0].astype(float)
    row = dict(zip(found.var_names, found.X[0], strict=True))
    assert row["Image_Intensity_mean_ER"] == pytest.approx(plane.mean(), rel=1e-5)
    assert row["Image_Intensity_p95_ER"] == pytest.approx(np.percentile(plane, 95), rel=1e-5)
    assert row["Image_Intensity_skewness_ER"] == pytest.approx(pd.Series(plane.ravel()).skew(), rel=1e-2)


def fewer(ingested: Path, base: Path, *, without: list[str]) -> Sites:
    """The same plates, with some channels not there."""
    out = base / "fewer"
    out.mkdir()
    planes = pd.read_parquet(ingested / "images.parquet")
    planes[~planes["channel"].isin(without)].to_parquet(out / "images.parquet")
    pd.read_parquet(ingested / "wells.parquet").to_parquet(out / "wells.parquet")
    return Sites.read(out)


def test_a_run_that_began_with_a_dinov2_and_learned_by_lora_opens_as_a_plain_vit(ingested: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file
    from transformers import Dinov2Config, Dinov2Model

    torch.manual_seed(3)
    sizes = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "image_size": 42, "patch_size": 14}
    published = Dinov2Model(Dinov2Config(**sizes))
    published.save_pretrained(tmp_path / "dinov2")
    written = RECIPE.format(name="msn", encoder="vit", epochs=2).replace("patch = 8", "patch = 14").replace("depth = 1", "depth = 2")
    written = (
        written.replace("size = 48", "size = 42")
        .replace("focal_size = 16", "focal_size = 14")
        .replace("heads = 3", f'heads = 3\nlora = 2\nreadout = "mean"\nstart = "{tmp_path / "dinov2"}"')
    )
    (tmp_path / "r.toml").write_text(written)
    impasto("train", tmp_path / "r.toml", "--sites", ingested, "--out", tmp_path / "run")
    weights = load_file(tmp_path / "run" / "model.safetensors")
    assert not any(name.endswith((".up", ".down")) or ".linear." in name for name in weights)
    before = start.of_dinov2(published.state_dict(), channels=5, side=3)
    assert torch.equal(weights["encoder.trunk.blocks.0.mlp.0.weight"], before["trunk.blocks.0.mlp.0.weight"]), "what LoRA leaves alone"
    assert not torch.equal(weights["encoder.trunk.blocks.0.mixer.qkv.weight"], before["trunk.blocks.0.mixer.qkv.weight"])
    shutil.rmtree(tmp_path / "dinov2")  # a run needs its start no more
    impasto("profile", ingested, "--encoder", tmp_path / "run", "--out", tmp_path / "p.parquet")
    found = tables.read(tmp_path / "p.parquet")
    assert identity.of(found).encoder["readout"] == "mean"
    frozen = FrozenRun.load(tmp_path / "run", msn.METHOD, channels=Sites.read(ingested).channels)
    assert {part.eps for part in frozen.method.encoder.modules() if isinstance(part, torch.nn.LayerNorm)} == {1e-6}
    described = json.loads((tmp_path / "run" / "model.json").read_text())
    assert described["facts"]["start"]["name"] == str(tmp_path / "dinov2")


def test_a_run_is_read_by_its_tokens_and_in_crops(run: Path, ingested: Path, tmp_path: Path) -> None:
    sites = Sites.read(ingested)
    plain = FrozenRun.load(run, msn.METHOD, channels=sites.channels)
    mean = FrozenRun.load(run, msn.METHOD, channels=sites.channels, readout="mean")
    both = FrozenRun.load(run, msn.METHOD, channels=sites.channels, readout="cls+mean")
    site = plain.prepare(sites.image(0))
    light = (torch.from_numpy(site)[None].float() / 255 - plain.match.mean[:, None, None]) / plain.match.spread[:, None, None]
    with torch.no_grad():
        tokens = plain.method.backbone()(light)
    np.testing.assert_allclose(plain([site])[0], tokens[0, 0], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(mean([site])[0], tokens[0, 1:].mean(0), rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(both([site])[0], np.concatenate([plain([site])[0], mean([site])[0]]))
    assert (len(both.features([])), both.describe()["readout"]) == (48, "cls+mean")
    for refused, sentence in (
        (("--layer", 1), "its layer was decided"),
        (("--size", 96), "its size"),
        (("--readout", "pooler"), "readout pooler"),
    ):
        with pytest.raises(InputError, match=sentence):
            impasto("profile", ingested, "--encoder", run, *refused, "--out", tmp_path / "q.parquet")
