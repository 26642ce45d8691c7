"""The sources of a graph as a recipe names them: which files are read, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.perturbations.graph_settings import SourceSettings
from impasto.schema import InputError


def test_every_file_that_is_given_is_read_and_no_other() -> None:
    paths = {name for name, field in SourceSettings.model_fields.items() if field.annotation == Path | None}
    given = {name: f"{name}.csv" for name in paths}
    found = SourceSettings.read({**given, "pairs": ["a.csv", "folder"]}, where="test")
    assert {str(p) for p in found.files()} == {*given.values(), "a.csv", "folder"}
    assert SourceSettings().files() == []


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"steps": 0}, "test: steps is 0, but input should be greater than or equal to 1"),
        ({"strin": "x.csv"}, r"test: unknown key 'strin' \(did you mean 'string'"),
        ({"shares": {"string": "half"}}, "test, shares: string is 'half', but input should be a valid number"),
    ],
)
def test_what_is_wrong_is_said(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        SourceSettings.read(wrong, where="test")


def test_what_is_left_out_is_as_documented() -> None:
    left_out = SourceSettings().model_dump(exclude_none=True)
    assert left_out == {"pairs": [], "threshold": 200, "steps": 5, "average": False, "shares": {}}
