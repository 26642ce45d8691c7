"""Settings of a fine-tuning: the method that the data imply, what a variant says instead, and places that differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from impasto import methods
from impasto.parts import Part
from impasto.schema import InputError
from impasto.stages.finetune_settings import FinetuneSettings, Variant, method_of, method_settings
from impasto.wrong_settings import WrongSetting

PROFILES: dict[str, Any] = {"profiles": "p.parquet", "cell_line": "A673", "method": {"width": 32, "smoothing": 0.1}}
IMAGES: dict[str, Any] = {"sites": "sites", "cell_line": "A673", "method": {"minibatch": 4}}


def read(values: dict[str, Any], *variants: dict[str, Any]) -> FinetuneSettings:
    return FinetuneSettings.read({"variant": [{"row": "a"}, *variants], **values}, where="t")


@pytest.mark.parametrize(("values", "name"), [(PROFILES, "profile_wsl"), (IMAGES, "wsl")])
def test_the_data_say_which_method_is_fine_tuned(values: dict[str, Any], name: str) -> None:
    settings = read(values, {"row": "b", "method": {"smoothing": 0.3}})
    assert settings.method is not None
    assert settings.method.name == name
    first, second = (method_of(settings, variant) for variant in settings.variant)
    assert (first.name, second.name) == (name, name)
    assert second.settings.model_dump(exclude_unset=True)["smoothing"] == 0.3
    kept = {key: value for key, value in values["method"].items() if key != "smoothing"}
    assert second.settings.model_dump(exclude_unset=True).items() >= kept.items()
    assert method_settings(name) is methods.settings_of(name)


def test_without_a_method_the_variant_alone_is_said() -> None:
    settings = read({"profiles": "p", "cell_line": "x"}, {"row": "b", "method": {"width": 16}})
    first, second = (method_of(settings, variant).settings.model_dump(exclude_unset=True) for variant in settings.variant)
    assert "width" not in first
    assert second["width"] == 16


def test_a_method_of_other_data_is_refused_in_the_stage_and_in_a_variant() -> None:
    with pytest.raises(InputError, match=r"t, variant\.2\.method: wsl is not the method of these data, profile_wsl is; leave the name out"):
        read(PROFILES, {"row": "b", "method": {"name": "wsl"}})
    settings = read(PROFILES)
    other = Variant(row="b", method=Part("wsl", methods.settings_of("wsl")()))
    with pytest.raises(WrongSetting, match="wsl is not the method of these data"):
        method_of(settings, other)


@pytest.mark.parametrize(
    ("variants", "sentence"),
    [
        ([{"row": "a"}], "two variants stand in row 'a', column 'accuracy'; give each its own place"),
        ([{"row": "b", "over": "c"}], "'b' is to be compared with the row 'c', which column 'accuracy' does not have"),
        ([{"row": "b", "column": "other", "over": "a"}], "'b' is to be compared with the row 'a', which column 'other' does not have"),
    ],
)
def test_places_differ_and_are_compared_within_their_column(variants: list[dict[str, Any]], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(PROFILES, *variants)


def test_a_row_may_stand_in_several_columns_and_be_compared_in_each() -> None:
    settings = read(PROFILES, {"row": "b", "over": "a"}, {"row": "a", "column": "other"}, {"row": "b", "column": "other", "over": "a"})
    assert [(v.row, v.column, v.over) for v in settings.variant[1:]] == [
        ("b", "accuracy", "a"),
        ("a", "other", None),
        ("b", "other", "a"),
    ]


@pytest.mark.parametrize("values", [{"sites": "s", "profiles": "p"}, {}])
def test_data_of_one_kind_are_needed(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"t: give either sites \(images\) or profiles to fine-tune on"):
        read({"cell_line": "x", "method": {"width": 3}, **values}, {"row": "b", "method": {"width": 4}})


def test_names_are_implied_for_paths_too_and_what_is_no_table_stays() -> None:
    implied = FinetuneSettings.with_implied({**PROFILES, "variant": [{"row": "a", "method": {"width": 3}}, {"row": "b"}, "c"]})
    assert implied["method"] == {"name": "profile_wsl", "width": 32, "smoothing": 0.1}
    assert implied["variant"] == [{"row": "a", "method": {"name": "profile_wsl", "width": 3}}, {"row": "b"}, "c"]
    no_tables = {"profiles": "p", "variant": "a", "method": "b"}
    assert FinetuneSettings.with_implied(no_tables) == no_tables
    settings = read(PROFILES)
    assert (settings.protocol, settings.shots, settings.splits, settings.validation) == ("within-batch", 1, 5, 0.2)
    assert settings.profiles == Path("p.parquet")
