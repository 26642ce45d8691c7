"""Relative paths of plain settings start at a folder, at any depth; addresses, other texts and what cannot be read stay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from impasto.parts import OneOf, Part, SettingsOf
from impasto.relative_paths import with_base
from impasto.schema import one_of
from impasto.settings import Settings


class Counting(Settings):
    source: Path
    times: int = 1


class Scaled(Settings):
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
    task: str = "scaled"
    options: Annotated[dict[str, Any], SettingsOf("task", KINDS, settings_of)] = Field(default_factory=dict)
    files: dict[str, Counting] = Field(default_factory=dict)
    data: list[Path] = Field(default_factory=list)
    pair: tuple[Path, ...] = ()
    either: Path | list[Path] | None = None
    kind: str | list[str] = ""


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"steps": [{"method": "scaled", "run": "runs/a"}]}, {"steps": [{"method": "scaled", "run": "base/runs/a"}]}),
        ({"steps": [{"method": "scaled", "run": "/b"}]}, {"steps": [{"method": "scaled", "run": "/b"}]}),
        (
            {"one": {"method": "scaled", "counting": {"source": "c", "times": 2}}},
            {"one": {"method": "scaled", "counting": {"source": "base/c", "times": 2}}},
        ),
        ({"task": "scaled", "options": {"run": "d"}}, {"task": "scaled", "options": {"run": "base/d"}}),
        ({"files": {"e": {"source": "f"}}}, {"files": {"e": {"source": "base/f"}}}),
        ({"data": ["g", "/h", "s3://bucket/i"]}, {"data": ["base/g", "/h", "s3://bucket/i"]}),
        ({"pair": ["g", "h"]}, {"pair": ["base/g", "base/h"]}),
        ({"either": "j"}, {"either": "base/j"}),
        ({"either": ["j", "k"]}, {"either": ["base/j", "base/k"]}),
        ({"either": None}, {"either": None}),
    ],
)
def test_paths_start_at_the_folder(values: dict[str, Any], expected: dict[str, Any]) -> None:
    assert with_base(Stage, values, base=Path("base")) == expected


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "not/a/path"},
        {"kind": ["not", "paths"]},
        {"unknown": "i"},
        {"steps": [{"method": "unknown", "run": "a"}]},
        {"steps": [{"run": "a"}]},
        {"steps": ["a"]},
        {"task": "unknown", "options": {"run": "a"}},
        {"options": {"run": "a"}},
        {"data": [3]},
        {"files": "a"},
    ],
)
def test_what_is_no_path_or_cannot_be_read_stays(values: dict[str, Any]) -> None:
    assert with_base(Stage, values, base=Path("base")) == values


def test_keys_that_settings_imply_are_there() -> None:
    class Implying(Settings):
        source: Path = Path()
        folder: Path = Path()

        @classmethod
        def with_implied(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
            return {"folder": "beside", **values}

    assert with_base(Implying, {"source": "a"}, base=Path("base")) == {"folder": "base/beside", "source": "base/a"}
