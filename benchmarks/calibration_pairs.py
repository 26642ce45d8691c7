"""Do paired intervals hold? Two methods on the same wells, compared as tables of methods compare them.

Each method sees other features of the same plates. With as many features, both are equally good, so the truth of their difference is 0.
With a third of the features for one of them, the truth is the mean difference over runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import anndata
import pandas as pd

from benchmarks import calibration_designs as designs
from benchmarks.calibration_rows import Job, Seen
from impasto.evaluation import mechanism, replicates, sisters
from impasto.evaluation.result import Result
from impasto.report import repeats
from impasto.report.paired import Evidence

SECTION = "pairs"
CASES = {"no effect": (0.0, 30), "equally good": (3.0, 30), "one better": (3.0, 10)}
"""Strength of the effect, and how many features the second method sees; the first sees 30."""
FIRST_SEED = 13_000


@dataclass(frozen=True)
class Pair:
    """A task whose score two methods are compared by.

    Attributes
    ----------
    design
        Seed and strength -> plates of 60 features.
    run
        The plates and a seed -> the result.
    metric
        The score.

    """

    design: Callable[[int, float], anndata.AnnData]
    run: Callable[[anndata.AnnData, int], Result]
    metric: str


def of_run(name: str, pair: Pair, number: int) -> list[Seen]:
    """The difference of two methods, case by case."""
    seed, figures = FIRST_SEED + number, []
    for case, (strength, features) in CASES.items():
        plates = pair.design(seed, strength)
        views = {"first": plates[:, :30].copy(), "second": plates[:, 30 : 30 + features].copy()}
        results = [pair.run(view, seed).called(label) for label, view in views.items()]
        rows = [result.scores[(result.scores["group"] == label)] for label, result in zip(views, results, strict=True)]
        first, second = (own[own["metric"] == pair.metric].iloc[0] for own in rows)
        evidence = Evidence(pd.concat([result.left_out for result in results]), pd.DataFrame(columns=list(repeats.KEYS)))
        compared = evidence.less(first, second)
        if compared is None or compared[1].low is None or compared[1].high is None:
            raise ValueError(f"{name}: the two methods cannot be compared")
        value, made = compared
        truth = 0.0 if features == 30 else float("nan")
        figures.append(Seen(f"{name}: difference in {pair.metric} ({made.unit})", case, "coverage", value, made.low, made.high, truth))
    return figures


def _plates(seed: int, strength: float, *, perturbations: int = 48, count: int = 3, batches: int = 1) -> anndata.AnnData:
    return designs.plates(seed, strength, perturbations=perturbations, count=count, batches=batches, labels=True, width=60)


def _replicates(table: anndata.AnnData, seed: int, *, protocol: replicates.Protocol) -> Result:
    return replicates.evaluate(table, protocol=protocol, draws=9, shuffles=0, with_baselines=False, seed=seed)


def _sisters(table: anndata.AnnData, seed: int) -> Result:
    return sisters.evaluate(table, protocol="all", by="targets", shuffles=0, seed=seed)


def _mechanism(table: anndata.AnnData, seed: int) -> Result:
    return mechanism.evaluate(table, draws=5, shuffles=0, seed=seed)


PAIRS = {
    "replicates, controls": Pair(_plates, partial(_replicates, protocol="plate-controls"), "mAP"),
    "replicates, others": Pair(_plates, partial(_replicates, protocol="plate-others"), "mAP"),
    "sisters, many labels": Pair(partial(_plates, perturbations=60), _sisters, "mAP signed cosine"),
    "mechanism": Pair(partial(_plates, perturbations=60, count=1, batches=2), _mechanism, "accuracy NSC"),
}


def jobs() -> list[Job]:
    """One job a task."""
    return [Job(SECTION, name, partial(of_run, name, pair), 10, 120) for name, pair in PAIRS.items()]
