"""A stage that needs more than is free is refused in one sentence, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto import machine, need, runs
from impasto.failures import Unfinished, code_and_sentence
from impasto.need import Need
from impasto.settings import Settings

GB = 10**9


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with 7 GB free beside the 1 GB that this process holds, and 3 GB of disk."""
    monkeypatch.setattr(machine, "free_memory", lambda: 7 * GB)
    monkeypatch.setattr(machine, "held_memory", lambda: GB)
    monkeypatch.setattr(machine, "free_disk", lambda _folder: 3 * GB)


@pytest.mark.usefixtures("small")
def test_what_is_found_what_is_needed_and_what_helps_is_one_sentence_of_the_machine() -> None:
    with pytest.raises(Unfinished) as refused:
        need.refuse(Need(14 * GB, 0, "--shards local:1"), Path("o.parquet"))
    code, sentence = code_and_sentence(refused.value)
    assert code == 3
    assert sentence == (
        "o.parquet: this needs about 14 GB of memory, and 8.0 GB are free: --shards local:1, close other programs, or try all the same "
        "with --force"
    )
    with pytest.raises(Unfinished, match=r"about 3\.5 GB of disk, and 3\.0 GB are free: make room, give another --out"):
        need.refuse(Need(GB, 35 * GB // 10, ""), Path("o.parquet"))


@pytest.mark.usefixtures("small")
def test_what_fits_or_is_forced_or_unknown_is_not_refused() -> None:
    need.refuse(Need(8 * GB, 3 * GB, ""), Path("o"))
    need.refuse(None, Path("o"))
    token = need.FORCE.set(True)
    need.refuse(Need(800 * GB, 300 * GB, ""), Path("o"))
    need.FORCE.reset(token)


def test_a_machine_that_says_nothing_refuses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_memory", lambda: None)
    monkeypatch.setattr(machine, "held_memory", lambda: None)
    need.refuse(Need(10**18, 0, ""), Path("o"))


def test_the_limit_of_a_container_counts_and_not_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meminfo").write_text(f"MemTotal: {64 * 2**20} kB\nMemAvailable: {60 * 2**20} kB\n", encoding="ascii")
    (tmp_path / "memory.max").write_text(f"{2 * GB}\n", encoding="ascii")
    (tmp_path / "memory.current").write_text(f"{GB}\n", encoding="ascii")
    for name, path in (("_MEMORY", "meminfo"), ("_CGROUP", "."), ("_OWN_CGROUP", "own")):
        monkeypatch.setattr(machine, name, tmp_path / path)
    monkeypatch.setattr(machine, "held_memory", lambda: GB // 2)
    need.refuse(Need(14 * GB // 10, 0, "x"), tmp_path)
    with pytest.raises(Unfinished, match=r"about 1\.6 GB of memory, and 1\.5 GB are free"):
        need.refuse(Need(16 * GB // 10, 0, "x"), tmp_path)


class Nothing(Settings):
    """No settings."""


@pytest.mark.usefixtures("small")
def test_a_refused_run_leaves_nothing_and_a_finished_one_is_not_asked(tmp_path: Path) -> None:
    out = tmp_path / "new" / "o.txt"
    asked: list[Need] = []

    def run(estimate: Need) -> bool:
        def estimated() -> Need:
            asked.append(estimate)
            return estimate

        def work() -> None:
            with runs.atomic(out) as temporary:
                temporary.write_text("x")

        return runs.run_stage(work, verb="v", settings=Nothing(), inputs=[], out=out, folder=False, need=estimated)

    with pytest.raises(Unfinished):
        run(Need(9 * GB, 0, ""))
    assert list(tmp_path.iterdir()) == []
    assert run(Need(GB, GB, ""))
    assert not run(Need(9 * GB, 0, ""))
    assert [one.memory for one in asked] == [9 * GB, GB]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "under a minute"), (29, "under a minute"), (31, "1 minute"), (89, "1 minute"), (100, "2 minutes"), (3600, "60 minutes"),
        (5300, "88 minutes"), (5400, "2 hours"), (36_000, "10 hours"),
    ],
)  # fmt: skip
def test_a_time_as_people_say_it(seconds: float, words: str) -> None:
    assert need.duration(seconds) == words


def test_an_estimate_in_words_says_what_is_known() -> None:
    assert Need(14 * GB // 10, GB // 5, "", seconds=240).sentence() == "1.4 GB of memory, 0.2 GB of disk, 4 minutes of one core"
    assert Need(14 * GB, 0, "").sentence() == "14 GB of memory"
    assert Need(GB, 0, "", seconds=0.0).sentence() == "1.0 GB of memory, under a minute of one core"
