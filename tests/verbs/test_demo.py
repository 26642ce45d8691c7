"""The demo's recipe: that of the checkout that is worked in, else of the package's."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.datasets import shipped
from impasto.schema import InputError
from impasto.verbs import demo


def test_the_recipe_of_the_folder_that_is_worked_in_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = Path(demo.__file__).resolve().parents[3] / "recipes" / "demo.toml"
    assert demo.find_recipe() == own
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "demo.toml").write_text("")
    assert demo.find_recipe() == tmp_path / "recipes" / "demo.toml"


def test_a_wheel_ships_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    installed = tmp_path / "site-packages" / "impasto"
    monkeypatch.setattr(shipped, "__file__", str(installed / "datasets" / "shipped.py"))
    with pytest.raises(InputError, match="built without the demo"):
        demo.find_recipe()
    (installed / "shipped" / "recipes").mkdir(parents=True)
    (installed / "shipped" / "recipes" / "demo.toml").write_text("", encoding="utf-8")
    assert demo.find_recipe() == installed / "shipped" / "recipes" / "demo.toml"
