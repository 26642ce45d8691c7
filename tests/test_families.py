"""Families: own parts, parts of plugins, objects; what is misspelt or taken twice is refused."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from impasto import families
from impasto.families import Family
from impasto.schema import InputError


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    points: list[EntryPoint] = []
    monkeypatch.setattr(families, "entry_points", lambda group: [p for p in points if p.group == group])
    return points


def letters() -> Family[type]:
    return Family("letters", what="letter", parts={"ordered": "collections:OrderedDict", "counter": "collections:Counter"})


def test_names_are_sorted_and_looked_up_lazily(plugins: list[EntryPoint]) -> None:
    import collections

    family = letters()
    assert list(family) == ["counter", "ordered"]
    assert family["counter"] is collections.Counter
    assert "counter" in family
    assert "other" not in family


def test_an_object_does_as_well_as_a_name(plugins: list[EntryPoint]) -> None:
    assert letters().resolve(dict) is dict
    assert letters().resolve("ordered").__name__ == "OrderedDict"


def test_a_misspelt_name_is_answered_with_the_nearest(plugins: list[EntryPoint]) -> None:
    with pytest.raises(InputError, match=r"unknown letter 'countr' \(did you mean 'counter'\?\); allowed: counter, ordered"):
        letters()["countr"]


def test_a_plugin_adds_a_part(plugins: list[EntryPoint]) -> None:
    plugins.append(EntryPoint("chain", "collections:ChainMap", "impasto.letters"))
    plugins.append(EntryPoint("else", "collections:ChainMap", "impasto.digits"))
    family = letters()
    assert family.names() == ("chain", "counter", "ordered")
    assert family["chain"].__name__ == "ChainMap"


def test_a_plugin_cannot_take_a_name_that_is_there(plugins: list[EntryPoint]) -> None:
    plugins.append(EntryPoint("counter", "collections:ChainMap", "impasto.letters"))
    with pytest.raises(InputError, match="registers the letter 'counter', a name that 'collections:Counter' has"):
        letters().names()


def test_two_plugins_cannot_take_one_name(plugins: list[EntryPoint]) -> None:
    plugins += [EntryPoint("chain", "collections:ChainMap", "impasto.letters"), EntryPoint("chain", "collections:deque", "impasto.letters")]
    with pytest.raises(InputError, match="'collections:deque' registers the letter 'chain', a name that 'collections:ChainMap' has"):
        letters().names()


def test_a_plugin_that_cannot_be_imported_is_named(plugins: list[EntryPoint]) -> None:
    plugins.append(EntryPoint("broken", "no_such_module:Thing", "impasto.letters"))
    with pytest.raises(InputError, match="the plugin 'no_such_module:Thing' for the letter 'broken' cannot be imported"):
        letters()["broken"]
