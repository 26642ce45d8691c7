"""Settings: strict, and a sentence for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from impasto.options import parse_set
from impasto.schema import InputError
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


def test_set_reads_nested_keys_and_json_values() -> None:
    assert parse_set(["columns.well=Well", "k=25", "exact=true"]) == {"columns": {"well": "Well"}, "k": 25, "exact": True}
    with pytest.raises(InputError, match="is not key=value"):
        parse_set(["k"])


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


def test_set_refuses_a_table_where_a_value_was_given() -> None:
    with pytest.raises(InputError, match="'k' was given a value already"):
        parse_set(["k=1", "k.more=2"])
    assert parse_set(["a=b=c", "n=null", 'text="5"']) == {"a": "b=c", "n": None, "text": "5"}
