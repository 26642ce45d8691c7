"""Results are whole or absent, and what is done is skipped."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from impasto import locks, machine, processes, records, runs, whole
from impasto.schema import InputError
from impasto.settings import Settings


class Counting(Settings):
    source: Path
    times: int = 1
    seed: int = 0


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")

    def fail() -> None:
        with runs.atomic(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "d"
    for content in ("one", "two"):
        with runs.atomic(path) as temporary:
            temporary.mkdir()
            (temporary / content).write_text(content)
    assert [p.name for p in path.iterdir()] == ["two"]


def test_a_stage_is_skipped_when_nothing_changed_and_redone_when_something_did(tmp_path: Path) -> None:
    source, out = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("x")
    calls: list[int] = []

    def stage(times: int) -> bool:
        settings = Counting.read({"source": source, "times": times}, where="test")

        def work() -> None:
            calls.append(times)
            out.write_text(source.read_text() * times)

        return runs.run_stage(work, verb="count", settings=settings, inputs=[source], out=out, folder=False)

    assert stage(2)
    assert not stage(2)
    assert stage(3)
    source.write_text("y")
    assert stage(3)
    assert out.read_text() == "yyy"
    assert calls == [2, 3, 3]
    record = json.loads(records.path_of(out, folder=False).read_text())
    assert record["verb"] == "count"
    assert record["seed"] == 0
    assert record["inputs"] == {str(source): runs.digest(source)}
    assert record["peak_memory_mb"] > 0


def test_a_record_says_the_peak_of_memory_in_mebibytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Counting.read({"source": tmp_path / "in.txt"}, where="test")
    (tmp_path / "in.txt").write_text("x")
    for name, held, said in (("a", 5 * 2**20 + 2**18, 5.2), ("b", None, None)):
        monkeypatch.setattr(machine, "peak_memory", lambda held=held: held)
        out = tmp_path / f"{name}.txt"
        runs.run_stage(lambda out=out: out.write_text("y"), verb="count", settings=settings, inputs=[], out=out, folder=False)
        assert json.loads(records.path_of(out, folder=False).read_text())["peak_memory_mb"] == said


def test_the_digest_of_a_folder_sees_names_and_contents_but_not_records(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = runs.digest(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    assert runs.digest(tmp_path) == first
    (tmp_path / "a").rename(tmp_path / "b")
    assert runs.digest(tmp_path) != first
    with pytest.raises(InputError, match="does not exist"):
        runs.digest(tmp_path / "none")


def test_the_digest_of_a_record_sees_the_result_but_neither_times_nor_the_command(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet.run.json"
    record = {"verb": "correct", "key": "k", "seed": 0, "files": {"p.parquet": "d", "log.jsonl": "l"}}
    path.write_text(json.dumps({**record, "started": "2026-01-01", "seconds": 1, "peak_memory_mb": 2, "command": ["a"]}))
    first = runs.digest(path)
    path.write_text(json.dumps({**record, "started": "2026-01-02", "seconds": 3, "files": {"p.parquet": "d", "log.jsonl": "m"}}))
    assert runs.digest(path) == first
    for change in ({"seed": 1}, {"key": "l"}, {"files": {"p.parquet": "e", "log.jsonl": "l"}}, {"files": {"p.parquet": "d"}}):
        path.write_text(json.dumps({**record, **change}))
        assert runs.digest(path) != first


def test_two_stages_of_one_second_keep_their_order(tmp_path: Path) -> None:
    started = []
    for name in ("b", "a"):
        out = tmp_path / name
        runs.run_stage(out.touch, verb="count", settings=Settings(), inputs=[], out=out, folder=False)
        started.append(json.loads(records.path_of(out, folder=False).read_text())["started"])
    assert started == sorted(started)
    assert started[0] != started[1]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", time) for time in started)


def test_a_folder_is_put_aside_before_it_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill while the old folder is removed must not leave half of it under its name."""
    (tmp_path / "result").mkdir()
    (tmp_path / "result" / "old.txt").write_text("old")
    removed: list[str] = []

    def remove(path: Path, /) -> None:
        assert (tmp_path / "result" / "new.txt").exists() or not path.exists()
        removed.append(path.name)
        shutil.rmtree(path, ignore_errors=True)

    monkeypatch.setattr(whole, "remove", remove)
    with runs.atomic(tmp_path / "result") as temporary:
        temporary.mkdir()
        (temporary / "new.txt").write_text("new")
    assert [p.name for p in (tmp_path / "result").iterdir()] == ["new.txt"]
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]
    assert any("replaced" in name for name in removed)


def test_scratch_is_gone_at_the_end_even_after_an_error() -> None:
    seen: list[Path] = []

    def fail() -> None:
        with runs.scratch() as folder:
            seen.append(folder)
            (folder / "half").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not seen[0].exists()


def counting(source: Path, out: Path, work: Callable[[], None], *, folder: bool = False) -> bool:
    """A stage that reads `source` and leaves its result at `out`."""
    return runs.run_stage(work, verb="count", settings=Counting(source=source), inputs=[source], out=out, folder=folder)


def test_a_second_writer_is_refused_and_what_the_first_wrote_stays(tmp_path: Path) -> None:
    source, out = tmp_path / "in.txt", tmp_path / "new" / "out.txt"
    source.write_text("x")

    def work() -> None:
        with pytest.raises(InputError, match="is being written by process"):
            counting(source, out, lambda: pytest.fail("two write at once"))
        with runs.atomic(out) as temporary:
            temporary.write_text("of the first")

    assert counting(source, out, work)
    assert out.read_text() == "of the first"
    assert sorted(p.name for p in out.parent.iterdir()) == ["out.txt", "out.txt.run.json"]


def test_an_input_that_changes_meanwhile_is_refused_and_the_result_is_not_called_finished(tmp_path: Path) -> None:
    source, out = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("x")

    def work() -> None:
        with runs.atomic(out) as temporary:
            temporary.write_text(source.read_text())
        source.write_text("longer")

    with pytest.raises(InputError, match=r"in\.txt changed while it was read"):
        counting(source, out, work)
    assert json.loads(records.path_of(out, folder=False).read_text())["state"] == "started"
    assert counting(source, out, lambda: out.write_text(source.read_text()))
    assert out.read_text() == "longer"


@pytest.mark.parametrize("folder", [True, False])
def test_what_a_killed_run_left_is_gone_after_the_next(folder: bool, tmp_path: Path) -> None:
    source, out = tmp_path / "in.txt", tmp_path / "out"
    source.write_text("x")
    dead = f"{processes.own().host}-4194304-1"

    def left(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(whole.beside(path).name.replace(str(processes.own()), dead)).write_text("half")

    def work() -> None:
        with runs.atomic(out / "a" if folder else out) as temporary:
            temporary.write_text("y")

    assert counting(source, out, work, folder=folder)
    for path in (out, records.path_of(out, folder=folder), locks.beside(out), *([out / "deep" / "b"] if folder else [])):
        left(path)
    locks.beside(out).write_text(dead)
    source.write_text("xy")
    assert counting(source, out, work, folder=folder)
    assert not list(tmp_path.rglob(".*"))


def test_a_result_that_was_only_put_aside_when_the_run_was_killed_comes_back(tmp_path: Path) -> None:
    source, out = tmp_path / "in.txt", tmp_path / "out"
    source.write_text("x")

    def work() -> None:
        with runs.atomic(out) as temporary:
            temporary.mkdir()
            (temporary / "a").write_text("y")

    assert counting(source, out, work, folder=True)
    aside = whole.beside(out, "replaced").name.replace(str(processes.own()), f"{processes.own().host}-4194304-1")
    out.rename(tmp_path / aside)
    assert not counting(source, out, lambda: pytest.fail("it is there"), folder=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.txt", "out"]


def test_the_scratch_of_the_dead_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    host = processes.own().host
    (tmp_path / f"impasto-{host}-4194304-1-abcd").mkdir()
    (tmp_path / "impasto-elsewhere-1-1-abcd").mkdir()
    (tmp_path / "impasto-notes").mkdir()
    with runs.scratch() as folder:
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted([folder.name, "impasto-elsewhere-1-1-abcd", "impasto-notes"])
