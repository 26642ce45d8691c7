"""One line an epoch on disk and one in the terminal; lines after a checkpoint are dropped; watchers are told."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from impasto.schema import InputError
from impasto.training import log, verdict
from impasto.training.log import Log


def line(epoch: int, **values: object) -> dict[str, object]:
    return {"epoch": epoch, "step": epoch + 1, "loss": 0.5, "rows_per_second": 1234.5, "device_hours": 0.25 * (epoch + 1), **values}


def test_lines_are_written_told_and_dropped_again(tmp_path: Path) -> None:
    told: list[str] = []
    first = Log(tmp_path, epoch=0, tell=told.append)
    assert (first.device_hours, first.images_seen) == (0.0, 0)
    first.write(line(0), epochs=3)
    first.write(line(1, validation_score=0.3, validation_chance=0.125, share_of_peak=0.28), epochs=3)
    first.write(line(2, **{verdict.KEY: ["too early"]}), epochs=3)
    assert told == [
        "epoch 1/3, step 1: loss 0.5000, 1,234 rows/s",
        "epoch 2/3, step 2: loss 0.5000, validation 0.300 (chance 0.125), 1,234 rows/s, 28% of the device's peak",
        "epoch 3/3, step 3: loss 0.5000, 1,234 rows/s",
        "not trained: too early",
    ]
    assert [json.loads(text)["epoch"] for text in (tmp_path / "log.jsonl").read_text().splitlines()] == [0, 1, 2]
    with (tmp_path / "log.jsonl").open("a") as half:
        half.write('{"epoch": 3, "st')  # a kill in the middle of a line
    again = Log(tmp_path, epoch=1)
    assert [entry["epoch"] for entry in again.lines] == [0]
    assert (again.device_hours, again.images_seen) == (0.25, 0)
    again.write(line(1, images_seen=24), epochs=3)
    assert again.images_seen == 24
    assert log.read(tmp_path / "log.jsonl") == again.lines == [line(0), line(1, images_seen=24)]
    assert log.read(tmp_path / "none.jsonl") == []


def test_other_processes_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    told: list[str] = []
    Log(tmp_path, epoch=0, tell=told.append).write(line(0), epochs=1)
    assert told == list(tmp_path.iterdir()) == []


def test_watchers_are_given_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[dict[str, float], int]] = []
    monkeypatch.setitem(log.WATCHERS, "wandb", lambda _: lambda values, step: given.append((dict(values), step)))
    Log(tmp_path, epoch=0, watch=["wandb"]).write(line(0, not_trained=["x"]), epochs=1)
    assert given == [({"epoch": 0, "step": 1, "loss": 0.5, "rows_per_second": 1234.5, "device_hours": 0.25}, 1)]


def test_watchers_of_others_are_opened_in_the_folder_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[object] = []
    run = SimpleNamespace(log=lambda values, step: said.append(("log", values, step)))
    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=lambda **asked: said.append(asked) or run))
    writer = SimpleNamespace(add_scalar=lambda *scalar: said.append(scalar), flush=lambda: said.append("flush"))
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=lambda folder: said.append(folder) or writer))
    log.WATCHERS["wandb"](tmp_path / "a")({"loss": 2.5}, 7)
    log.WATCHERS["tensorboard"](tmp_path / "a")({"loss": 2.5, "lr": 0.1}, 7)
    assert said == [
        {"project": "impasto", "dir": str(tmp_path / "a"), "name": "a", "resume": "allow"},
        ("log", {"loss": 2.5}, 7),
        str(tmp_path / "a" / "tensorboard"),
        ("loss", 2.5, 7),
        ("lr", 0.1, 7),
        "flush",
    ]


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_watcher_that_is_not_installed_is_a_sentence(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(InputError, match=rf"watch = \['{name}'\] needs {name}; install it with: pip install 'impasto\[watch\]'"):
        Log(tmp_path, epoch=0, watch=[name])


@pytest.mark.parametrize("text", ["epoch 1\n", "[1]\n", "{}\n", "\x00\n"])
def test_a_damaged_log_is_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(text)
    with pytest.raises(InputError, match=r"cannot be read as a log of a training .*remove the folder and train again"):
        log.read(tmp_path / "log.jsonl")
