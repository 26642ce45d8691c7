"""Every image-only method in the one loop: it trains, resumes to the same bytes, moves its teacher, and shows its collapse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from impasto.methods import METHODS
from impasto.nets import patches
from impasto.plates.sites import Sites
from impasto.pretrain import collapse
from impasto.pretrain.images import Facts
from impasto.pretrain.msn import Msn, MsnSettings
from impasto.pretrain.view_feed import Views
from impasto.schema import InputError
from impasto.training.loop import fit
from impasto.training.method import Prepared
from impasto.training.settings import LoopSettings, OptimSettings

NAMES = [name for name in METHODS if METHODS[name].reads == "sites" and name != "image_towers"]
SMALL: dict[str, Any] = {
    "minibatch": 6,
    "encoder": {"patch": 8, "width": 24, "depth": 2, "heads": 3},
    "views": {"size": 32, "focal": 2, "focal_size": 16},
    "pairs": {"repeats": 2, "lonely": "same-well"},
}
HEADS = {"msn": {"prototypes": 16, "out": 8, "hidden": 16}, "simclr": {"out": 8, "hidden": 16}}
HEADS |= {"byol": HEADS["simclr"], "moco_v3": HEADS["simclr"], "wsl": {}}
HEADS |= {name: {"decoder_width": 16, "decoder_depth": 1, "decoder_heads": 2} for name in ("mae", "crop_mae")}


def prepared(name: str, ingested: Path, *, seed: int = 0, **changes: Any) -> Prepared:
    trainable = METHODS[name]
    settings = trainable.settings.read({"name": name, **SMALL, **HEADS.get(name, {}), **changes}, where="test")
    found: Prepared = trainable.prepare(settings, Sites.read(ingested), seed=seed)
    return found


def loop(**changes: Any) -> LoopSettings:
    return LoopSettings(**{"epochs": 2, "optim": OptimSettings(lr=1e-3, clip_norm=3.0), **changes})


def test_all_methods_of_the_papers_are_here() -> None:
    assert {"msn", "simclr", "byol", "moco_v3", "mae", "crop_mae", "wsl"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_method_trains_and_a_killed_run_ends_in_the_same_bytes(
    name: str, ingested: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = prepared(name, ingested)
    fit(whole.method, whole.feed, settings=loop(), out=tmp_path / "whole")
    log = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert len(log) == 2
    assert log[0]["embedding_rank"] >= 1.0
    killed = prepared(name, ingested)

    made = type(killed.feed).minibatch

    def stop(*_: Any, epoch: int) -> Views:
        if epoch == 1:
            raise KeyboardInterrupt
        return made(*_, epoch=epoch)

    monkeypatch.setattr(type(killed.feed), "minibatch", stop)
    with pytest.raises(KeyboardInterrupt):
        fit(killed.method, killed.feed, settings=loop(), out=tmp_path / "killed")
    monkeypatch.undo()
    again = prepared(name, ingested, seed=0)
    fit(again.method, again.feed, settings=loop(), out=tmp_path / "killed")
    assert (tmp_path / "killed/model.safetensors").read_bytes() == (tmp_path / "whole/model.safetensors").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_falls_on_one_minibatch_that_is_shown_again_and_again(name: str, ingested: Path) -> None:
    ready = prepared(name, ingested, minibatch=7)
    minibatch = ready.feed.minibatch(ready.feed.epoch(0)[0], epoch=0)
    optim = torch.optim.AdamW([p for p in ready.method.parameters() if p.requires_grad], lr=2e-3)
    losses = []
    for step in range(12):
        found = ready.method(minibatch)
        losses.append(float(found.loss.detach()))
        optim.zero_grad()
        found.loss.backward()
        optim.step()
        ready.method.after_step(step / 12)
    assert losses[-1] < losses[0]
    assert found.embeddings["image"].shape == (7, 24)
    assert ready.method.eval().embed(minibatch.anchor).shape == (7, 24)


@pytest.mark.parametrize("encoder", ["channel_vit", "ca_mae", "resnet"])
@pytest.mark.parametrize("name", ["msn", "mae", "simclr"])
def test_methods_take_other_encoders(name: str, encoder: str, ingested: Path) -> None:
    changes: dict[str, Any] = {"encoder": {**SMALL["encoder"], "name": encoder, "layers": 18}}
    if encoder == "resnet" and name == "mae":
        with pytest.raises(InputError, match="needs an encoder with patches"):
            prepared(name, ingested, **changes)
        return
    if encoder == "resnet" and name == "msn":
        changes["drop"] = 0.0
    ready = prepared(name, ingested, **changes)
    assert torch.isfinite(ready.method(ready.feed.minibatch(ready.feed.epoch(0)[0], epoch=0)).loss)


def test_rows_of_a_minibatch_do_not_depend_on_each_other(ingested: Path) -> None:
    """So the shares of several ranks are what one process would have drawn."""
    ready = prepared("msn", ingested)
    rows = ready.feed.epoch(3)[0]
    whole, part = ready.feed.minibatch(rows, epoch=3), ready.feed.minibatch(rows[1::2], epoch=3)
    for name in ("anchor", "target", "focal", "noise", "group"):
        torch.testing.assert_close(getattr(whole, name)[1::2], getattr(part, name))
    other = ready.feed.minibatch(rows, epoch=4)
    assert not torch.equal(whole.anchor, other.anchor)


def test_what_cannot_be_read_is_left_out_and_named(ingested: Path) -> None:
    facts = prepared("mae", ingested).facts
    assert len(facts["quarantine"]) == 1
    assert facts["sites"] == 19
    assert facts["channels"] == ["AGP", "DNA", "ER", "Mito", "RNA"]
    assert "DMSO" in facts["perturbations"]


def test_channels_are_chosen_by_name(ingested: Path) -> None:
    ready = prepared("mae", ingested, channels=["RNA", "DNA"])
    assert ready.facts["channels"] == ["RNA", "DNA"]
    assert ready.feed.minibatch(ready.feed.epoch(0)[0], epoch=0).anchor.shape[1] == 2
    with pytest.raises(InputError, match=r"no channel 'Mitto' \(did you mean 'Mito'\?\)"):
        prepared("mae", ingested, channels=["Mitto"])


def tiny_msn(**changes: Any) -> Msn:
    torch.manual_seed(0)
    settings = MsnSettings.read({**SMALL, **HEADS["msn"], "norm": "none", **changes}, where="test")
    return Msn(settings, Facts(["a", "b"], [0.1, 0.2], [1.0, 2.0], ["p", "q"]))


def views(n: int = 4) -> Views:
    torch.manual_seed(1)
    return Views(torch.rand(n, 2, 32, 32), torch.rand(n, 2, 32, 32), torch.rand(n, 2, 2, 16, 16), torch.rand(n, 16), *[torch.arange(n)] * 3)


def test_msn_is_the_sum_of_its_terms_by_hand() -> None:
    method, given = tiny_msn(), views()
    step = method(given)
    net = method.teacher.net

    def assignment(rows: torch.Tensor, head: Any) -> torch.Tensor:
        z = torch.nn.functional.normalize(head(rows), dim=1)
        return torch.softmax(z @ torch.nn.functional.normalize(method.prototypes, dim=1).T / 0.1, dim=1)

    keep = patches.split(given.noise, drop=0.15)[0]
    p = [assignment(method.encoder(method.light(given.anchor), keep)[:, 0], method.head)]
    p += [assignment(method.encoder(method.light(given.focal[:, i]))[:, 0], method.head) for i in range(2)]
    teacher = assignment(net["encoder"](method.light(given.target))[:, 0], net["head"]) ** 4
    teacher = teacher / teacher.sum(dim=1, keepdim=True)
    match = sum(-(teacher * v.log()).sum(dim=1).mean() / 3 for v in p)
    mean = torch.cat(p).mean(dim=0)
    gap = torch.log(torch.tensor(16.0)) + (mean * mean.log()).sum()
    torch.testing.assert_close(step.terms["match"], match, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(step.terms["mean_entropy_gap"], gap, rtol=1e-4, atol=1e-5)


def test_the_teacher_of_msn_moves_and_gets_no_gradient() -> None:
    method = tiny_msn()
    method(views()).loss.backward()
    assert all(p.grad is None for p in method.teacher.parameters())
    assert method.prototypes.grad is not None
    before = method.teacher.net["encoder"].cls.clone()
    with torch.no_grad():
        method.encoder.cls.add_(1.0)
    method.after_step(0.5)
    torch.testing.assert_close(method.teacher.net["encoder"].cls, before + (1 - 0.998))
    method.after_step(1.0)
    torch.testing.assert_close(method.teacher.net["encoder"].cls, before + (1 - 0.998))


def test_monitors_tell_collapse_from_use() -> None:
    spread, line = torch.randn(64, 8), torch.randn(64, 1) @ torch.randn(1, 8)
    assert collapse.effective_rank(spread) > 6
    assert collapse.effective_rank(line) == pytest.approx(1.0, abs=1e-3)
    assert collapse.effective_rank(torch.ones(64, 8)) == pytest.approx(1.0, abs=1e-3)
    one, all_used = torch.zeros(8, 4), torch.eye(4).repeat(2, 1)
    one[:, 2] = 1.0
    assert float(collapse.prototypes_used(one)) == pytest.approx(0.25)
    assert float(collapse.prototypes_used(all_used)) == 1.0


OWN: dict[str, dict[str, object]] = {
    "impasto.pretrain.byol": {"hidden": 2048, "out": 256, "norm": "batch", "momentum": 0.996},
    "impasto.pretrain.moco_v3": {"hidden": 2048, "out": 256, "norm": "batch", "momentum": 0.99, "temperature": 0.1},
    "impasto.pretrain.simclr": {"hidden": 2048, "out": 128, "norm": "batch", "temperature": 0.1},
    "impasto.pretrain.wsl": {"smoothing": 0.0},
    "impasto.pretrain.mae": {"drop": 0.75, "decoder_width": 384, "decoder_depth": 4, "decoder_heads": 6, "normalise": True},
    "impasto.pretrain.crop_mae": {"drop": 0.985, "decoder_width": 384, "decoder_depth": 4, "decoder_heads": 6, "normalise": True},
    "impasto.pretrain.msn": {
        "drop": 0.15,
        "prototypes": 1024,
        "out": 256,
        "hidden": 2048,
        "norm": "batch",
        "temperature": 0.1,
        "sharpening": 0.25,
        "sinkhorn": 0,
        "match_weight": 1.0,
        "entropy_weight": 1.0,
        "anchor_entropy_weight": 0.0,
        "momentum": 0.996,
        "momentum_end": 1.0,
    },
}
COMMON: dict[str, object] = {
    "encoder": {
        "name": "vit",
        "patch": 16,
        "width": 384,
        "depth": 12,
        "heads": 6,
        "layers": 50,
        "readout": "cls",
        "start": None,
        "lora": 0,
    },
    "pairs": {
        "wells": "cross",
        "prefer": "any",
        "lonely": "refuse",
        "together": "any",
        "epoch": "perturbations",
        "repeats": 1,
        "controls": True,
        "group_by": ["perturbation"],
    },
    "views": {
        "size": 224,
        "scale": (0.3, 1.0),
        "focal": 10,
        "focal_size": 96,
        "focal_scale": (0.05, 0.3),
        "stretch": 4 / 3,
        "turns": True,
        "flips": True,
        "blur": 0.0,
        "blur_sd": (0.1, 2.0),
        "jitter": 0.0,
        "gain": 0.4,
        "offset": 0.1,
    },
    "input_norm": "data",
    "sample_channels": False,
    "probe": None,
    "minibatch": 64,
    "channels": None,
    "only": {},
    "longest": None,
    "memory_mb": 4096,
    "cache": None,
}


@pytest.mark.parametrize("module", OWN)
def test_what_a_recipe_leaves_out_is_as_documented(module: str) -> None:
    """Numbers of every recipe that says nothing else. Those of impasto.pretrain.images, .momentum and .views are here too."""
    name = module.rpartition(".")[2]
    assert METHODS[name].settings().model_dump() == {"name": name, **COMMON, **OWN[module]}
