"""Steps in order: each on what the one before left, guards, records and receipts; fitted steps applied later."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.correction.plated import control_rows, plates
from tests.correction.test_teaching import Shift

from impasto import identity
from impasto import profiles as tables
from impasto.correction import kept
from impasto.correction.clip import Clip, ClipSettings
from impasto.correction.receipt import receipt
from impasto.correction.spared import spare_controls
from impasto.correction.sphering import Sphering, SpheringSettings
from impasto.correction.standardize import Standardize, StandardizeSettings
from impasto.correction.steps import correct, settings_of
from impasto.schema import InputError
from impasto.settings import Settings


def test_each_step_is_fitted_on_what_the_one_before_left() -> None:
    data = plates()
    before = data.X.copy()
    corrected, fitted, told = correct(data, ["standardize", {"method": "clip", "limit": 2}, SpheringSettings(regulariser=0.5)])
    by_hand = Standardize.fit(data).transform(data)
    by_hand = Clip.fit(by_hand, ClipSettings(limit=2.0)).transform(by_hand)
    by_hand = Sphering.fit(by_hand, SpheringSettings(regulariser=0.5)).transform(by_hand)
    np.testing.assert_array_equal(corrected.X, by_hand.X)
    np.testing.assert_array_equal(data.X, before)
    assert not identity.of(data).steps
    assert [step.name for step in fitted] == ["standardize", "clip", "sphering"]
    assert told == receipt(data, corrected, methods=list(identity.of(corrected).steps))
    assert [(s["method"], s.get("limit"), s.get("regulariser")) for s in told["methods"]] == [
        ("standardize", None, None),
        ("clip", 2.0, None),
        ("sphering", None, 0.5),
    ]


def test_spared_controls_are_marked_and_not_learned_from() -> None:
    data = plates()
    corrected, fitted, _ = correct(data, ["standardize"], spare=0.5, seed=3)
    marked = spare_controls(data, share=0.5, seed=3)
    assert (corrected.obs["spared"] == marked.obs["spared"]).all()
    own = control_rows(data, "P1") & ~marked.obs["spared"].to_numpy()
    np.testing.assert_allclose(fitted[0].learned["B1/P1"].centre, np.median(data.X[own].astype(np.float64), axis=0))


def test_a_held_out_plate_is_learned_from_its_own_rows_and_named() -> None:
    data = plates(plates=4)
    corrected, fitted, told = correct(data, ["standardize"], split={"by": "plate", "validation": 0.0, "test": 0.25}, seed=0)
    held = set(corrected.obs.loc[corrected.obs["split"] == "test", "plate"])
    assert len(held) == 1
    (plate,) = held
    assert told["methods"][0]["learned_anew"] == [f"B{plate[1]}/{plate}"]
    np.testing.assert_array_equal(corrected.X, Standardize.fit(data).transform(data).X)  # all controls of each plate
    assert len(fitted[0].seen_in_fit()) == 4


def test_fitted_steps_are_applied_as_they_are_from_memory_and_from_disk(tmp_path: Path) -> None:
    data = plates(plates=3)
    old, new = (data[(data.obs["plate"] == "P2").to_numpy() == later].copy() for later in (False, True))
    first, fitted, _ = correct(old, ["standardize", "sphering"])
    kept.save(tmp_path / "fitted", fitted)
    for given in (fitted, tmp_path / "fitted", str(tmp_path / "fitted")):
        later, again, told = correct(data, fitted=given)
        np.testing.assert_array_equal(later.X[: old.n_obs], first.X)
        own = Standardize.fit(new).transform(new)
        np.testing.assert_array_equal(later.X[old.n_obs :], fitted[1].transform(own).X)
        assert told["methods"][0]["learned_anew"] == ["B2/P2"]
        assert "learned_anew" not in told["methods"][1]
        assert [step.name for step in again] == ["standardize", "sphering"]


def test_steps_are_added_to_those_that_made_the_profiles() -> None:
    once, _, _ = correct(plates(), ["standardize"])
    twice, _, told = correct(once, ["clip"])
    assert [step["method"] for step in list(identity.of(twice).steps)] == ["standardize", "clip"]
    assert [step["method"] for step in told["methods"]] == ["clip"]
    assert [step["method"] for step in list(identity.of(once).steps)] == ["standardize"]


def test_a_class_of_ones_own_is_a_step_by_itself_and_in_a_table() -> None:
    data = plates()
    for step in (Shift, {"method": Shift}):
        corrected, _, told = correct(data, [step])
        np.testing.assert_allclose(corrected.X, data.X - data.X.mean(axis=0), atol=1e-5)
        assert told["methods"][0]["method"] == "clip"  # as its settings say
    with pytest.raises(InputError, match=r"step 1 \(shift\): unknown key 'limt' \(did you mean 'limit'\?\)"):
        correct(data, [{"method": Shift, "limt": 3}])


def test_a_frame_does_as_well() -> None:
    data = plates()
    np.testing.assert_array_equal(correct(tables.to_frame(data), ["standardize"])[0].X, correct(data, ["standardize"])[0].X)


def test_steps_and_fitted_are_one_or_the_other() -> None:
    data = plates()
    with pytest.raises(InputError, match="either steps to fit"):
        correct(data)
    with pytest.raises(InputError, match="either steps to fit"):
        correct(data, ["clip"], fitted=[Clip.fit(data)])
    with pytest.raises(InputError, match="an empty list of fitted steps"):
        correct(data, fitted=[])


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ("spherring", r"unknown correction method 'spherring' \(did you mean 'sphering'"),
        ({"regulariser": 1.0}, r'step 2: the step names no method; add one, as method = "sphering"; allowed: arm, cellpaintr, clip'),
        ({"method": "clip", "limits": 3}, r"step 2 \(clip\): unknown key 'limits' \(did you mean 'limit'\?\)"),
        ({"method": "clip", "limit": -1.0}, r"step 2 \(clip\): limit is -1.0, but input should be greater than 0"),
        ({"method": "standardize", "by": "plat"}, r"step 2 \(standardize\): by is 'plat'"),
        (3, "step 2: a step is a method's name, a table with the key 'method', or settings, and not int"),
    ],
)
def test_a_step_that_is_none_is_a_sentence(step: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        correct(plates(), ["clip", step])  # type: ignore[list-item]


def test_numbers_of_numpy_are_settings_too() -> None:
    kind, chosen = settings_of({"method": "sphering", "regulariser": np.float32(0.5)})
    assert kind is Sphering
    assert chosen == SpheringSettings(regulariser=0.5)
    assert settings_of(StandardizeSettings(statistic="mean")) == (Standardize, StandardizeSettings(statistic="mean"))


def test_settings_say_their_method_though_a_class_of_ones_own_takes_them_too() -> None:
    """Shift takes the settings of clip, which name clip; settings made from them for a corrector of one's own are that corrector's."""
    assert settings_of(ClipSettings(limit=3.0)) == (Clip, ClipSettings(limit=3.0))

    class NoMethod(Settings):
        limit: float = 2.0

    class Narrow(ClipSettings):
        pass

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class OfNarrow(Shift):
        name = "narrow"
        settings_class = Narrow

    assert settings_of(Narrow(limit=1.0))[0] is OfNarrow
    assert settings_of(Narrow)[0] is OfNarrow
    with pytest.raises(
        InputError, match=r"the settings NoMethod do not say the method, for no correction method takes them; give \{'method'"
    ):
        settings_of(NoMethod())
