"""The file of a recipe: its stages, what is refused, and the same recipe with another seed or other values."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from impasto import recipe_file
from impasto.schema import InputError

TEXT = """
name = "two"
seed = 7
about = "what it shows"
[[stage]]
verb = "simulate"
images = false
[[stage]]
name = "trained"
verb = "train"
[stage.method]
loss = "cwcl"
"""


def read(folder: Path, text: str) -> recipe_file.Recipe:
    (folder / "r.toml").write_text(text)
    return recipe_file.read(folder / "r.toml")


def test_stages_have_their_name_or_that_of_their_verb(tmp_path: Path) -> None:
    recipe = read(tmp_path, TEXT)
    assert (recipe.path, recipe.name, recipe.seed) == (tmp_path / "r.toml", "two", 7)
    assert [(stage.name, stage.verb, stage.values) for stage in recipe.stages] == [
        ("simulate", "simulate", {"images": False}),
        ("trained", "train", {"method": {"loss": "cwcl"}}),
    ]
    plain = read(tmp_path, '[[stage]]\nverb = "simulate"\n')
    assert (plain.name, plain.seed) == ("r", 0)


def test_the_one_stage_of_a_verb(tmp_path: Path) -> None:
    recipe = read(tmp_path, TEXT)
    assert recipe.only("train") is recipe.stages[1]
    with pytest.raises(InputError, match=r"r\.toml has 0 stages with verb 'embed'; this command needs exactly one"):
        recipe.only("embed")
    twice = read(tmp_path, TEXT + '[[stage]]\nname = "again"\nverb = "train"\n')
    with pytest.raises(InputError, match=r"r\.toml has 2 stages with verb 'train'"):
        twice.only("train")


def test_another_seed_and_other_values_leave_the_recipe_as_it_was(tmp_path: Path) -> None:
    recipe = read(tmp_path, TEXT)
    assert recipe.seeded(9).seed == 9
    assert recipe.seeded(9).stages == recipe.stages
    changed = recipe.changed({"trained.method.loss": "clip", "trained.loop.optim.lr": 0.1, "simulate.images": True})
    assert changed.stages[1].values == {"method": {"loss": "clip"}, "loop": {"optim": {"lr": 0.1}}}
    assert changed.stages[0].values == {"images": True}
    assert recipe == read(tmp_path, TEXT)
    for key in ("traned.method.loss", "trained"):
        with pytest.raises(InputError, match=rf"'{key}' names no stage and key of .*; stages: simulate, trained"):
            recipe.changed({key: 1})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name = ", "is not TOML"),
        ("sead = 1", r"unknown key 'sead' \(did you mean 'seed'\?\); allowed: name, seed, about, stage"),
        ("name = 'a'", r"has no \[\[stage\]\]; add at least one"),
        ("[[stage]]\nverb = 'simulat'", r"stage 1 has verb 'simulat' \(did you mean 'simulate'\?\); allowed: "),
        ("[[stage]]\nverb = 'simulate'\n[[stage]]\nverbe = 'embed'", r"stage 2 has the unknown key 'verbe' \(did you mean 'verb'\?\)"),
        ("[[stage]]\nimages = false", "stage 1 has verb None"),
        ("[[stage]]\nverb = 'simulate'\nname = '../a'", r"stage 1 is named '\.\./a', and its folder is named so"),
        ("[[stage]]\nverb = 'simulate'\n[[stage]]\nverb = 'simulate'", "two stages are named 'simulate'; give each its own name"),
    ],
)
def test_what_is_wrong_is_said_with_its_stage(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=sentence):
        read(tmp_path, text)


def test_a_file_that_is_not_there_and_names_of_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; recipes are TOML files"):
        recipe_file.read(tmp_path / "none.toml")
    for name in ("a", "A.b-c_9", "a" * 64):
        assert recipe_file.STAGE_NAME.fullmatch(name)
    for name in ("", ".a", "-a", "a/b", "a" * 65, "a b"):
        assert not recipe_file.STAGE_NAME.fullmatch(name)


def test_a_stage_may_lie_at_a_place_of_its_own(tmp_path: Path) -> None:
    made = read(tmp_path, "[[stage]]\nverb = 'simulate'\nat = 'stages/sim'\n[[stage]]\nname = 'b'\nverb = 'simulate'")
    assert [stage.at for stage in made.stages] == ["stages/sim", ""]
    assert "at" not in made.stages[0].values


@pytest.mark.parametrize("place", ["../out", "/abs", "a//b", "a/", ".hidden", "a/../../b"])
def test_a_place_outside_the_run_is_refused(place: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give a place in the folder of the run, as stages/simulate"):
        read(tmp_path, f"[[stage]]\nverb = 'simulate'\nat = '{place}'")


@pytest.mark.parametrize(("first", "second"), [("stages/a", "stages/a"), ("stages", "stages/a"), ("stages/a/b", "stages/a"), ("b", "")])
def test_no_two_stages_share_a_place(first: str, second: str, tmp_path: Path) -> None:
    text = f"[[stage]]\nname = 'a'\nverb = 'simulate'\nat = '{first}'\n[[stage]]\nname = 'b'\nverb = 'simulate'\n"
    with pytest.raises(InputError, match="give each its own place"):
        read(tmp_path, text + (f"at = '{second}'" if second else ""))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("seed = { a = 1 }", "seed is {'a': 1}; allowed: a whole number"),
        ("seed = 1.5", "seed is 1.5; allowed"),
        ("seed = true", "seed is True"),
        ("name = 3", "name is 3; allowed: a text"),
    ],
)
def test_a_name_and_a_seed_of_another_form_are_sentences(line: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(f'{line}\n\n[[stage]]\nname = "s"\nverb = "simulate"\n')
    with pytest.raises(InputError, match=re.escape(said)):
        recipe_file.read(path)
