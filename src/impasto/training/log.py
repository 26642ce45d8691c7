"""The log of a training: one line of JSON an epoch, one sentence in the terminal, the same numbers to who else watches."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from impasto import border, devices, records, runs, texts
from impasto.schema import InputError
from impasto.training import verdict

FILE = records.LOG
_REMEDY = "remove the folder and train again"


def read(path: Path, /) -> list[dict[str, Any]]:
    """The whole lines of a log.

    Parameters
    ----------
    path
        The file; it need not be there.

    Returns
    -------
    list[dict[str, Any]]
        One an epoch. A line that a killed run began is left out.

    Raises
    ------
    InputError
        A line is damaged.

    """
    if not path.exists():
        return []
    with border.reading(path, "log of a training", remedy=_REMEDY):
        lines = [json.loads(line) for line in texts.read(path).splitlines(keepends=True) if line.endswith("\n")]
    if not all(isinstance(line, dict) and isinstance(line.get("epoch"), int) for line in lines):
        raise InputError(f"{path} cannot be read as a log of a training (a line names no epoch); {_REMEDY}")
    return lines


class Log:
    """The log of one run, written by the first process.

    Parameters
    ----------
    folder
        Of the run.
    epoch
        Where the training goes on: lines of this epoch and later ones are dropped, since they will be written again.
    watch
        Who else is given the numbers of each epoch.
    tell
        Is given one sentence an epoch.

    Raises
    ------
    InputError
        Where a watcher is not installed.

    """

    def __init__(self, folder: Path, /, *, epoch: int, watch: Sequence[str] = (), tell: Callable[[str], None] = lambda _: None) -> None:
        self.path, self._tell = folder / FILE, tell
        runs.note(self.path)
        self.lines = [line for line in read(self.path) if line["epoch"] < epoch]
        self._watchers: list[Watcher] = []
        if not devices.is_first():
            return
        with runs.atomic(self.path) as temporary:
            texts.write(temporary, "".join(json.dumps(line) + "\n" for line in self.lines))
        self._watchers = [WATCHERS[name](folder) for name in watch]

    @property
    def device_hours(self) -> float:
        """What all epochs so far took, over all devices."""
        return float(self.lines[-1].get("device_hours", 0.0)) if self.lines else 0.0

    @property
    def images_seen(self) -> int:
        """How many images, views of one site counted each, went through a net in all epochs so far, over all devices."""
        return int(self.lines[-1].get("images_seen", 0)) if self.lines else 0

    def write(self, line: dict[str, Any], /, *, epochs: int) -> None:
        """Append one epoch.

        Parameters
        ----------
        line
            What is known of it.
        epochs
            How many there may be, for the sentence.

        """
        self.lines.append(line)
        if not devices.is_first():
            return
        texts.append(self.path, json.dumps(line) + "\n")
        self._tell(sentence(line, epochs=epochs))
        if verdict.KEY in line:
            self._tell(verdict.sentence(line[verdict.KEY]))
        for watcher in self._watchers:
            watcher({name: value for name, value in line.items() if isinstance(value, int | float)}, int(line["step"]))


def sentence(line: Mapping[str, Any], /, *, epochs: int) -> str:
    """One epoch for the terminal.

    Parameters
    ----------
    line
        Of the log.
    epochs
        How many there may be.

    Returns
    -------
    str
        Loss, validation beside its chance, rows a second, share of the device's peak.

    """
    parts = [f"loss {line['loss']:.4f}"] if "loss" in line else []
    if "validation_score" in line:
        chance = f" (chance {line['validation_chance']:.3f})" if "validation_chance" in line else ""
        parts.append(f"validation {line['validation_score']:.3f}{chance}")
    parts.append(f"{line['rows_per_second']:,.0f} rows/s")
    if "share_of_peak" in line:
        parts.append(f"{line['share_of_peak']:.0%} of the device's peak")
    return f"epoch {line['epoch'] + 1}/{epochs}, step {line['step']}: {', '.join(parts)}"


class Watcher(Protocol):
    """Who else is given the numbers of each epoch."""

    def __call__(self, values: Mapping[str, float], step: int, /) -> None:
        """Take the numbers of an epoch.

        Parameters
        ----------
        values
            Name -> number.
        step
            The last step of the epoch.

        """


def _tensorboard(folder: Path) -> Watcher:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError(_needs("tensorboard")) from None
    runs.note(folder / "tensorboard")
    writer = SummaryWriter(str(folder / "tensorboard"))

    def write(values: Mapping[str, float], step: int, /) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)
        writer.flush()

    return write


def _wandb(folder: Path) -> Watcher:
    try:
        import wandb
    except ImportError:
        raise InputError(_needs("wandb")) from None
    runs.note(folder / "wandb")
    run = wandb.init(project="impasto", dir=str(folder), name=folder.name, resume="allow")
    return lambda values, step: run.log(dict(values), step=step)


def _needs(name: str) -> str:
    return f"watch = [{name!r}] needs {name}; install it with: pip install 'impasto[watch]', or leave it out"


WATCHERS: dict[str, Callable[[Path], Watcher]] = {"tensorboard": _tensorboard, "wandb": _wandb}
"""Name in `loop.watch` -> what makes the watcher of a run's folder."""
