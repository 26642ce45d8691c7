"""Families: own parts, parts of plugins, objects; what is misspelt or taken twice is refused."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from impasto import atlas, correction, evaluation, export, families, losses, methods, profiling, scale, stages, verbs
from impasto.cells import segmenters, sources
from impasto.families import Family
from impasto.nets import pooling
from impasto.plates import readers
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


# ---------------------------------------------------------------- all families
FAMILIES: dict[str, Family[Any]] = {
    "additions": methods.ADDITIONS,
    "cell_readers": sources.READERS,
    "correctors": correction.CORRECTORS,
    "encoders": profiling.ENCODERS,
    "engines": atlas.ENGINES,
    "exporters": export.EXPORTERS,
    "losses": losses.LOSSES,
    "methods": methods.METHODS,
    "poolings": pooling.POOLINGS,
    "readers": readers.FURTHER,
    "segmenters": segmenters.SEGMENTERS,
    "shard_engines": scale.ENGINES,
    "stages": stages.STAGES,
    "tasks": evaluation.TASKS,
    "verbs": verbs.COMMANDS,
}


def test_every_family_of_the_package_is_here() -> None:
    source = Path(families.__file__).parent
    table = re.compile(r"^\w+: Family\[.*\] = Family\(\s*\"(\w+)\"", re.MULTILINE)
    tables = [name for path in source.rglob("*.py") for name in table.findall(path.read_text())]
    assert sorted(tables) == sorted(FAMILIES)
    assert all(family.group == f"impasto.{name}" for name, family in FAMILIES.items())


@pytest.mark.parametrize("name", FAMILIES)
def test_an_object_of_python_does_as_well_as_a_name_in_every_family(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    family, part = FAMILIES[name], object()
    assert family.resolve(part) is part
    monkeypatch.setattr(family, "_added", {})
    assert family.add("of_my_own", part) is part
    assert family.resolve("of_my_own") is family["of_my_own"] is part
    assert "of_my_own" in family.names()
    with pytest.raises(InputError, match=r"\(did you mean 'of_my_own'\?\); allowed: .*of_my_own"):
        family["of_my_won"]
    again = object()  # a cell of a notebook that is run again
    family.add("of_my_own", again)
    assert family["of_my_own"] is again


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if len(family.names())])
def test_a_name_of_the_package_is_not_given_away(name: str) -> None:
    family = FAMILIES[name]
    taken = family.names()[0]
    with pytest.raises(InputError, match=f"there is a {family.what} '{taken}' already; give yours another name"):
        family.add(taken, object())
    assert family[taken] is not None


def test_a_name_of_a_plugin_is_not_given_away(plugins: list[EntryPoint]) -> None:
    plugins.append(EntryPoint("chain", "collections:ChainMap", "impasto.letters"))
    with pytest.raises(InputError, match="there is a letter 'chain' already"):
        letters().add("chain", dict)
