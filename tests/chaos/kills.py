"""Runs that are killed at random times and started again: `python tests/chaos/kills.py --kills 100`, or `make kills`.

Each verb runs once without a disturbance. Then it is started and killed again and again, at any moment or as soon as something changes on
the disk: by SIGKILL mostly, at times by SIGTERM or Ctrl-C. After every few kills it may come to its end. What it left must then be the
same, byte for byte, but for times and memory in records and rates in logs, with nothing beside it. After no kill may a record call a torn
result finished. SIGTERM ends with 143 and Ctrl-C with 130, each with one sentence.
"""

from __future__ import annotations

import argparse
import contextlib
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import corpus
import folders
import fuzz

TIMES = frozenset({"started", "seconds", "peak_memory_mb", "command", "device_hours"})
"""What speaks of the run and not of its result, in records and logs."""
RATES = ("per_second", "share_of_peak")
_STOPS = {signal.SIGTERM: (143, "stopped from outside"), signal.SIGINT: (130, "stopped; run")}
_LONGEST = 300.0


@dataclass
class Case:
    """A command, and what was seen of it.

    Attributes
    ----------
    name, words
        The command; `OUT` stands for an empty folder.
    seconds
        Without a disturbance.
    kills
        How many landed, by signal.
    finds
        What was wrong.

    """

    name: str
    words: tuple[str, ...]
    seconds: float = 0.0
    kills: Counter[str] = field(default_factory=Counter)
    ends: int = 0
    finds: list[str] = field(default_factory=list)


def cases(base: Path) -> Iterator[Case]:
    """The verbs, on small plates and tables."""
    plates, table, recipe = base / "sim" / "images", base / "p.parquet", base / "train.toml"
    small = [w for s in ("plates=1", "perturbations=6", "mechanisms=2", "controls=4", "pixels=32", "cells=3") for w in ("--set", s)]
    run(base, "simulate", "--out", "sim", *small)
    fuzz_plates = corpus.plates()
    from impasto import profiles

    profiles.write(fuzz_plates, table)
    profiles.write(fuzz_plates, base / "p.plates")
    recipe.write_text(corpus.RECIPE.format(profiles=table), encoding="utf-8")
    sources = sorted(str(path) for path in plates.iterdir() if path.is_dir())[:2]
    platemap = ["--platemap", str(base / "sim" / "platemap.csv")]
    run(base, "ingest", *sources, *platemap, "--out", "ing")
    run(base, "run", str(recipe), "--out", "run")
    run(base, "index", str(table), "--out", "index")
    text = str(table)
    steps = ("--method", "select", "--method", "standardize", "--method", "clip", "--method", "sphering", "--spare", "0.5")
    yield Case("simulate", ("simulate", "--out", "OUT/s", *small))
    yield Case("ingest (images)", ("ingest", *sources, *platemap, "--out", "OUT/i"))
    yield Case("ingest (table)", ("ingest", text, "--out", "OUT/i"))
    yield Case("check", ("check", str(base / "ing"), "--out", "OUT/c"))
    yield Case("profile", ("profile", str(base / "ing"), "--encoder", "intensity", "--out", "OUT/p.parquet"))
    yield Case("correct (.parquet)", ("correct", text, *steps, "--keep", "--out", "OUT/c.parquet"))
    yield Case("correct (.zarr)", ("correct", text, *steps, "--out", "OUT/c.zarr"))
    yield Case("correct (.plates)", ("correct", str(base / "p.plates"), *steps, "--out", "OUT/c.plates"))
    yield Case("train", ("train", str(recipe), "--profiles", text, "--set", "loop.epochs=6", "--out", "OUT/t"))
    yield Case("embed", ("embed", str(base / "run" / "train"), text, "--out", "OUT/e.h5ad"))
    yield Case("index", ("index", text, "--out", "OUT/x"))
    yield Case("evaluate", ("evaluate", "replicates", text, "--out", "OUT/v"))
    yield Case("export", ("export", text, "--to", "cellprofiler", "--out", "OUT/cp"))
    yield Case("report", ("report", str(base / "run"), "--out", "OUT/page.html"))
    yield Case("run", ("run", str(recipe), "--out", "OUT/r"))
    yield Case("cells (tables)", _of_cells(base))
    yield Case("graph", ("graph", text, "--string", str(_pairs(base)), "--out", "OUT/g.parquet"))
    run(base, "correct", str(base / "p.plates"), "--method", "standardize", "--method", "clip", "--keep", "--out", "packed/c.plates")
    run(base, "index", str(base / "packed" / "c.plates"), "--out", "packed/index")
    packed = ("map", str(base / "packed"), "--licence", "CC0-1.0", "--out")
    yield Case("map", (*packed, "OUT/m"))
    run(base, *packed, str(base / "m"))
    profiles.write(corpus.plates(1), base / "new.parquet")
    yield Case("place", ("place", str(base / "new.parquet"), "--on", str(base / "m"), "--out", "OUT/p"))


def _of_cells(base: Path) -> tuple[str, ...]:
    tables = base / "cells-tables"
    folders.write_cells(tables)
    return ("cells", str(tables / "tables"), "--platemap", str(tables / "map.csv"), "--negcon", "DMSO", "--out", "OUT/c")


def _pairs(base: Path) -> Path:
    folders.write_pairs(base / "pairs.csv")
    return base / "pairs.csv"


def run(base: Path, *words: str) -> None:
    """A command that must succeed, in a folder."""
    process = start([*words], base, base)
    if (code := ended(process, _LONGEST)) != 0:
        raise SystemExit(f"impasto {' '.join(words)} ended with {code}: {(base / 'errors').read_text(encoding='utf-8')[-500:]}")


def start(words: list[str], folder: Path, said: Path) -> int:
    """Begin a command in a fork of this process."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.setsid()
        os.chdir(folder)
        with (said / "errors").open("wb") as handle, open(os.devnull, "wb") as nothing:
            os.dup2(handle.fileno(), 2)
            os.dup2(nothing.fileno(), 1)
        code = corpus.command(words)
    except BaseException:  # noqa: BLE001 - a stop that came before or after the command
        code = 98
    finally:
        os._exit(code)


def ended(process: int, seconds: float, *, until: Callable[[], bool] = lambda: False) -> int | None:
    """The exit code of a process; None where it still runs after so many seconds, or when `until` says so."""
    deadline = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline or until():
            return None
        time.sleep(0.0005)


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
    if path.name.endswith("run.json"):
        record = {key: value for key, value in json.loads(data).items() if key not in TIMES}
        # The digest of a log whose rates differ, too.
        record["files"] = {name: "" if name.endswith("log.jsonl") else value for name, value in record.get("files", {}).items()}
        data = json.dumps(record, sort_keys=True).encode()
    elif path.name == "log.jsonl":
        lines = [json.loads(line) for line in data.splitlines()]
        data = json.dumps([{k: v for k, v in line.items() if k not in TIMES and not k.endswith(RATES)} for line in lines]).encode()
    return hashlib.sha256(data).hexdigest()


def torn(folder: Path) -> list[str]:
    """The results whose record says `finished` and whose files are not as it says."""
    from impasto import records

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


def disturb(case: Case, base: Path, rng: random.Random, *, kills: int, reference: dict[str, str]) -> None:
    """Kill a command so often, in rounds of one to five kills each of which ends in a run that is left alone."""
    out = base / "out"
    while sum(case.kills.values()) < kills and not case.finds:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        words = [word.replace("OUT", str(out)) for word in case.words]
        for _ in range(rng.choice((1, 2, 3, 5))):
            _kill(case, words, base, out, rng)
        code = ended(start(words, base, base), _LONGEST)
        case.ends += 1
        got = contents(out)
        if code != 0:
            case.finds.append(f"ended with {code}: {(base / 'errors').read_text(encoding='utf-8', errors='replace')[-300:]}")
        case.finds += [f"{name} is left behind" for name in got if name not in reference]
        case.finds += [f"{name} is missing" for name in reference if name not in got]
        case.finds += [f"{name} differs" for name in reference if name in got and got[name] != reference[name]]


def _kill(case: Case, words: list[str], base: Path, out: Path, rng: random.Random) -> None:
    stop = rng.choices((signal.SIGKILL, signal.SIGTERM, signal.SIGINT), (8, 1, 1))[0]
    if rng.random() < 0.5:
        process = start(words, base, base)
        code = ended(process, _LONGEST, until=changed(out, rng.randint(1, 12)))
        time.sleep(rng.choice((0, 0, 0.001, 0.003)))
    else:
        process = start(words, base, base)
        code = ended(process, rng.uniform(0.02, max(0.05, 1.05 * case.seconds)))
    if code is not None:
        return
    os.kill(process, stop)
    code = ended(process, 60)
    if code is None:
        case.finds.append(f"{stop.name} did not end it")
        os.kill(process, signal.SIGKILL)
        ended(process, 60)
    case.kills[stop.name] += 1
    if stop in _STOPS and code not in (0, -stop, 98):
        expected, sentence = _STOPS[stop]
        said = (base / "errors").read_text(encoding="utf-8", errors="replace")
        if code != expected or said.count("impasto: ") != 1 or sentence not in said or "Traceback" in said:
            case.finds.append(f"{stop.name} ended with {code}: {said[-300:]}")
    case.finds += [f"after {stop.name}: {name} is torn and said to be finished" for name in torn(out)]


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
        base = Path(folder)
        for library in (*fuzz._LIBRARIES, "impasto.report.page", "impasto.atlas.index"):
            importlib.import_module(library)
        print("| verb | seconds | killed | ended | finds |\n|---|---|---|---|---|")
        for case in cases(base):
            if asked.only and case.name not in asked.only:
                continue
            finds += _one(case, base, asked.kills, random.Random(f"{asked.seed} {case.name}"))
    return int(finds > 0)


def _one(case: Case, base: Path, kills: int, rng: random.Random) -> int:
    """A verb undisturbed twice, then disturbed; how much was found."""
    out, wholes = base / "out", []
    for _ in range(2):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        clock = time.monotonic()
        run(base, *(word.replace("OUT", str(out)) for word in case.words))
        case.seconds = time.monotonic() - clock
        wholes.append(contents(out))
    case.finds += [f"{name} differs without a kill" for name in wholes[0] if wholes[0][name] != wholes[1].get(name)]
    with contextlib.suppress(KeyboardInterrupt):
        disturb(case, base, rng, kills=kills, reference=wholes[1])
    print(f"| {case.name} | {case.seconds:.2f} | {sum(case.kills.values())} | {case.ends} | {len(case.finds)} |", flush=True)
    for find in case.finds:
        print(f"    {find}", flush=True)
    return len(case.finds)


if __name__ == "__main__":
    sys.exit(main())
