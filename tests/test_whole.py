"""A file or folder is whole or as before, and nothing temporary is left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from impasto import processes, whole


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


def dead(path: Path, kind: str = "partial", *, host: str | None = None) -> Path:
    """A name that a process which has ended gave."""
    name = whole.beside(path, kind).name.replace(str(processes.own()), str(processes.Process(host or processes.own().host, 4194304, 1)))
    return path.with_name(name)


def test_what_the_dead_left_is_removed_and_what_they_put_aside_comes_back(tmp_path: Path) -> None:
    place, other = tmp_path / "result.parquet", tmp_path / "other.parquet"
    dead(place).write_text("half")
    dead(place, "replaced").mkdir()
    (dead_of_other := dead(other)).write_text("half")
    (living := whole.beside(place)).write_text("now")
    (elsewhere := dead(place, host="elsewhere")).write_text("who knows")
    (theirs := tmp_path / ".result.partial-notes.parquet").write_text("of the user")
    (aside := dead(place, "replaced")).mkdir()
    (aside / "old").write_text("old")
    for found in tmp_path.glob(".result.replaced-*"):
        if found != aside:
            found.rmdir()
    whole.sweep(tmp_path, of=place)
    assert {p.name for p in tmp_path.iterdir()} == {place.name, *(p.name for p in (dead_of_other, living, elsewhere, theirs))}
    assert (place / "old").read_text() == "old"
    os.utime(elsewhere, (0, 0))
    whole.sweep(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {place.name, living.name, theirs.name}


def test_what_was_put_aside_goes_where_the_new_one_is_there(tmp_path: Path) -> None:
    (tmp_path / "result").mkdir()
    dead(tmp_path / "result", "replaced").mkdir()
    whole.sweep(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["result"]


def test_folders_in_folders_are_looked_into_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    left = dead(tmp_path / "a" / "b" / "x.json")
    left.write_text("half")
    whole.sweep(tmp_path)
    assert left.exists()
    whole.sweep(tmp_path, deep=True)
    assert not left.exists()
    whole.sweep(tmp_path / "never there")


@pytest.mark.parametrize("name", ["x" * 200 + ".parquet", "ü" * 100 + ".h5ad", "a." + "y" * 200])
def test_a_long_name_has_a_temporary_one_that_fits(name: str, tmp_path: Path) -> None:
    with whole.replacing(tmp_path / name) as temporary:
        assert len(os.fsencode(temporary.name)) < 256
        temporary.write_text("x")
    dead(tmp_path / name).write_text("half")
    whole.sweep(tmp_path, of=tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_two_writes_of_one_process_have_their_own_names(tmp_path: Path) -> None:
    with whole.replacing(tmp_path / "a") as first, whole.replacing(tmp_path / "a") as second:
        first.write_text("1")
        second.write_text("2")
    assert (tmp_path / "a").read_text() == "1"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_old_folder_comes_back_where_the_new_one_cannot_take_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "old").write_text("old")
    real = os.replace

    def full(old: Path, new: Path) -> None:
        if ".partial-" in Path(old).name:
            raise OSError(28, "No space left on device")
        real(old, new)

    def make() -> None:
        with whole.replacing(tmp_path / "d") as temporary:
            temporary.mkdir()

    monkeypatch.setattr("impasto.whole.os.replace", full)
    with pytest.raises(OSError, match="No space"):
        make()
    assert [p.name for p in tmp_path.iterdir()] == ["d"]
    assert (tmp_path / "d" / "old").exists()


def test_on_windows_a_file_that_another_program_holds_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, tries = os.replace, []

    def held(old: Path, new: Path) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise PermissionError(13, "The process cannot access the file because it is being used by another process")
        real(old, new)

    monkeypatch.setattr("impasto.whole.os.replace", held)
    monkeypatch.setattr("impasto.whole.sys.platform", "win32")
    monkeypatch.setattr("impasto.whole.time.sleep", lambda _: None)
    with whole.replacing(tmp_path / "a") as temporary:
        temporary.write_text("x")
    assert (tmp_path / "a").read_text() == "x"
    monkeypatch.setattr("impasto.whole.sys.platform", "linux")
    tries.clear()
    with pytest.raises(PermissionError), whole.replacing(tmp_path / "a") as temporary:
        temporary.write_text("y")
