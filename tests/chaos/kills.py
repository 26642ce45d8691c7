"""Runs that are killed at random times and started again: `python tests/chaos/kills.py --kills 100`, or `make kills`.

Each verb runs once without a disturbance. Then it is started and killed again and again, after some processor time or as soon as something
changes on the disk: by SIGKILL mostly, at times by SIGTERM or Ctrl-C. After every few kills it may come to its end. What it left must then
be the same, byte for byte, but for times and memory in records and rates in logs, with nothing beside it. After no kill may a record call a
torn result finished. SIGTERM ends with 143 and Ctrl-C with 130, each with one sentence.

One start in twenty is a fresh process; the others are forks of this one, which has imported the libraries (`starts.py`).
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import corpus
import fuzz
import kill_cases
import starts
from kill_cases import Case
from starts import Started

from impasto import records

_TIMES, _RATES = frozenset({"seconds", "device_hours"}), ("per_second", "share_of_peak")
"""What speaks of the run and not of its result, in logs."""
_STOPS = {signal.SIGTERM: (143, "stopped from outside"), signal.SIGINT: (130, "stopped; run")}
_FRESH = 0.05
_LONGEST = 600.0


@dataclass
class Trial:
    """A command, and what was seen of it.

    Attributes
    ----------
    words, environment, base, out
        The command, where it runs, and the folder of its result.
    reference
        What it leaves without a disturbance.
    seconds
        Its processor time then, in a fork.
    kills
        How many landed, by signal.
    fresh, written
        How many of them stopped a fresh process, and how many came when something of the result lay there.
    ends
        How often it came to its end after them.
    finds
        What was wrong.

    """

    words: list[str]
    environment: Mapping[str, str]
    base: Path
    out: Path
    reference: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    kills: Counter[str] = field(default_factory=Counter)
    fresh: int = 0
    written: int = 0
    ends: int = 0
    finds: list[str] = field(default_factory=list)

    def empty(self) -> None:
        """Take away what the last command left."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()

    def start(self, rng: random.Random) -> Started:
        """Begin the command."""
        return starts.start(self.words, self.base, fresh=rng.random() < _FRESH, environment=self.environment)


def undisturbed(trial: Trial) -> None:
    """Run the command twice; what differs is a find, and the second is what a killed one shall leave."""
    wholes = []
    for _ in range(2):
        trial.empty()
        trial.seconds = starts.succeed(trial.words, trial.base, environment=trial.environment)
        wholes.append(contents(trial.out))
    trial.reference = wholes[1]
    trial.finds += [f"{name} differs without a kill" for name in wholes[0] if wholes[0][name] != wholes[1].get(name)]


def disturb(trial: Trial, rng: random.Random, *, kills: int) -> None:
    """Kill the command so often, in rounds of one to five kills each of which ends in a run that is left alone."""
    while trial.kills.total() < kills and not trial.finds:
        trial.empty()
        for _ in range(rng.choice((1, 2, 3, 5))):
            _kill(trial, rng)
        started = trial.start(rng)
        code = started.wait(_LONGEST)
        trial.ends += 1
        got, reference = contents(trial.out), trial.reference
        if code != 0:
            trial.finds.append(f"ended with {code}: {started.errors()[-300:]}")
        trial.finds += [f"{name} is left behind" for name in got if name not in reference]
        trial.finds += [f"{name} is missing" for name in reference if name not in got]
        trial.finds += [f"{name} differs" for name in reference if name in got and got[name] != reference[name]]


def _kill(trial: Trial, rng: random.Random) -> None:
    stop = rng.choices((signal.SIGKILL, signal.SIGTERM, signal.SIGINT), (8, 1, 1))[0]
    seconds, changes, nap = 1.05 * trial.seconds * rng.random(), rng.randint(1, 12), rng.choice((0, 0, 0.001, 0.003))
    by_change = changed(trial.out, changes) if rng.random() < 0.5 else None
    started = trial.start(rng)
    # A fresh process imports first, for some two seconds.
    moment = seconds * (1 if not started.fresh else 1 + 2 / max(trial.seconds, 0.1))
    if started.wait(_LONGEST, until=by_change or (lambda: started.cpu() >= moment)) is not None:
        return
    time.sleep(nap if by_change else 0)
    trial.written += any(trial.out.iterdir())
    trial.fresh += started.fresh
    trial.kills[stop.name] += 1
    code = started.stop(stop)
    if code is None:
        trial.finds.append(f"{stop.name} did not end it")
    if stop in _STOPS:
        trial.finds += _unsaid(started, stop, code)
    trial.finds += [f"after {stop.name}: {name} is torn and said to be finished" for name in torn(trial.out)]


def _unsaid(started: Started, stop: signal.Signals, code: int | None) -> list[str]:
    """What is wrong with the end of a command that was asked to stop. One that had just ended, or had not yet begun, says nothing."""
    expected, sentence = _STOPS[stop]
    said = started.errors()
    if code in (0, -stop, starts.OUTSIDE) or (started.fresh and "impasto" not in said):
        return []
    if code == expected and said.count("impasto: ") == 1 and sentence in said and "Traceback" not in said:
        return []
    return [f"{stop.name} ended with {code}: {said[-300:]}"]


def changed(folder: Path, times: int) -> Callable[[], bool]:
    """Says True when the names below a folder have changed so often."""
    seen: list[object] = [_names(folder)]

    def now() -> bool:
        if (names := _names(folder)) != seen[-1]:
            seen.append(names)
        return len(seen) > times

    return now


def _names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(os.path.join(base, name) for base, folders, files in os.walk(folder) for name in (*folders, *files)))


def contents(folder: Path) -> dict[str, str]:
    """Each file below a folder, with the digest of what of it belongs to the result."""
    return {str(path.relative_to(folder)): _digest(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def _digest(path: Path) -> str:
    data = path.read_bytes()
    if path.name.endswith(records.RUN):
        data = json.dumps(records.of_result(json.loads(data)), sort_keys=True).encode()
    elif path.name == records.LOG:
        lines = [json.loads(line) for line in data.splitlines()]
        data = json.dumps([{k: v for k, v in line.items() if k not in _TIMES and not k.endswith(_RATES)} for line in lines]).encode()
    return hashlib.sha256(data).hexdigest()


def torn(folder: Path) -> list[str]:
    """The results whose record says `finished` and whose files are not as it says."""
    wrong = []
    for path in folder.rglob("*run.json"):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        record = records.read(path)
        if record is None:
            wrong.append(f"{path.name} is no record")
        elif records.is_finished(record):
            files = records.files_of(record).items()
            wrong += [
                name for name, digest in files if not (path.parent / name).exists() or not records.is_as_listed(path.parent / name, digest)
            ]
    return wrong


def _one(case: Case, material: kill_cases.Material, kills: int, rng: random.Random) -> int:
    """A verb undisturbed twice, then disturbed; how much was found."""
    base = material.base
    words = [word.replace("OUT", str(base / "out")) for word in case.words(material)]
    with kill_cases.environment(case, base, base / "out") as environment:
        trial = Trial(words, environment, base, base / "out")
        undisturbed(trial)
        disturb(trial, rng, kills=kills)
    counts = (trial.kills.total(), trial.written, trial.fresh, trial.ends, len(trial.finds))
    print(f"| {case.name} | {trial.seconds:.2f} | {' | '.join(map(str, counts))} |", flush=True)
    for find in trial.finds:
        print(f"    {find}", flush=True)
    return len(trial.finds)


def main() -> int:
    """Disturb every verb, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="A verb.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", help="Names of cases.")
    asked = parser.parse_args()
    os.environ.update(IMPASTO_OFFLINE="1", HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1")
    corpus.without_umap()
    finds = 0
    with tempfile.TemporaryDirectory(prefix="impasto-kills-") as folder:
        for library in fuzz._LIBRARIES:
            importlib.import_module(library)
        material = kill_cases.Material(Path(folder))
        print("| verb | CPU seconds | killed | while it wrote | fresh | ended | finds |\n|---|---|---|---|---|---|---|")
        for case in kill_cases.CASES:
            if not asked.only or case.name in asked.only:
                finds += _one(case, material, asked.kills, random.Random(f"{asked.seed} {case.name}"))
    return int(finds > 0)


if __name__ == "__main__":
    sys.exit(main())
