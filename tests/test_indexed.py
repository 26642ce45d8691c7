"""The index of a folder: an index as it is, of a run what embedding and indexing its own data give, once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from impasto import indexed, recipe
from impasto.atlas import index
from impasto.schema import InputError


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any], Path]]:
    """The stages that are run, with what they are told; each leaves nothing."""
    stages: list[tuple[str, dict[str, Any], Path]] = []

    def execute(verb: str, settings: Any, *, out: Path) -> None:
        stages.append((verb, settings.model_dump(exclude_unset=True), out))

    monkeypatch.setattr(recipe, "execute", execute)
    monkeypatch.setattr(index, "open_index", lambda where: ("opened", where))
    return stages


def test_an_index_is_opened_and_nothing_is_built(tmp_path: Path, made: list[tuple[str, dict[str, Any], Path]]) -> None:
    assert indexed.open_or_build(tmp_path) == ("opened", tmp_path)
    assert made == []


def test_a_run_on_profiles_is_embedded_and_indexed_in_its_folder(tmp_path: Path, made: list[tuple[str, dict[str, Any], Path]]) -> None:
    (tmp_path / "model.json").write_text(json.dumps({"profiles": "p.parquet", "method": {"name": "wsl"}, "facts": {}}))
    search = tmp_path / "search"
    assert indexed.open_or_build(tmp_path) == ("opened", search / "index")
    assert made == [
        ("embed", {"run": tmp_path, "profiles": Path("p.parquet")}, search / "profiles.parquet"),
        ("index", {"profiles": search / "profiles.parquet", "run": tmp_path}, search / "index"),
    ]


def test_a_run_on_images_reads_its_sites_first(tmp_path: Path, made: list[tuple[str, dict[str, Any], Path]]) -> None:
    (tmp_path / "model.json").write_text(json.dumps({"sites": "ingested", "method": {"name": "wsl"}, "facts": {}}))
    indexed.open_or_build(tmp_path)
    features = tmp_path / "search" / "features.parquet"
    assert [verb for verb, _, _ in made] == ["profile", "embed", "index"]
    assert made[0] == ("profile", {"images": Path("ingested"), "encoder": str(tmp_path)}, features)
    assert made[1][1]["profiles"] == features


def test_a_folder_that_is_neither_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        indexed.open_or_build(tmp_path)
