"""A folder with a commit point is known by one small file."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.correction.plated import plates

from impasto import commit_point, dataset, records, runs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    dataset.write(plates(plates=2), tmp_path / "a.plates")
    return tmp_path / "a.plates"


def test_other_folders_have_none(tmp_path: Path) -> None:
    assert not commit_point.is_there(tmp_path)
    assert commit_point.read(tmp_path) is None
    (tmp_path / "dataset.json").write_text('{"name": "somebody else\'s"}')
    assert commit_point.is_there(tmp_path)
    assert commit_point.read(tmp_path) is None
    (tmp_path / "dataset.json").write_text("no json")
    assert commit_point.digest(tmp_path) is None


def test_the_digest_of_a_folder_of_plates_is_that_of_its_values(folder: Path, tmp_path: Path) -> None:
    before = runs.digest(folder)
    assert before == commit_point.digest(folder) == dataset.open_dataset(folder).content
    (folder / "cache").mkdir()
    (folder / "cache" / "matrix.npy").write_bytes(b"made again")
    assert runs.digest(folder) == before
    dataset.write(plates(plates=2, seed=1), tmp_path / "b.plates")
    assert runs.digest(tmp_path / "b.plates") != before


def test_what_is_cut_added_or_taken_away_changes_the_stamp_and_the_cache_does_not(folder: Path) -> None:
    before = records.content(folder)
    assert before == commit_point.stamp(folder)
    (folder / "cache").mkdir()
    (folder / "cache" / "matrix.npy").write_bytes(b"made again")
    (folder / ".lock").write_text("")
    assert records.content(folder) == before
    stranger = folder / "notes.txt"
    stranger.write_text("mine")
    assert records.content(folder) != before
    stranger.unlink()
    member = next((folder / "members").rglob("*.parquet"))
    member.write_bytes(member.read_bytes()[:-1])
    assert records.content(folder) != before
