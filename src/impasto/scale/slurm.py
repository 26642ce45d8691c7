"""Shards as a job array of Slurm: a script a phase, `sbatch` and nothing else.

Task k of an array of n does every n-th shard that is not done. A task that is killed leaves its shard undone: Slurm requeues it. What is
left after all that is done by the next array, or by the next run of the same command. Nothing here schedules.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from impasto import texts, whole
from impasto.failures import Unfinished
from impasto.progress import say
from impasto.scale import plan as plans
from impasto.scale import task
from impasto.scale.plan import Phase, Plan
from impasto.scale.where import Where
from impasto.schema import InputError

_MOST_TASKS = 500
_ROUNDS = 3
"""How often an array is sent for the shards of one phase that are still not done."""


def run_phase(plan: Plan, phase: Phase, where: Where, /) -> None:
    """Run a phase as a job array, and wait for it.

    Parameters
    ----------
    plan
        All earlier phases of it are done. Its folder has to be on a file system that all nodes share.
    phase
        What is run.
    where
        Its options are passed on to `sbatch`.

    Raises
    ------
    InputError
        There is no `sbatch`, or it refuses the options.
    Unfinished
        Tasks came to their end, and left shards undone.

    """
    if shutil.which("sbatch") is None:
        raise InputError("--shards slurm needs sbatch, which is not on this machine; log in to the cluster, or use --shards local:4")
    for _ in range(_ROUNDS):
        todo = plan.todo(phase)
        if not todo:
            return
        _send(plan, phase, tasks=min(len(todo), _MOST_TASKS), options=where.options)
    if left := plan.todo(phase):
        raise Unfinished(
            f"{len(left)} of {len(phase.shards)} shards of {phase.name!r} are not done after {_ROUNDS} arrays (first: {left[0].name}); "
            f"what the tasks said is in {_logs(plan)}; run the same command again to go on"
        )


def _logs(plan: Plan) -> Path:
    return plan.folder.resolve() / "slurm"


def _send(plan: Plan, phase: Phase, *, tasks: int, options: str) -> None:
    logs = _logs(plan)
    logs.mkdir(parents=True, exist_ok=True)
    number = plan.phases.index(phase)
    script = logs / f"phase-{number:02d}.sh"
    with whole.replacing(script) as temporary:
        texts.write(temporary, script_of(plan, number, tasks=tasks))
    say(f"{phase.name}: {tasks} tasks of Slurm")
    words = ["sbatch", "--wait", *shlex.split(options), str(script)]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", errors="replace", check=False)
    # With --wait, sbatch ends as the worst of its tasks; a task that was killed is no refusal.
    if "Submitted batch job" not in done.stdout and not done.stdout.strip().isdigit():
        raise InputError(f"sbatch refused {script} ({' '.join((done.stderr or done.stdout).split())}); see --slurm")


def script_of(plan: Plan, number: int, /, *, tasks: int) -> str:
    """The script of one phase.

    Parameters
    ----------
    plan
        The plan.
    number
        Of the phase.
    tasks
        How many tasks the array has.

    Returns
    -------
    str
        For `sbatch`; all paths in it are absolute.

    """
    folder = plan.folder.resolve()
    path = os.environ.get("PYTHONPATH", "")
    return "\n".join(
        [
            "#!/bin/bash",
            f"#SBATCH --job-name=impasto-{number}",
            f"#SBATCH --array=0-{tasks - 1}",
            "#SBATCH --requeue",
            "#SBATCH --open-mode=append",
            f"#SBATCH --output={folder}/slurm/phase-{number:02d}-%a.txt",
            f"export OMP_NUM_THREADS={plan.threads or 1}",
            *([f"export PYTHONPATH={shlex.quote(path)}"] if path else []),
            f"exec {shlex.quote(sys.executable)} -m impasto.scale {shlex.quote(str(folder))} {number} $SLURM_ARRAY_TASK_ID {tasks}",
            "",
        ]
    )


def run_task(folder: Path, number: int, place: int, tasks: int, /) -> int:
    """What one task of an array does: every n-th shard of a phase.

    Parameters
    ----------
    folder
        The folder of the plan.
    number
        Of the phase.
    place
        Of the task in its array.
    tasks
        How many there are.

    Returns
    -------
    int
        0 where all of its shards are done or given up.

    """
    ends: list[bool] = []

    def end(_signal: int, _frame: FrameType | None) -> None:
        ends.append(True)  # after the shard that is at work

    signal.signal(signal.SIGTERM, end)
    plan = plans.load(folder)
    phase = plan.phases[number]
    for shard in phase.shards[place::tasks]:
        if ends:
            return 1
        if plan.is_done(shard) or plans.quarantined(plan.folder, shard.name, key=plan.key(shard)):
            continue
        for tries in range(1, 4):
            failure = task.attempt(plan, shard)
            if failure is None:
                break
            if tries >= failure.tries:
                task.give_up(plan, shard, failure, tries=tries)
                break
    return 0
