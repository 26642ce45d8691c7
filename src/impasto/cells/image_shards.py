"""Plates of images segmented as shards: each into the hidden folder of its run, site by site, and a list of the sites without cells.

The measures of a site are written once, whoever segments it. So a plate that was killed, or moved to another machine, goes on at its first
unfinished site.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from impasto import progress, texts, threads, whole
from impasto.cells.image_run import ImageRun
from impasto.scale.plan import Phase, Plan, Shard
from impasto.scale.run import run_shards
from impasto.scale.task import Task
from impasto.scale.where import Where

PLATE = "plate"
"""The argument of a shard that names its plate."""
_SHARDS = "shards"


def segmented(
    cache: Path, plates: Sequence[str], /, *, work: str, arguments: Mapping[str, Any], where: Where
) -> dict[str, Mapping[int, str] | str]:
    """Segment plates, a shard each.

    Parameters
    ----------
    cache
        The hidden folder of the run.
    plates
        Their names.
    work
        `module:function` of a shard; it calls `write` with the run that its arguments describe.
    arguments
        Of every shard; the name of its plate is added.
    where
        Where shards run, and how many may fail.

    Returns
    -------
    dict[str, Mapping[int, str] | str]
        Plate -> site -> why it has no cells; or why the whole plate is left out.

    Raises
    ------
    InputError
        More plates than may show no nuclei.
    Unfinished
        More shards than may have failed.

    """
    folder = cache / _SHARDS
    shards = tuple(
        Shard(
            f"plate-{number:05d}",
            work,
            {**arguments, PLATE: plate},
            f"{number:05d}.json",
            inputs=(cache.name,),
            plates=(plate,),
            may_fail=True,
        )
        for number, plate in enumerate(plates)
    )
    phase = Phase("segmenting", shards, unit="plate", shows_itself=True)
    plan = Plan(folder, (phase,), threads=threads.chosen())
    run_shards(plan, where)
    bad = plan.given_up(phase)
    plates_done: dict[str, Mapping[int, str] | str] = {}
    for plate, shard in zip(plates, shards, strict=True):
        if shard.name in bad:
            plates_done[plate] = str(bad[shard.name]["reason"])
            continue
        written = json.loads(texts.read(folder / shard.output))
        plates_done[plate] = {int(number): str(reason) for number, reason in written["quarantined"].items()}
        for sentence in written["said"]:
            progress.say(sentence)
    return plates_done


def write(run: ImageRun, plate: str, task: Task, /) -> None:
    """The shard of a plate.

    Parameters
    ----------
    run
        The sites.
    plate
        Its name.
    task
        Where to list the sites without cells.

    Raises
    ------
    InputError
        No field shows nuclei.

    """
    said: list[str] = []
    reasons = run.segment(plate, say=said.append)
    texts.write(task.output, whole.as_json({"quarantined": {str(n): reason for n, reason in reasons.items()}, "said": said}))
