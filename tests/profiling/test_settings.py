"""The settings of an encoder, and the way back from what profiles record of one."""

from __future__ import annotations

import pytest

from impasto.nets.encoders.vision import VisionEncoder
from impasto.profiling import ENCODERS
from impasto.profiling.classical import CpMeasure
from impasto.profiling.encoders import EachChannel, Intensity
from impasto.profiling.settings import EncoderSettings, of_identity


@pytest.mark.parametrize(
    ("encoder", "settings"),
    [
        (
            VisionEncoder("org/model", None, 448, 8, "hub: org/model", "x", layer=3, readout="mean"),
            {"layer": 3, "pooling": "mean", "size": 448},
        ),
        (VisionEncoder("org/model", None, 224, 8, "hub: org/model", "x", layer=-1, readout="cls"), {}),
        (VisionEncoder("random", None, 224, 8, "random weights, seed 7", "none"), {"seed": 7}),
        (VisionEncoder("efficientnet_lite0", None, 224, 8, "57" * 32, "Apache-2.0"), {}),
    ],
)
def test_what_a_vision_encoder_says_of_itself_makes_it_again(encoder: VisionEncoder, settings: dict[str, object]) -> None:
    assert of_identity(EachChannel(encoder).describe()) == EncoderSettings(encoder=encoder.name, **settings)


def test_the_others_too() -> None:
    assert of_identity(Intensity().describe()) == EncoderSettings(encoder="intensity")
    pytest.importorskip("cp_measure")
    assert of_identity(CpMeasure(nucleus=22.0, slow=False).describe()) == EncoderSettings(encoder="cp_measure_fast", nucleus=22.0)
    assert of_identity({"name": "r", "path": "/runs/r", "sha256": "ab" * 32}) == EncoderSettings(encoder="/runs/r")


def test_the_help_names_the_family() -> None:
    text = str(EncoderSettings.model_fields["encoder"].description)
    assert all(name in text for name in ENCODERS)
    made = ENCODERS["intensity"](EncoderSettings(encoder="intensity"))
    assert isinstance(made, Intensity)
    assert ENCODERS.resolve(lambda settings: settings.encoder)(EncoderSettings(encoder="mine")) == "mine"
