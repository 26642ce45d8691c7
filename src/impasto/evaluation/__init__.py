"""Profiles -> tidy numbers: one file a task, each score with its protocol, chance, interval and n."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from impasto.families import Family

if TYPE_CHECKING:
    from impasto.evaluation.result import Result

TASKS: Family[Callable[..., Result]] = Family(
    "tasks",
    what="task",
    parts={
        "cross-modal": "impasto.evaluation.cross_modal:evaluate",
        "replicates": "impasto.evaluation.replicates:evaluate",
        "sisters": "impasto.evaluation.sisters:evaluate",
        "relations": "impasto.evaluation.relations:evaluate",
        "mixing": "impasto.evaluation.mixing:evaluate",
        "conservation": "impasto.evaluation.conservation:evaluate",
        "mechanism": "impasto.evaluation.mechanism:evaluate",
        "shortcuts": "impasto.evaluation.shortcuts:evaluate",
        "hits": "impasto.evaluation.hits:evaluate",
        "percent-replicating": "impasto.evaluation.percent_replicating:evaluate",
        "grit": "impasto.evaluation.grit:evaluate",
        "distributions": "impasto.evaluation.distributions:evaluate",
        "differential-features": "impasto.evaluation.differential_features:evaluate",
        "saturation": "impasto.evaluation.saturation:evaluate",
        "power": "impasto.evaluation.power:evaluate",
        "guides": "impasto.evaluation.guides:evaluate",
        "arms": "impasto.evaluation.arms:evaluate",
        "compound-gene": "impasto.evaluation.compound_gene:evaluate",
        "transfer": "impasto.evaluation.transfer:evaluate",
        "subpopulations": "impasto.evaluation.subpopulations:evaluate",
    },
)
"""A task is a function `evaluate(profiles, /, *, setting=default, ...) -> Result`; its signature is what can be set."""
OF_CELLS = frozenset({"subpopulations"})
"""The tasks that take a folder of cells (`Cells`); all others take profiles."""
