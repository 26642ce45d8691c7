"""A misspelt key, at any level of any recipe, is named before the first stage runs.

Each recipe is read as it is; then every key of its TOML tree is misspelt, one at a time, and the recipe must be refused. A recipe that many
rows are made of is checked through the sweep that names it, with the values that the sweep gives.
"""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import REPOSITORY

from impasto import recipe as recipes
from impasto.schema import InputError

SHIPPED = sorted((REPOSITORY / "recipes").rglob("*.toml"))
FREE = {
    ("stage", "only"): "columns of the user's table",
    ("stage", "columns"): "columns of the user's table, or metrics of a table of results",
    ("stage", "shares"): "names of sources",
}
"""Tables whose keys are the user's own words: the last two steps that lead to them."""


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every key of a TOML tree."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield (*path, key)
            yield from places(member, (*path, key))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from places(member, (*path, number))


def free(path: tuple[str | int, ...]) -> bool:
    """Whether a key is the user's own word: a column of a table, a metric, a source of relations."""
    tables = [step for step in path[:-1] if isinstance(step, str)]
    return bool(tables) and ("stage", tables[-1]) in FREE


def misspelt(key: str) -> str:
    """The same key with two letters swapped; of `stage.method.loss`, as a sweep writes it, each part in turn is tried by the caller."""
    return key + "x" if len(set(key[-2:])) < 2 else key[:-2] + key[-1] + key[-2]


def slips(key: str) -> list[str]:
    """Every way in which one part of a (dotted) key is misspelt."""
    parts = key.split(".")
    return [".".join([*parts[:n], misspelt(part), *parts[n + 1 :]]) for n, part in enumerate(parts)]


def changed(tree: dict[str, Any], path: tuple[str | int, ...], slip: str) -> dict[str, Any]:
    """The tree with one key misspelt, all in their order."""
    whole = copy.deepcopy(tree)
    table: Any = whole
    for step in path[:-1]:
        table = table[step]
    members = list(table.items())
    table.clear()
    table.update({(slip if key == path[-1] else key): value for key, value in members})
    return whole


def check(tree: dict[str, Any], path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read and check a tree as if it lay at `path`."""
    monkeypatch.setattr(recipes.tomllib, "loads", lambda text: tree if text == path.read_text() else tomllib_loads(text))
    recipes.checked(recipes.read(path), out=out)


tomllib_loads = tomllib.loads


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: str(p.relative_to(REPOSITORY / "recipes")))
def test_every_key_of_a_recipe_is_checked(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tomllib_loads(path.read_text())
    check(tree, path, tmp_path, monkeypatch)
    accepted = []
    for place in places(tree):
        if free(place):
            continue
        for slip in slips(str(place[-1])):
            try:
                check(changed(tree, place, slip), path, tmp_path, monkeypatch)
            except InputError:
                continue
            accepted.append(".".join(map(str, (*place[:-1], slip))))
    assert not accepted
    assert not list(tmp_path.iterdir()), "something ran"
