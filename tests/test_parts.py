"""Fields that hold settings of a part: read by its name, written as they were said, and whole in the JSON schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import pytest
from pydantic import Field

from impasto import methods, stages
from impasto.correction import CORRECTORS
from impasto.evaluation import TASKS
from impasto.parts import OneOf, Part, SettingsOf
from impasto.schema import InputError, one_of
from impasto.settings import Settings
from impasto.stages.correct import CorrectSettings
from impasto.stages.evaluate import EvaluateSettings, options_of, task_options
from impasto.stages.finetune_settings import FinetuneSettings, Variant, method_of
from impasto.stages.train import TrainSettings
from impasto.wrong_settings import choices, models_in


class Inner(Settings):
    depth: int = 1


class First(Settings):
    method: Literal["first"] = "first"
    width: int
    inner: Inner = Inner()


class Second(Settings):
    share: float = 0.5


KINDS: dict[str, type[Settings]] = {"first": First, "second": Second}


def kind_of(name: str) -> type[Settings]:
    return KINDS[one_of(name, KINDS, what="method")]


class Beside(Settings):
    task: str
    options: Annotated[Settings, SettingsOf("task", KINDS, kind_of)] = Field(default_factory=dict, validate_default=True)


class Some(Settings):
    one: Annotated[Part, OneOf("method", KINDS, kind_of, in_part=True)]


def test_only_what_was_said_is_written_in_part() -> None:
    values = {"one": {"method": "first", "width": 3, "inner": {"depth": 1}}}
    assert Some.read(values, where="t").model_dump(mode="json") == values
    assert Some.read({"one": {"method": "second"}}, where="t").model_dump(mode="json") == {"one": {"method": "second"}}


def test_settings_of_the_part_that_another_field_names() -> None:
    beside = Beside.read({"task": "second", "options": {"share": 0.25}}, where="t")
    assert beside.options == Second(share=0.25)
    assert beside.model_dump(mode="json") == {"task": "second", "options": {"share": 0.25}}
    assert Beside(task="second", options=Second(share=0.25)) == beside
    assert Beside(task="second").options == Second()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"task": "second", "options": {"shrae": 1}},
            r"t, options \(second\): unknown key 'shrae' \(did you mean 'share'\?\)",
        ),
        ({"task": "second", "options": {"share": "1"}}, r"t, options \(second\): share is '1', but input should be a valid number"),
        ({"task": "first", "options": {"width": 1, "inner": {"dpeth": 2}}}, r"t, options \(first\)\.inner: unknown key 'dpeth'"),
        ({"task": "first"}, r"t, options \(first\): the key 'width' is missing; add it"),
        ({"task": "secnod", "options": {"share": 1}}, r"t, options: unknown method 'secnod' \(did you mean 'second'"),
        ({"task": 3, "options": {"share": 1}}, "t: task is 3, but input should be a valid string"),
        ({"task": "second", "options": 3}, r"t, options: 3 is not a table; write \{ KEY = VALUE, \.\.\. \}"),
        ({"tsak": "second"}, r"t: unknown key 'tsak' \(did you mean 'task'"),
    ],
)
def test_a_slip_in_them_is_named_with_its_place(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Beside.read(values, where="t")


def test_the_schema_of_a_part_is_a_table_with_its_name() -> None:
    first, second = Some.model_json_schema()["properties"]["one"]["oneOf"]
    assert first["properties"]["method"] == {"const": "first", "type": "string"}
    assert list(first["properties"]) == ["method", "width", "inner"]
    assert (first["required"], first["additionalProperties"], first["title"]) == (["method", "width"], False, "first")
    assert (list(second["properties"]), second["required"]) == (["method", "share"], ["method"])
    assert [table["title"] for table in Beside.model_json_schema()["properties"]["options"]["anyOf"]] == ["first", "second"]


# ---------------------------------------------------------------- the stages
def test_the_schema_shows_every_field_of_every_part() -> None:
    steps = CorrectSettings.model_json_schema()["properties"]["steps"]["items"]["oneOf"]
    assert [table["title"] for table in steps] == list(CORRECTORS)
    assert all(table["properties"].keys() == {"method", *CORRECTORS[table["title"]].settings_class.model_fields} for table in steps)
    method = TrainSettings.model_json_schema()["properties"]["method"]["oneOf"]
    assert [table["title"] for table in method] == list(methods.METHODS)
    assert all(table["properties"].keys() == {"name", *methods.settings_of(table["title"]).model_fields} for table in method)
    options = EvaluateSettings.model_json_schema()["properties"]["options"]["anyOf"]
    assert [table["title"] for table in options] == list(TASKS)
    assert all(table["properties"].keys() == set(options_of(table["title"]).model_fields) for table in options)
    assert all(table["additionalProperties"] is False for table in (*steps, *method, *options))
    variant = FinetuneSettings.model_json_schema()["$defs"]["Variant"]["properties"]["method"]["anyOf"][0]["oneOf"]
    assert [table["title"] for table in variant] == ["wsl", "profile_wsl"]


def every_settings() -> Iterator[type[Settings]]:
    """The settings of all stages, and of all that stand in them."""
    waiting: list[Any] = [stages.STAGES[name].settings for name in stages.STAGES]
    waiting += [CORRECTORS[name].settings_class for name in CORRECTORS] + [methods.settings_of(name) for name in methods.METHODS]
    waiting += [options_of(name) for name in TASKS]
    seen: set[Any] = set()
    while waiting:
        kind = waiting.pop()
        if kind in seen:
            continue
        seen.add(kind)
        yield kind
        waiting += [inner for field in kind.model_fields.values() for hint in inside(field.annotation) for inner in models_in(hint)]


def inside(hint: Any) -> Iterator[Any]:
    """A type and the types of its members, at any depth."""
    yield hint
    for choice in choices(hint):
        for member in get_args(choice):
            if member is not hint and not isinstance(member, str | int | float | bool | list):
                yield from inside(member)


def test_no_field_of_any_settings_holds_just_anything() -> None:
    kinds = list(every_settings())
    assert len(kinds) > 60
    loose = [
        f"{kind.__name__}.{name}"
        for kind in kinds
        for name, field in kind.model_fields.items()
        if any(hint in (Any, object, dict) for hint in inside(field.annotation))
    ]
    assert not loose


def test_an_option_of_a_task_may_stand_in_the_stage_too() -> None:
    base = {"task": "relations", "profiles": ["p"]}
    by_key = EvaluateSettings.read({**base, "pairs": ["a.tsv"], "options": {"draws": 7}}, where="t")
    by_option = EvaluateSettings.read({**base, "options": {"draws": 7, "pairs": ["a.tsv"], "columns": {"well": "W"}}}, where="t")
    assert task_options(by_key) == task_options(by_option) == {"draws": 7, "pairs": ["a.tsv"], "seed": 0}
    with pytest.raises(InputError, match="relations needs the option 'pairs'"):
        EvaluateSettings.read(base, where="t")
    with pytest.raises(InputError, match="mixing takes no option 'level'"):
        EvaluateSettings.read({"task": "mixing", "profiles": ["p"], "level": "any"}, where="t")


FINETUNE: dict[str, Any] = {"profiles": "p.parquet", "cell_line": "A673", "method": {"width": 32, "smoothing": 0.1}}


def test_a_variant_says_only_what_is_other_than_the_stage() -> None:
    settings = FinetuneSettings.read({**FINETUNE, "variant": [{"row": "a"}, {"row": "b", "method": {"smoothing": 0.0}}]}, where="t")
    first, second = (method_of(settings, variant) for variant in settings.variant)
    assert first.name == second.name == "profile_wsl"
    assert first.settings.model_dump(exclude_unset=True) == {"name": "profile_wsl", "width": 32, "smoothing": 0.1}
    assert second.settings.model_dump(exclude_unset=True) == {"name": "profile_wsl", "width": 32, "smoothing": 0.0}
    written = settings.model_dump(mode="json")
    assert [variant["method"] for variant in written["variant"]] == [None, {"name": "profile_wsl", "smoothing": 0.0}]
    assert FinetuneSettings.read(written, where="t") == settings


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"profiles": None}, "t: give either sites .images. or profiles to fine-tune on"),
        ({"sites": "s"}, "t: give either sites .images. or profiles to fine-tune on"),
        ({"method": {"name": "wsl"}}, r"t, variant\.1\.method: wsl is not the method of these data, profile_wsl is; leave the name out"),
        ({"method": {"name": "simclr"}}, r"t, method: unknown method to fine-tune 'simclr'; allowed: profile_wsl, wsl"),
        ({"method": {"views": {}}}, r"t, method \(profile_wsl\): unknown key 'views'"),
        ({"method": {"cell_lines": {"vectors": "v", "tokesn": 2}}}, r"t, method \(profile_wsl\)\.cell_lines: unknown key 'tokesn'"),
        ({"variant": [{"row": "a"}, {"row": "a"}]}, "t: two variants stand in row 'a', column 'accuracy'"),
    ],
)
def test_what_does_not_fit_the_new_line_is_refused_when_it_is_read(values: dict[str, Any], sentence: str) -> None:
    whole = {key: value for key, value in {**FINETUNE, "variant": [{"row": "a"}], **values}.items() if value is not None}
    with pytest.raises(InputError, match=sentence):
        FinetuneSettings.read(whole, where="t")


def test_a_variant_in_python_names_its_method() -> None:
    part = Part("profile_wsl", methods.settings_of("profile_wsl")(width=16))
    settings = FinetuneSettings(profiles=Path("p"), cell_line="x", variant=[Variant(row="a", method=part)])
    assert method_of(settings, settings.variant[0]).settings.model_dump(exclude_unset=True) == {"width": 16}
