"""`make slurm-test`: every verb that has shards, on a real Slurm of one node and on Ray, to the bytes of a local run; one task is killed.

    apt-get install slurmctld slurmd slurm-client munge
    python tests/scale/one_node.py --plates 20
    python tests/scale/one_node.py --plates 20 --engines ray        needs the extra ray

All of the cluster lies in a temporary folder: its key, its socket, its state. Its daemons are children of this process and end with it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from impasto import dataset
from impasto.dataset.commit import add_member, commit
from impasto.simulate.jump import Shape, World

SHARDS = {"slurm": ("--shards", "slurm", "--slurm", "--time=10:00"), "ray": ("--shards", "ray:2")}
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "sinfo", "scancel")
CONFIGURED = """ClusterName=impasto
SlurmctldHost={host}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={home}/munge/socket
SlurmctldPort={port}
SlurmdPort={next_port}
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1
MpiDefault=none
ReturnToService=2
NodeName={host} CPUs=2 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


@contextmanager
def running(*words: object) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def until(what: str, done: Callable[[], bool], *, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise SystemExit(f"{what} did not come within {seconds:.0f} s")
        time.sleep(0.3)


@contextmanager
def cluster(home: Path) -> Iterator[None]:
    """A Slurm of one node, known to `sbatch` by SLURM_CONF."""
    host = socket.gethostname().split(".")[0]
    for name in ("munge", "state", "spool"):
        (home / name).mkdir(mode=0o755)
    key = home / "munge" / "key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    user = "root" if os.getuid() == 0 else os.environ["USER"]
    text = CONFIGURED.format(host=host, user=user, home=home, port=free_port(), next_port=free_port())
    (home / "slurm.conf").write_text(text, encoding="utf-8")
    os.environ["SLURM_CONF"] = str(home / "slurm.conf")
    places = (("socket", "socket"), ("pid-file", "pid"), ("log-file", "log"), ("seed-file", "seed"))
    munge = [f"--{word}={home / 'munge' / name}" for word, name in places]
    with ExitStack() as stack:
        stack.enter_context(running("munged", "--foreground", "--force", f"--key-file={key}", *munge))
        until("munge", (home / "munge" / "socket").exists)
        stack.enter_context(running("slurmctld", "-D", "-f", home / "slurm.conf"))
        stack.enter_context(running("slurmd", "-D", "-f", home / "slurm.conf"))
        until("the node", lambda: "idle" in subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True, check=False).stdout)
        yield


def digests(result: Path) -> dict[str, str]:
    """Of every file of a result, a folder or a file, but for its record: that has times in it."""
    files = sorted(result.rglob("*")) if result.is_dir() else [result]
    return {
        path.relative_to(result).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file() and path.name != "run.json"
    }


def impasto(*words: object) -> list[str]:
    """The words of a command."""
    return [sys.executable, "-m", "impasto", *map(str, words)]


def inputs(home: Path, plates: int) -> None:
    """Plates of profiles, and of painted images."""
    world, raw = World(Shape(plates=plates, features=40, maps=2, large=0)), home / "raw.plates"
    rows = [add_member(world.plate(number), raw) for number in range(plates)]
    commit(raw, sorted(rows, key=lambda row: tuple(row[word] for word in dataset.KEYS)), world.var)
    small = ("perturbations=4", "mechanisms=2", "controls=4", "pixels=96", "cells=6", f"plates={min(plates, 4)}")
    subprocess.run(impasto("simulate", "--out", home / "painted", *(w for s in small for w in ("--set", s))), check=True)
    sources = sorted(path for path in (home / "painted" / "images").iterdir() if path.is_dir())
    platemap = ("--platemap", home / "painted" / "platemap.csv")
    subprocess.run(impasto("ingest", *sources, *platemap, "--out", home / "images"), check=True, stdout=subprocess.DEVNULL)


def jobs(home: Path) -> dict[str, tuple[object, ...]]:
    """Result -> its command. Correction by plate and by sums, by columns, by all rows; then images."""
    raw, images, spare = home / "raw.plates", home / "images", ("--spare", "0.5")
    return {
        "sums.plates": ("correct", raw, "--method", "clip", "--method", "sphering", *spare),
        "columns.plates": ("correct", raw, "--method", "standardize", "--by", "all", "--method", "inverse_normal", *spare),
        "rows.plates": ("correct", raw, "--method", "clip", "--method", "harmony", *spare),
        "check": ("check", images),
        "profiles.plates": ("profile", images, "--encoder", "intensity"),
        "cells": ("cells", images),
    }


def compared(home: Path, name: str, words: Sequence[object], shards: Sequence[str], *, engine: str) -> None:
    """Run a command by an engine, kill its first task, and say how its files compare with those of the local run."""
    clock = time.monotonic()
    out = home / engine / name
    out.parent.mkdir(exist_ok=True)
    process = subprocess.Popen(impasto(*words, *shards, "--out", out), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    killed = _kill_one(home, process) if engine == "slurm" else 0
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{engine}, {name}: it ended with {process.returncode}\n{said}")
    one, other = digests(home / "local" / name), digests(out)
    wrong = [file for file in sorted({*one, *other}) if one.get(file) != other.get(file)]
    if wrong:
        raise SystemExit(f"{engine}, {name}: {len(wrong)} files differ (first: {wrong[0]})")
    print(f"{engine}: {name}: {len(one)} files equal to a local run's, {killed} tasks killed, {time.monotonic() - clock:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plates", type=int, default=4)
    parser.add_argument("--engines", nargs="+", choices=SHARDS, default=["slurm"])
    parser.add_argument("--only", nargs="*", default=(), help="of the results, these")
    asked = parser.parse_args()
    if "slurm" in asked.engines and (missing := [name for name in PROGRAMS if shutil.which(name) is None]):
        raise SystemExit(f"{', '.join(missing)} not found: apt-get install slurmctld slurmd slurm-client munge")
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(prefix="impasto-slurm-") as folder, ExitStack() as stack:
        home = Path(folder)
        home.chmod(0o755)
        inputs(home, asked.plates)
        chosen = {name: words for name, words in jobs(home).items() if not asked.only or name in asked.only}
        for name, words in chosen.items():
            subprocess.run(impasto(*words, "--out", home / "local" / name), check=True, stdout=subprocess.DEVNULL)
        if "slurm" in asked.engines:
            stack.enter_context(cluster(home))
        for engine in asked.engines:
            for name, words in chosen.items():
                compared(home, name, words, SHARDS[engine], engine=engine)


def _kill_one(home: Path, process: subprocess.Popen[str]) -> int:
    """Kill the first task that is seen at work, by its id."""
    while process.poll() is None:
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if b"impasto.scale" in words and any(str(home).encode() in word for word in words):
                    os.kill(int(entry.name), 9)
                    return 1
            except OSError:
                continue
        time.sleep(0.05)
    return 0


if __name__ == "__main__":
    main()
