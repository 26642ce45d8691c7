"""A mismatch is refused in one sentence; what is not recorded is said."""

from __future__ import annotations

from pathlib import Path

import anndata
import pytest
from tests.identity.recorded import DINO, LITE, SPHERED, compared, made

from impasto import identity, profiles
from impasto.identity import Identity
from impasto.schema import InputError
from impasto.stages import correct


def test_other_encoders_are_refused_by_both_names() -> None:
    with pytest.raises(InputError) as refused:
        compared(made(DINO), made(LITE))
    assert str(refused.value) == (
        "the encoder of the run r is dinov2_s14 layer 6 mean (sha256 191919191919), that of the profiles p is efficientnet_lite0 "
        "(sha256 575757575757); profile the images with --encoder dinov2_s14 and the same settings"
    )


@pytest.mark.parametrize(
    ("key", "value"), [("layer", 11), ("readout", "cls"), ("size", 448), ("illumination", "estimate"), ("sha256", "00" * 32)]
)
def test_each_part_of_an_encoder_counts(key: str, value: object) -> None:
    with pytest.raises(InputError, match=str(value)[:12]):
        compared(made(DINO), made({**DINO, key: value}))


def test_licence_and_runtime_do_not_count() -> None:
    assert compared(made(DINO), made({**DINO, "licence": "MIT", "runtime": "OpenVINO"})) == ""


def test_steps_are_compared_in_order_and_by_their_settings() -> None:
    clip = {"method": "clip", "limit": 3.0}
    assert compared(made(DINO, SPHERED, clip), made(DINO, SPHERED, clip)) == ""
    assert compared(made(DINO, SPHERED), made(DINO, {**SPHERED, "learned_anew": ["q"]})) == ""
    for other, sentence in (
        (made(DINO), "is sphering, that of the profiles p is none; correct the profiles by the same steps"),
        (made(DINO, clip, SPHERED), "is sphering, that of the profiles p is clip > sphering"),
        (made(DINO, {**SPHERED, "regulariser": 0.1}), r"sphering \(sphering.regulariser = 1.0\), that .* = 0.1\)"),
    ):
        with pytest.raises(InputError, match=sentence):
            compared(made(DINO, SPHERED), other)
    with pytest.raises(InputError, match="is none, that of the profiles p is sphering; give the profiles as they were before"):
        compared(made(DINO), made(DINO, SPHERED))
    steps = identity.compare(identity.of(made(DINO)), identity.of(made(DINO, SPHERED)), of_expected="a", of_given="b", steps=False)
    assert steps == ""


def test_embeddings_are_of_one_run() -> None:
    first, second = Identity(DINO, (), {"name": "a", "sha256": "aa" * 32}), Identity(DINO, (), {"name": "b", "sha256": "bb" * 32})
    assert identity.compare(first, first, of_expected="x", of_given="y") == ""
    with pytest.raises(InputError, match=r"x: embeddings of the run a \(sha256 aaaaaaaaaaaa\); y: embeddings of the run b"):
        identity.compare(first, second, of_expected="x", of_given="y")
    with pytest.raises(InputError, match="y: profiles that no run embedded"):
        identity.compare(first, Identity(DINO), of_expected="x", of_given="y")


def test_fitted_steps_are_applied_to_their_like_only(tmp_path: Path) -> None:
    def corrected(name: str, encoder: dict[str, object], **given: object) -> anndata.AnnData:
        data = made(encoder)
        data.obs["control_type"] = ["negcon", "negcon", "trt"]
        profiles.write(data, tmp_path / f"{name}.in.parquet")
        settings = correct.CorrectSettings.read({"profiles": tmp_path / f"{name}.in.parquet", **given}, where="test")
        correct.run(settings, tmp_path / f"{name}.parquet")
        return profiles.read(tmp_path / f"{name}.parquet")

    first = corrected("a", DINO, steps=[{"method": "clip", "limit": 2.0}], keep=True)
    assert identity.of(first).encoder == DINO
    assert [(step["method"], step["limit"]) for step in identity.of(first).steps] == [("clip", 2.0)]
    again = corrected("b", DINO, fitted=str(tmp_path / "a.parquet.fitted"))
    assert identity.of(again) == identity.of(first)
    with pytest.raises(
        InputError, match=r"the encoder of the fitted steps .* is dinov2_s14 .*, that of the profiles is efficientnet_lite0"
    ):
        corrected("c", LITE, fitted=str(tmp_path / "a.parquet.fitted"))


def test_tables_are_numbered_as_they_are_given() -> None:
    one, same, other = made(DINO), made(DINO), made(LITE)
    with pytest.raises(InputError, match=r"the encoder of table 1 is .*, that of table 2 is"):
        identity.common([one, other])
    with pytest.raises(InputError, match=r"the encoder of table 1 is .*, that of table 3 is"):
        identity.common([one, same, other])
