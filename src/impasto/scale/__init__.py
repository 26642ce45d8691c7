"""More than memory holds: work cut into pure shards, which run in this process, on all cores, as a Slurm array, or on Ray.

A shard is a function by name, its arguments as JSON, and the one file (or folder) that it writes. A plan is a list of phases of shards. The
same plan gives the same bytes wherever it runs and however often it is killed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from impasto.families import Family

if TYPE_CHECKING:
    from impasto.scale.plan import Phase, Plan
    from impasto.scale.where import Where

    Engine = Callable[[Plan, Phase, Where], None]

ENGINES: Family[Engine] = Family(
    "shard_engines",
    what="place to run shards",
    parts={
        "local": "impasto.scale.local:run_phase",
        "ray": "impasto.scale.on_ray:run_phase",
        "slurm": "impasto.scale.slurm:run_phase",
    },
)
"""Name of an engine -> what runs one phase of a plan."""
