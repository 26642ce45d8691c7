"""`make slurm-test`: a real Slurm of one node, from Debian's packages, corrects plates to the bytes of a local run; one task is killed.

    apt-get install slurmctld slurmd slurm-client munge
    python tests/scale/one_node.py

All of the cluster lies in a temporary folder: its key, its socket, its state. Its daemons are children of this process and end with it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from impasto import dataset
from impasto.dataset.commit import add_member, commit
from impasto.simulate.jump import Shape, World

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


def digests(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def correct(raw: Path, out: Path, *shards: str) -> list[str]:
    """The words of the command."""
    steps = ["--method", "clip", "--method", "sphering"]
    return [sys.executable, "-m", "impasto", "correct", str(raw), *steps, "--spare", "0.5", *shards, "--out", str(out)]


def main() -> None:
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        raise SystemExit(f"{', '.join(missing)} not found: apt-get install slurmctld slurmd slurm-client munge")
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(prefix="impasto-slurm-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        world, raw = World(Shape(plates=4, features=40, maps=2, large=0)), home / "raw.plates"
        rows = [add_member(world.plate(number), raw) for number in range(4)]
        commit(raw, sorted(rows, key=lambda row: tuple(row[word] for word in dataset.KEYS)), world.var)
        subprocess.run(correct(raw, home / "local.plates"), check=True, stdout=subprocess.DEVNULL)
        with cluster(home):
            clock = time.monotonic()
            process = subprocess.Popen(correct(raw, home / "slurm.plates", "--shards", "slurm", "--slurm", "--time=10:00"))
            killed = _kill_one(home, process)
            code = process.wait()
            if code:
                print((home / "slurmctld.log").read_text(encoding="utf-8")[-1500:])
                raise SystemExit(f"correct ended with {code}")
            seconds = time.monotonic() - clock
        one, other = digests(home / "local.plates"), digests(home / "slurm.plates")
        wrong = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
        if wrong:
            raise SystemExit(f"{len(wrong)} files differ (first: {wrong[0]})")
        print(f"slurm: 4 plates, {len(one)} files equal to a local run's, {killed} tasks killed, {seconds:.0f} s")


def _kill_one(home: Path, process: subprocess.Popen[bytes]) -> int:
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
