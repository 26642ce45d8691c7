"""Do memory and open files stay flat? `python tests/chaos/steady.py --times 20`, part of `make soak`.

Each verb runs again and again in one process, as a Python session or a server would run it, each time into an empty folder. After some runs
that fill caches, memory may grow by a twentieth and by 16 MB at most, and no file, socket or pipe may stay open. Each verb has a process of
its own. Growth is that between the first and the second half of the runs that follow: one block that the libraries keep is no leak.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import importlib
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import corpus
import fuzz
import kill_cases
from kill_cases import Case

_FIRST = 5
_SHARE, _BYTES = 0.05, 16 * 2**20


def _held() -> tuple[int, int]:
    """Bytes of memory of this process, and its open descriptors."""
    gc.collect()
    with contextlib.suppress(ImportError):
        import pyarrow as pa

        pa.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir("/proc/self/fd"))


def _repeat(words: Sequence[str], base: Path, out: Path, *, times: int) -> list[tuple[int, int]]:
    """What this process holds after each of so many runs."""
    os.chdir(base)
    held = []
    for _ in range(_FIRST + times):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        if (code := corpus.command([word.replace("OUT", str(out)) for word in words])) != 0:
            raise SystemExit(code)
        held.append(_held())
    return held[_FIRST:]


def _in_a_process(case: Case, material: kill_cases.Material, *, times: int) -> list[tuple[int, int]] | None:
    """The same in a fork; None where a run failed."""
    words, out = case.words(material), material.base / "steady"
    with kill_cases.environment(case, material.base, out) as environment:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            code = 1
            try:
                os.environ.update(environment)
                with open(os.devnull, "r+b") as nothing:
                    os.dup2(nothing.fileno(), 1)
                    os.dup2(nothing.fileno(), 2)
                held = _repeat(words, material.base, out, times=times)
                os.write(write, json.dumps(held).encode())
                code = 0
            finally:
                os._exit(code)
        os.close(write)
        with open(read, "rb") as pipe:
            answer = pipe.read()
        os.waitpid(child, 0)
    return [(int(memory), int(files)) for memory, files in json.loads(answer)] if answer else None


def _row(case: Case, held: Sequence[tuple[int, int]]) -> tuple[str, bool]:
    """A row of the table, and whether something grew."""
    half = len(held) // 2
    (before, after), (first, last) = ([statistics.median(one[at] for one in part) for part in (held[:half], held[half:])] for at in (0, 1))
    grew = after > before + max(_SHARE * before, _BYTES) or last > first
    words = f"{case.name} | {before / 2**20:.0f} | {after / 2**20:.0f} | {first:.0f} | {last:.0f} | {'GREW' if grew else ''}"
    return f"| {words} |", grew


def main() -> int:
    """Repeat every verb, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20, help=f"Runs a verb, after the first {_FIRST}.")
    parser.add_argument("--only", nargs="*", help="Names of cases.")
    asked = parser.parse_args()
    if asked.times < 2:
        parser.error(f"--times {asked.times}: two halves need two runs")
    os.environ.update(IMPASTO_OFFLINE="1", HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1")
    corpus.without_umap()
    finds = 0
    with tempfile.TemporaryDirectory(prefix="impasto-steady-") as folder:
        for library in fuzz._LIBRARIES:
            importlib.import_module(library)
        material = kill_cases.Material(Path(folder))
        print("| verb | MB at first | MB later | open files at first | later | finds |\n|---|---|---|---|---|---|")
        for case in kill_cases.CASES:
            if asked.only and case.name not in asked.only:
                continue
            held = _in_a_process(case, material, times=asked.times)
            line, grew = (f"| {case.name} | | | | | FAILED |", True) if held is None else _row(case, held)
            print(line, flush=True)
            finds += grew
    return int(finds > 0)


if __name__ == "__main__":
    sys.exit(main())
