"""A file or folder is whole or as before, and nothing temporary is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto import whole


@pytest.mark.parametrize("folder", [True, False])
def test_the_new_takes_the_place_of_the_old_or_the_old_stays(folder: bool, tmp_path: Path) -> None:
    place = tmp_path / "deep" / "result.txt"

    def fill(path: Path, text: str) -> None:
        if folder:
            path.mkdir()
            (path / text).write_text(text)
        else:
            path.write_text(text)

    def read() -> str:
        return "".join(sorted(p.name for p in place.iterdir())) if folder else place.read_text()

    for text in ("one", "two"):
        with whole.replacing(place) as temporary:
            assert temporary.suffix == ".txt"
            assert temporary.name.startswith(".result.partial-")
            fill(temporary, text)
        assert read() == text

    def torn() -> None:
        with whole.replacing(place) as temporary:
            fill(temporary, "three")
            raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        torn()
    assert read() == "two"
    assert [p.name for p in place.parent.iterdir()] == ["result.txt"]


def test_the_last_check_sees_the_whole_file_before_it_takes_its_place(tmp_path: Path) -> None:
    place = tmp_path / "a.txt"
    place.write_text("old")
    seen: list[tuple[str, str]] = []
    with whole.replacing(place, before=lambda new: seen.append((new.read_text(), place.read_text()))) as temporary:
        temporary.write_text("new")
    assert seen == [("new", "old")]
    assert place.read_text() == "new"


def test_a_link_is_removed_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    whole.remove(tmp_path / "link")
    whole.remove(tmp_path / "never there")
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]
    whole.remove(tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_json_is_sorted_indented_and_ends_in_a_line() -> None:
    assert whole.as_json({"b": 1, "a": Path("x")}) == '{\n  "a": "x",\n  "b": 1\n}\n'
