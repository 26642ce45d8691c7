"""A misspelt key, at any level of any recipe, is named before the first stage runs.

Each recipe is read as it is; then every key of its TOML tree is misspelt, one at a time, and the recipe must be refused. Of tables that
differ in their values only (the columns of a table, the rows of a sweep), one is misspelt.
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
    ("stage", "needs"): "names of ways to get features",
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


def shape(tree: dict[str, Any], path: tuple[str | int, ...]) -> tuple[object, ...]:
    """What a key is: its names without numbers, and the verbs, tasks, methods and names of parts of the tables that it stands in."""
    table: Any = tree
    chosen: list[object] = []
    for depth, step in enumerate(path[:-1]):
        table = table[step]
        if isinstance(table, dict):
            # The name of a stage is the user's own word; that of a method says which settings there are.
            kinds = ("verb", "task", "method") if depth < 2 else ("method", "name")
            chosen += [table[kind] for kind in kinds if isinstance(table.get(kind), str)]
    return (*(step for step in path if isinstance(step, str)), *chosen)


def free(path: tuple[str | int, ...]) -> bool:
    """Whether a key is the user's own word: a column of a table, a metric, a source of relations."""
    tables = [step for step in path[:-1] if isinstance(step, str)]
    return bool(tables) and ("stage", tables[-1].rpartition(".")[2]) in FREE


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
    monkeypatch.setattr(tomllib, "loads", lambda text: tree if text == path.read_text() else tomllib_loads(text))
    recipes.checked(recipes.read(path), out=out)


tomllib_loads = tomllib.loads


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: str(p.relative_to(REPOSITORY / "recipes")))
def test_every_key_of_a_recipe_is_checked(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tomllib_loads(path.read_text())
    check(tree, path, tmp_path, monkeypatch)
    accepted = []
    for place in {shape(tree, place): place for place in places(tree)}.values():
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


def test_nothing_runs_where_the_last_stage_of_a_row_is_misspelt(tmp_path: Path) -> None:
    (tmp_path / "row.toml").write_text('[[stage]]\nname = "scored"\nverb = "evaluate"\ntask = "hits"\nprofiles = ["p.parquet"]\n')
    sweep = '[[stage]]\nverb = "simulate"\n[[stage]]\nverb = "sweep"\nrecipe = "row.toml"\n[[stage.row]]\nlabel = "a"\n'
    (tmp_path / "r.toml").write_text(sweep + 'set = { "scored.options.drows" = 9 }\n')
    place = r"r\.toml, stage 'sweep', row 'a': .*row\.toml, stage 'scored', options \(hits\): "
    with pytest.raises(InputError, match=place + r"unknown key 'drows' \(did you mean 'draws'\?\)"):
        recipes.run(recipes.read(tmp_path / "r.toml"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("stage", "sentence"),
    [
        (
            'verb = "correct"\nprofiles = "p"\n[[stage.steps]]\nmethod = "clip"\n[[stage.steps]]\nmethod = "sphering"\nregularizer = 1',
            r"stage 'a', steps\.2 \(sphering\): unknown key 'regularizer' \(did you mean 'regulariser'\?\); allowed: ",
        ),
        (
            'verb = "correct"\nprofiles = "p.parquet"\nsteps = [{ method = "spherin" }]',
            r"steps\.1: unknown correction method 'spherin' \(did you",
        ),
        (
            'verb = "correct"\nprofiles = "p.parquet"\nsteps = [{ methd = "clip" }]',
            r"steps\.1: unknown key 'methd' \(did you mean 'method'",
        ),
        ('verb = "correct"\nprofiles = "p.parquet"\nsteps = ["clip"]', r"steps\.1: 'clip' is not a table; write { method = NAME, \.\.\. }"),
        ('verb = "correct"\nprofiles = "p.parquet"\nsplit = { bye = "plate" }', r"stage 'a', split: unknown key 'bye' \(did you mean 'by'"),
        ('verb = "train"\n[stage.method]\nname = "two_tower"', r"method: unknown method 'two_tower' \(did you mean 'two_towers'"),
        ('verb = "train"\nmethod = { name = "two_towers", split = { tset = 0.1 } }', r"method \(two_towers\)\.split: unknown key 'tset'"),
        ('verb = "train"\nmethod = { name = "wsl", prior = { graph = "g", wieght = 1 } }', r"method \(wsl\)\.prior: unknown key 'wieght'"),
        (
            'verb = "train"\nmethod = { name = "wsl" }\nloop = { optim = { warm_up = 1 } }',
            r"loop\.optim: unknown key 'warm_up' \(did you mean",
        ),
        ('verb = "simulate"\nplan = { perturbation = 9 }', r"plan: unknown key 'perturbation' \(did you mean 'perturbations'"),
        ('verb = "simulate"\nplan = { layout = "scrambeled" }', r"plan: layout is 'scrambeled' \(did you mean 'scrambled'\?\), but input"),
        ('verb = "evaluate"\ntask = "hit"\nprofiles = ["p"]', r"unknown task 'hit' \(did you mean 'hits'"),
        (
            'verb = "evaluate"\ntask = "hits"\nprofiles = ["p"]\noptions = { draws = "many" }',
            r"draws is 'many', but input should be a valid int",
        ),
        ('verb = "expression"\ntable = "t.csv"\noptions = { widht = 3 }', r"options: unknown key 'widht' \(did you mean 'width'"),
        ('verb = "table"\nresults = ["r"]\ncolumn = [{ header = "a", metrics = "b" }]', r"column\.1: unknown key 'metrics' \(did you mean"),
        (
            'verb = "finetune"\nprofiles = "p"\ncell_line = "x"\nvariant = [{ row = "a", method = { widht = 1 } }]',
            r"variant\.1\.method \(profile_wsl\): unknown key 'widht' \(did you mean 'width'",
        ),
    ],
)
def test_the_sentence_names_the_place(stage: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(f'[[stage]]\nname = "a"\n{stage}\n')
    with pytest.raises(InputError, match=sentence):
        recipes.checked(recipes.read(tmp_path / "r.toml"), out=tmp_path / "out")
