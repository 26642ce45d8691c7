"""Damaged inputs, one after the other: `python tests/chaos/fuzz.py --seconds 60 --seed 0`, or `make chaos`.

Each trial copies a specimen, damages one of its files, and runs a command on it in a fork of this process, under a limit of memory and of
time. The command may succeed (0), refuse in one sentence (2) or find the machine too small (3). A traceback, a fault of impasto (1), a
signal, several sentences or a hang is a find: it is printed with the seed that makes it again (`--only SEED`).
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import corpus
import folders
import structures
from corpus import Specimen

MEMORY = 6 * 2**30
IDLE = 30
"""Seconds without any work: what waits longer waits for ever."""
SECONDS = 60
"""Processor time of one command; what takes longer hangs."""
_LIBRARIES = (
    "anndata",
    "pyarrow.parquet",
    "scipy.stats",
    "sklearn.pipeline",
    "torch",
    "tifffile",
    "zarr",
    "impasto.recipe",
    "impasto.methods",
)


@dataclass(frozen=True)
class Trial:
    """One damaged copy and what a command said of it.

    Attributes
    ----------
    seed, specimen, damaged, mutation, words
        What was tried.
    code
        The exit code; negative for a signal.
    errors
        What stood on standard error.
    seconds
        On the clock.

    """

    seed: int
    specimen: str
    damaged: str
    mutation: str
    words: str
    code: int
    errors: str
    seconds: float

    @property
    def find(self) -> str:
        """What is wrong with the answer; `""` where nothing is."""
        if self.code == -signal.SIGXCPU or self.code == -signal.SIGKILL:
            return "hang"
        if self.code < 0:
            return f"signal {-self.code}"
        if "Traceback (most recent call last)" in self.errors or self.code == 1:
            return "fault"
        if self.code not in (0, 2, 3):
            return f"exit {self.code}"
        said = [line for line in self.errors.splitlines() if line.startswith("impasto: ")]
        return "no sentence" if self.code and len(said) != 1 else ""


def trial(seed: int, specimens: list[Specimen], base: Path) -> Trial:
    """Damage something and run a command on it, all of it given by the seed."""
    rng = random.Random(seed)
    specimen = rng.choice(specimens)
    with tempfile.TemporaryDirectory(dir=base) as name:
        copied = Path(name) / "in"
        shutil.copytree(specimen.folder, copied, symlinks=True)
        files = sorted(path for path in copied.rglob("*") if path.is_file() and not path.is_symlink() and path.stat().st_size < 2**22)
        damaged = rng.choice(files)
        mutation = rng.choice(structures.of(damaged.name))
        structures.damage(damaged, mutation, rng)
        start = time.monotonic()
        for command in rng.choice(specimen.chains):
            words = [word.replace("IN/", f"{copied}/").replace("OUT", f"{name}/out") for word in command]
            code, errors = _in_a_fork(words, Path(name))
            if code:
                break
        shown = " ".join(words).replace(name, "T")
        return Trial(
            seed, specimen.name, str(damaged.relative_to(copied)), mutation.__name__, shown, code, errors, time.monotonic() - start
        )


def _in_a_fork(words: list[str], folder: Path) -> tuple[int, str]:
    errors = folder / "errors"
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with errors.open("wb") as handle, open(os.devnull, "wb") as nothing:
                os.dup2(handle.fileno(), 2)
                os.dup2(nothing.fileno(), 1)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 2))
            code = corpus.command(words)
        finally:
            os._exit(code)
    worked, since = -1, time.monotonic()
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if (now := _ticks(child)) != worked:
            worked, since = now, time.monotonic()
        if time.monotonic() - since > IDLE:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.01)
    return os.waitstatus_to_exitcode(status), errors.read_text(encoding="utf-8", errors="replace")


def _ticks(process: int) -> int:
    """The processor time of a process so far; its own limit ends one that only computes, and here one that only waits is told."""
    said = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return int(said[11]) + int(said[12])


def main() -> int:
    """Try until the time is over, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--trials", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="one trial, by its seed, with all that it says")
    asked = parser.parse_args()
    os.environ.update(IMPASTO_OFFLINE="1", HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1")
    corpus.without_umap()
    with tempfile.TemporaryDirectory(prefix="impasto-chaos-") as folder:
        base = Path(folder)
        with open(os.devnull, "w", encoding="utf-8") as nothing, contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
            specimens = [*corpus.of_laboratories(), *corpus.of_impasto(base), *folders.of_folders(base)]
        for library in _LIBRARIES:
            importlib.import_module(library)
        if asked.only is not None:
            one = trial(asked.only, specimens, base)
            print(one.specimen, one.damaged, one.mutation, one.words, f"exit {one.code}", one.errors, sep="\n")
            return int(bool(one.find))
        return _campaign(asked.seed, asked.seconds, asked.trials, specimens, base)


def _campaign(seed: int, seconds: float, trials: int, specimens: list[Specimen], base: Path) -> int:
    start, codes, finds = time.monotonic(), Counter[int](), 0
    for number in range(trials):
        if time.monotonic() - start > seconds:
            break
        one = trial(seed * 1_000_000 + number, specimens, base)
        codes[one.code] += 1
        if one.find:
            finds += 1
            last = next((line for line in reversed(one.errors.strip().splitlines()) if line.strip()), "")
            print(
                f"{one.find}: --only {one.seed}  {one.specimen}, {one.damaged} ({one.mutation})\n    {one.words}\n    {last[:300]}",
                flush=True,
            )
    said = ", ".join(f"{count} with {code}" for code, count in sorted(codes.items()))
    print(f"{sum(codes.values())} damaged inputs in {time.monotonic() - start:.0f} s: {said}; {finds} finds")
    return int(finds > 0)


if __name__ == "__main__":
    sys.exit(main())
