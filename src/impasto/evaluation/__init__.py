"""Profiles -> tidy numbers: one file a task, each score with its protocol, chance, interval and n."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

TASKS = {
    "cross-modal": "impasto.evaluation.cross_modal",
    "replicates": "impasto.evaluation.replicates",
    "sisters": "impasto.evaluation.sisters",
    "relations": "impasto.evaluation.relations",
    "mixing": "impasto.evaluation.mixing",
    "conservation": "impasto.evaluation.conservation",
    "mechanism": "impasto.evaluation.mechanism",
    "shortcuts": "impasto.evaluation.shortcuts",
    "hits": "impasto.evaluation.hits",
    "compound-gene": "impasto.evaluation.compound_gene",
    "transfer": "impasto.evaluation.transfer",
}
"""Name of a task -> its module, which has `evaluate(profiles, ...)`."""


def task(name: str) -> Callable[..., Any]:
    """The function of a task."""
    from impasto.schema import one_of

    found: Callable[..., Any] = importlib.import_module(TASKS[one_of(name, TASKS, what="task")]).evaluate
    return found
