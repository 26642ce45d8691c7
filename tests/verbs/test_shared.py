"""The settings of the one stage of a recipe, with what the command line says on top."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.schema import InputError
from impasto.verbs.shared import FromRecipe, Training, settings_from_recipe

TEXT = """
[[stage]]
verb = "train"
profiles = "p.parquet"
[stage.method]
name = "two_towers"
width = 32
perturbation = "molecule"
[stage.loop]
epochs = 3
"""


def flags(folder: Path, *changes: str) -> FromRecipe:
    (folder / "recipes").mkdir(exist_ok=True)
    (folder / "recipes" / "r.toml").write_text(TEXT)
    return FromRecipe(path=folder / "recipes" / "r.toml", out=folder / "out", changes=list(changes))


def test_a_stage_is_read_with_its_paths_from_the_recipe(tmp_path: Path) -> None:
    settings = settings_from_recipe("train", {}, flags(tmp_path))
    assert settings.profiles == tmp_path / "recipes" / "p.parquet"  # type: ignore[attr-defined]
    assert settings.method.settings.width == 32  # type: ignore[attr-defined]


def test_the_command_line_wins_key_by_key_and_its_paths_start_where_the_user_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = settings_from_recipe(
        "train", {"profiles": Path("other.parquet")}, flags(tmp_path, "method.width=64", "loop.chunk=8", "seed=9")
    )
    assert chosen.profiles == (tmp_path / "other.parquet").resolve()  # type: ignore[attr-defined]
    assert chosen.method.settings.width == 64  # type: ignore[attr-defined]
    assert chosen.method.settings.perturbation == "molecule", "what the recipe says beside it stays"  # type: ignore[attr-defined]
    assert (chosen.loop.epochs, chosen.loop.chunk, chosen.seed) == (3, 8, 9)  # type: ignore[attr-defined]


def test_a_recipe_without_the_stage_or_a_misspelt_setting_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has 0 stages with verb 'finetune'"):
        settings_from_recipe("finetune", {}, flags(tmp_path))
    with pytest.raises(InputError, match=r"unknown key 'widht' \(did you mean 'width'\?\)"):
        settings_from_recipe("train", {}, flags(tmp_path, "method.widht=64"))


def test_the_device_and_the_precision_go_into_the_loop_and_the_rest_of_it_stays(tmp_path: Path) -> None:
    typed = flags(tmp_path)
    chosen = Training(path=typed.path, out=typed.out, device="cpu", precision="bf16")
    loop = settings_from_recipe("train", {}, chosen).loop  # type: ignore[attr-defined]
    assert (loop.device, loop.precision, loop.epochs) == ("cpu", "bf16", 3)
    both = Training(path=typed.path, out=typed.out, device="cpu", changes=["loop.epochs=5", "loop.device=cuda"])
    loop = settings_from_recipe("train", {}, both).loop  # type: ignore[attr-defined]
    assert (loop.device, loop.precision, loop.epochs) == ("cpu", "auto", 5)
    loop = settings_from_recipe("train", {}, Training(path=typed.path, out=typed.out)).loop  # type: ignore[attr-defined]
    assert (loop.device, loop.epochs) == ("auto", 3)
