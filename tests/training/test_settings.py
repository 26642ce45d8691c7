"""The settings of the loop: a seed of its own stays, a missing one is that of the training; nothing needs torch."""

from __future__ import annotations

import pytest

from impasto.schema import InputError
from impasto.stages.train import TrainSettings
from impasto.training.settings import LoopSettings, OptimSettings


def test_a_seed_of_its_own_stays() -> None:
    assert LoopSettings().seeded(4).seed == 4
    assert LoopSettings(seed=0).seeded(4).seed == 0


def test_the_warmup_is_shorter_than_the_training_or_refused() -> None:
    assert OptimSettings(warmup=9).warmup_steps(10) == 9
    assert OptimSettings().warmup_steps(0) == 0
    assert OptimSettings(warmup=10).warmup_steps(0) == 10  # nothing is trained: the weights as they were drawn
    assert OptimSettings(warmup_share=0.15).warmup_steps(116 * 100) == 1740
    assert OptimSettings(warmup_share=0.15).warmup_steps(3) == 0
    for steps in (10, 3):
        with pytest.raises(InputError, match=f"takes 10 steps and the whole training {steps}, so it would end before it has begun"):
            OptimSettings(warmup=10).warmup_steps(steps)
    with pytest.raises(InputError, match="given twice, by warmup and by warmup_share"):
        LoopSettings.read({"optim": {"warmup": 3, "warmup_share": 0.1}}, where="test")


def test_the_device_is_no_part_of_what_a_result_is_and_the_precision_is() -> None:
    said = LoopSettings(device="cpu", compile="off", log_every=3, feeding_threads=2, precision="bf16").result()
    assert not {"device", "compile", "log_every", "feeding_threads", "watch"} & said.keys()
    assert said["precision"] == "bf16"
    assert TrainSettings.read({"method": {"name": "mae"}, "loop": {"device": "cpu"}}, where="t").result()["loop"].keys() == said.keys()


def test_a_misspelt_key_is_named_with_its_place() -> None:
    with pytest.raises(InputError, match=r"optim: unknown key 'warm' \(did you mean 'warmup'"):
        LoopSettings.read({"optim": {"warm": 1}}, where="test")


def test_no_steps_are_asked_for_by_no_epochs() -> None:
    with pytest.raises(InputError, match="max_steps is 0"):
        LoopSettings.read({"max_steps": 0}, where="loop")
    assert LoopSettings.read({"max_steps": 1}, where="loop").max_steps == 1


def test_what_a_recipe_leaves_out_is_as_documented() -> None:
    optim = {
        "lr": 2e-4,
        "lr_start": 0.0,
        "lr_floor": 0.0,
        "weight_decay": 0.1,
        "betas": [0.9, 0.999],
        "weight_decay_end": None,
        "warmup": 0,
        "warmup_share": None,
        "restarts": 1,
        "clip_norm": None,
    }
    assert OptimSettings().model_dump() == optim
    assert LoopSettings().model_dump() == {
        "device": "auto",
        "precision": "auto",
        "epochs": 50,
        "max_steps": None,
        "validate_every": 1,
        "patience": None,
        "checkpoint_every": 1,
        "chunk": None,
        "compile": "auto",
        "log_every": 50,
        "feeding_threads": None,
        "watch": [],
        "seed": None,
        "optim": optim,
    }
