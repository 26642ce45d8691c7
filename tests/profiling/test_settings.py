"""The settings of an encoder, and the way back from what profiles record of one."""

from __future__ import annotations

import pytest

from impasto.nets.encoders.reading import Reading
from impasto.nets.encoders.vision import VisionEncoder
from impasto.plates.crops import Crops
from impasto.profiling import ENCODERS
from impasto.profiling.classical import CpMeasure
from impasto.profiling.encoders import of_sites
from impasto.profiling.extract import ProfileSettings
from impasto.profiling.intensity import Intensity
from impasto.profiling.settings import EncoderSettings, of_identity

STACK = Reading("stack", "min_max", ("ER", "DNA"))


def vision(name: str, sha256: str = "ab" * 32, **more: object) -> VisionEncoder:
    return VisionEncoder(name, None, int(more.pop("size", 224)), 8, sha256, "x", **more)


@pytest.mark.parametrize(
    ("encoder", "crops", "settings"),
    [
        (vision("org/model", layers=(3,), readout="mean", size=448), {}, {"layer": [3], "readout": "mean", "size": 448}),
        (vision("org/model", layers=(6, -1), readout="cls+mean"), {}, {"layer": [6, -1], "readout": "cls+mean"}),
        (vision("org/model", layers=(-1,), readout="pooler", reading=STACK), {}, {"layer": [-1], "readout": "pooler"}),
        (vision("dinov2_s14", layers=(6,), readout="mean"), {}, {"layer": [6], "readout": "mean"}),
        (vision("dinov2_s14", layers=(6,), readout="mean", size=98), {"way": "grid"}, {"layer": [6], "readout": "mean", "size": 98}),
        (vision("random", "random weights, seed 7"), {}, {"seed": 7}),
        (vision("efficientnet_lite0"), {"way": "random", "seed": 3, "instances": True}, {}),
    ],
)
def test_what_a_vision_encoder_says_of_itself_makes_it_again(
    encoder: VisionEncoder, crops: dict[str, object], settings: dict[str, object]
) -> None:
    cropped = Crops(**{"way": "cover", "size": encoder.size, **crops})
    made = of_identity(of_sites(encoder, crops=cropped).describe())
    hub = encoder.name == "org/model"
    expected = {"crops": cropped.way, "instances": cropped.instances, **({"seed": cropped.seed} if cropped.seed else {}), **settings}
    if hub:
        reading = encoder.reading
        expected |= {"input": reading.input, "normalise": reading.normalise, "order": list(reading.order), "size": encoder.size}
    assert made == EncoderSettings(encoder=encoder.name, precision="float32", **expected)


def test_a_commit_is_kept_and_a_licence_is_not_accepted_for_the_user() -> None:
    encoder = vision("org/model", layers=(-1,), readout="cls", commit="c" * 40, code="org/model@" + "c" * 40)
    made = of_identity(of_sites(encoder).describe())
    assert made.encoder == "org/model@" + "c" * 40
    assert made.code == "org/model@" + "c" * 40
    assert not made.accept_licence


def test_profiles_that_record_no_crops_were_squeezed() -> None:
    assert of_identity({"name": "efficientnet_lite0", "sha256": "57" * 32, "size": 224}).crops == "squash"


def test_the_others_too() -> None:
    assert of_identity(Intensity().describe()).encoder == "intensity"
    pytest.importorskip("cp_measure")
    fast = of_identity(CpMeasure(nucleus=22.0, slow=False).describe())
    assert (fast.encoder, fast.nucleus) == ("cp_measure_fast", 22.0)
    run = {"name": "r", "path": "/runs/r", "sha256": "ab" * 32, "size": 96, "order": ["DNA"], "readout": "mean", "crops": {"way": "grid"}}
    assert of_identity(run) == EncoderSettings(encoder="/runs/r", readout="mean", crops="grid")


def test_the_help_names_the_family() -> None:
    text = str(EncoderSettings.model_fields["encoder"].description)
    assert all(name in text for name in ENCODERS)
    made = ENCODERS["intensity"](EncoderSettings(encoder="intensity"))
    assert isinstance(made, Intensity)
    assert ENCODERS.resolve(lambda settings: settings.encoder)(EncoderSettings(encoder="mine")) == "mine"


def test_what_is_left_out_is_as_documented() -> None:
    assert EncoderSettings().model_dump() == {
        "device": "auto",
        "precision": "auto",
        "encoder": "efficientnet_lite0",
        "layer": [],
        "readout": None,
        "size": None,
        "input": None,
        "order": [],
        "normalise": None,
        "crops": "cover",
        "instances": False,
        "code": "",
        "accept_licence": False,
        "call": "forward",
        "licence": "",
        "nucleus": 30.0,
        "runtime": "torch",
        "seed": 0,
    }
    of_profile = {name: field.default for name, field in ProfileSettings.model_fields.items() if name not in EncoderSettings.model_fields}
    assert {name: of_profile[name] for name in ("level", "per_batch", "illumination", "pool", "max_bad", "retry_bad")} == {
        "level": "site",
        "per_batch": 8,
        "illumination": "none",
        "pool": None,
        "max_bad": None,
        "retry_bad": False,
    }
