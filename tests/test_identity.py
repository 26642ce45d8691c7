"""Identity: it survives every format and every step of the path; a mismatch is refused in one sentence; the unknown is said."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto import identity, profiles
from impasto.identity import Identity
from impasto.schema import InputError
from impasto.stages import correct

DINO = {
    "name": "dinov2_s14",
    "sha256": "19" * 32,
    "layer": 6,
    "readout": "mean",
    "size": 224,
    "preprocessing": "8 bit",
    "illumination": "none",
}
LITE = {"name": "efficientnet_lite0", "sha256": "57" * 32, "size": 224, "preprocessing": "8 bit", "illumination": "none"}
SPHERED = {"method": "sphering", "by": "plate", "regulariser": 1.0}


def table() -> anndata.AnnData:
    obs = pd.DataFrame({"plate": ["p", "p", "q"], "well": ["A01", "A01", "A02"], "perturbation": ["a", "a", "b"]}, index=list("012"))
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    return anndata.AnnData(values, obs=obs, var=profiles.describe_features(["Cells_AreaShape_Area", "Cells_AreaShape_Extent"]))


def made(encoder: dict[str, object] = DINO, *steps: dict[str, object]) -> anndata.AnnData:
    found = table()
    identity.record_encoder(found, encoder)
    for step in steps:
        identity.record_step(found, step)
    return found


def compared(first: anndata.AnnData, second: anndata.AnnData) -> str:
    return identity.compare(identity.of(first), identity.of(second), of_expected="the run r", of_given="the profiles p")


@pytest.mark.parametrize("suffix", [".parquet", ".h5ad", ".zarr"])
def test_a_file_gives_the_identity_back(suffix: str, tmp_path: Path) -> None:
    before = made(DINO, SPHERED, {"method": "clip", "limit": 3})
    path = tmp_path / f"p{suffix}"
    profiles.write(before, path)
    after = profiles.read(path)
    assert identity.of(after) == identity.of(before) == Identity(DINO, (SPHERED, {"method": "clip", "limit": 3}), None)
    profiles.write(after, tmp_path / f"twice{suffix}")
    assert identity.of(profiles.read(tmp_path / f"twice{suffix}")) == identity.of(before)


def test_a_csv_has_no_place_for_it_and_says_so(tmp_path: Path) -> None:
    profiles.write(made(), tmp_path / "p.csv")
    read = profiles.read(tmp_path / "p.csv")
    assert not identity.of(read).known
    note = compared(made(), read)
    assert "the profiles p" in note
    assert "the run r" not in note
    assert "not compared" in note


def test_aggregation_and_stacking_keep_it() -> None:
    assert identity.of(profiles.aggregate(made(DINO, SPHERED), by=["plate", "well"])) == Identity(DINO, (SPHERED,))
    assert identity.of(profiles.join_common([made(DINO, SPHERED), made(DINO, SPHERED)])) == Identity(DINO, (SPHERED,))
    assert not identity.of(profiles.join_common([made(), table()])).known
    with pytest.raises(InputError, match=r"encoder of table 1 is dinov2_s14.*that of table 2 is efficientnet_lite0"):
        profiles.join_common([made(DINO), made(LITE)])


def test_recording_a_step_leaves_what_shares_the_entry_alone() -> None:
    before = made()
    after = anndata.AnnData(before.X, obs=before.obs, var=before.var, uns=dict(before.uns))
    identity.record_step(after, SPHERED)
    assert identity.of(before).steps == ()
    assert identity.of(after).steps == (SPHERED,)
    with pytest.raises(InputError, match="needs its method"):
        identity.record_step(after, {"by": "plate"})


def test_values_of_numpy_become_plain_numbers(tmp_path: Path) -> None:
    found = table()
    identity.record_step(found, {"method": "clip", "limit": np.float32(2.5), "on": ("a", "b"), "where": Path("x")})
    assert found.uns[identity.KEY]["steps"] == [{"method": "clip", "limit": 2.5, "on": ["a", "b"], "where": "x"}]


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


@pytest.mark.parametrize("record", [None, "", "{", "words", 3, ["a"]])
def test_what_is_not_ours_is_no_identity(record: object) -> None:
    assert not Identity.read(record).known
    assert Identity.read('{"encoder": {"name": "a"}}') == Identity({"name": "a"})


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
