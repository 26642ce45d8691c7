"""What is wrong in settings, in one sentence: place, key, what is allowed; the types that a field may have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from impasto.schema import InputError
from impasto.settings import Settings
from impasto.wrong_settings import WrongSetting, _walk, choices, models_in, wrong_setting


class Inner(Settings):
    depth: int = 1
    kind: Literal["narrow", "wide"] = "wide"


class Other(Settings):
    share: float


class Outer(Settings):
    inner: Inner = Inner()
    several: list[Inner] = Field(default_factory=list)
    named: dict[str, Inner] = Field(default_factory=dict)
    either: Annotated[Inner | Other | None, "a mark"] = None
    sizes: list[int] = Field(default_factory=list)
    path: Path | None = None


def slip(values: dict[str, Any]) -> WrongSetting:
    with pytest.raises(ValidationError) as error:
        Outer.model_validate(values)
    return wrong_setting(Outer, error.value)


@pytest.mark.parametrize(
    ("values", "place", "sentence"),
    [
        ({"iner": {}}, "", "unknown key 'iner' (did you mean 'inner'?); allowed: inner, several, named, either, sizes, path"),
        ({"inner": {"dept": 1}}, "inner", "unknown key 'dept' (did you mean 'depth'?); allowed: depth, kind"),
        ({"several": [{}, {"dept": 1}]}, "several.2", "unknown key 'dept' (did you mean 'depth'?); allowed: depth, kind"),
        ({"named": {"a": {"depth": "x"}}}, "named.a", "depth is 'x', but input should be a valid integer"),
        ({"sizes": [1, "b"]}, "", "sizes.2 is 'b', but input should be a valid integer"),
        ({"inner": {"kind": "wid"}}, "inner", "kind is 'wid' (did you mean 'wide'?), but input should be 'narrow' or 'wide'"),
        ({"inner": {"depth": 1.5}}, "inner", "depth is 1.5, but input should be a valid integer"),
    ],
)
def test_the_first_slip_has_its_place_and_its_sentence(values: dict[str, Any], place: str, sentence: str) -> None:
    wrong = slip(values)
    assert (wrong.place, wrong.sentence) == (place, sentence)
    assert str(wrong) == (f"{place}: {sentence}" if place else sentence)
    assert isinstance(wrong, InputError)


def test_a_misspelt_key_is_said_before_the_one_that_is_missing() -> None:
    class Needing(Settings):
        one: Other

    with pytest.raises(ValidationError) as error:
        Needing.model_validate({"one": {"shar": 0.5}})
    assert str(wrong_setting(Needing, error.value)) == "one: unknown key 'shar' (did you mean 'share'?); allowed: share"
    with pytest.raises(ValidationError) as error:
        Needing.model_validate({"one": {}})
    assert str(wrong_setting(Needing, error.value)) == "one: the key 'share' is missing; add it"


def test_places_are_counted_from_one_and_names_of_union_members_are_left_out() -> None:
    assert _walk(Outer, ("several", 1, "depth")) == ("several.2.depth", None)
    assert _walk(Outer, ("several", 0)) == ("several.1", Inner)
    assert _walk(Outer, ("either", "Other", "share"))[0] == "either"
    assert _walk(Outer, ("nothing", "depth")) == ("", None)


def test_the_types_of_a_field_are_the_members_of_its_union() -> None:
    assert choices(int) == [int]
    assert choices(int | None) == [int, type(None)]
    assert choices(Annotated[Inner | (Other | None), "a mark"]) == [Inner, Other, type(None)]
    assert models_in(Annotated[Inner | Other | int | None, "a mark"]) == [Inner, Other]
    assert models_in(list[Inner]) == []
