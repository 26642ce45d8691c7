"""Settings: strict, and a sentence for every mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from impasto.parts import OneOf, Part
from impasto.schema import InputError, one_of
from impasto.settings import Settings


class Counting(Settings):
    source: Path
    times: int = 1
    seed: int = 0


def test_settings_explain_themselves() -> None:
    with pytest.raises(InputError, match=r"test: unknown key 'tiems' \(did you mean 'times'\?\); allowed: source, times, seed"):
        Counting.read({"source": "x", "tiems": 1}, where="test")
    with pytest.raises(InputError, match="test: the key 'source' is missing"):
        Counting.read({}, where="test")
    with pytest.raises(InputError, match="test: times is '3', but input should be a valid integer"):
        Counting.read({"source": "x", "times": "3"}, where="test")


def test_settings_are_frozen_and_strict_about_kinds() -> None:
    found = Counting.read({"source": "x.csv", "times": 3}, where="test")
    assert found.source == Path("x.csv")  # a path is written as text
    with pytest.raises(ValidationError, match="frozen"):
        found.times = 4  # type: ignore[misc]
    for wrong in (3.5, True, None):
        with pytest.raises(InputError, match="test: times is "):
            Counting.read({"source": "x", "times": wrong}, where="test")


def test_a_key_inside_a_table_is_named_with_its_place() -> None:
    class Outer(Settings):
        inner: Counting

    with pytest.raises(InputError, match=r"test, inner: unknown key 'tiems' \(did you mean 'times'\?\); allowed: source, times, seed"):
        Outer.read({"inner": {"source": "x", "tiems": 1}}, where="test")


class Scaled(Settings):
    regulariser: float = 1.0
    counting: Counting = Counting(source=Path("x"))
    run: Path | None = None


class Named(Settings):
    method: Literal["named"] = "named"
    width: int


KINDS: dict[str, type[Settings]] = {"scaled": Scaled, "named": Named}


def settings_of(name: str) -> type[Settings]:
    return KINDS[one_of(name, KINDS, what="method")]


Step = Annotated[Part, OneOf("method", KINDS, settings_of)]


class Stage(Settings):
    steps: list[Step] = Field(default_factory=list)
    one: Step | None = None
    files: dict[str, Counting] = Field(default_factory=dict)
    data: list[Path] = Field(default_factory=list)
    kind: str | list[str] = ""


def test_a_part_is_read_with_its_own_settings_and_written_whole() -> None:
    stage = Stage.read({"steps": [{"method": "scaled", "regulariser": 2}, {"method": "named", "width": 3}]}, where="test")
    assert [step.name for step in stage.steps] == ["scaled", "named"]
    assert stage.steps[0].settings == Scaled(regulariser=2.0)
    written = stage.model_dump(mode="json")
    assert written["steps"] == [
        {"method": "scaled", "regulariser": 2.0, "counting": {"source": "x", "times": 1, "seed": 0}, "run": None},
        {"method": "named", "width": 3},
    ]
    assert Stage.read(written, where="test") == stage
    assert Stage(steps=[{"method": "named", "width": 3}], one=Part("scaled", Scaled())).steps == [stage.steps[1]]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"steps": [{"method": "scaled"}, {"method": "scaled", "regularizer": 1}]},
            r"test, steps\.2 \(scaled\): unknown key 'regularizer' \(did",
        ),
        (
            {"steps": [{"method": "scaled", "counting": {"source": "x", "tiems": 1}}]},
            r"test, steps\.1 \(scaled\)\.counting: unknown key 'tiems'",
        ),
        (
            {"steps": [{"method": "scaled", "regulariser": "1"}]},
            r"test, steps\.1 \(scaled\): regulariser is '1', but input should be a valid number",
        ),
        ({"steps": [{"method": "named"}]}, r"test, steps\.1 \(named\): the key 'width' is missing; add it"),
        ({"steps": [{"method": "skaled"}]}, r"test, steps\.1: unknown method 'skaled' \(did you mean 'scaled'\?\); allowed: named, scaled"),
        ({"steps": [{"metod": "scaled"}]}, r"test, steps\.1: unknown key 'metod' \(did you mean 'method'\?\)"),
        ({"steps": [{}]}, r"test, steps\.1: the key 'method' is missing; add it"),
        ({"steps": ["scaled"]}, r"test, steps\.1: 'scaled' is not a table; write { method = NAME, \.\.\. }"),
        ({"one": {"method": "scaled", "x": 1}}, r"test, one \(scaled\): unknown key 'x'; allowed: regulariser, counting, run"),
        ({"files": {"a": {"source": "x", "seeds": 1}}}, r"test, files\.a: unknown key 'seeds' \(did you mean 'seed'\?\)"),
        ({"data": ["a", 2]}, r"test: data\.2 is 2, but input should be a valid string"),
        ({"kind": 3}, r"test: kind is 3, but input should be a valid string"),
    ],
)
def test_every_slip_is_named_with_its_whole_place(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Stage.read(values, where="test")
