"""Do intervals hold? Every task on simulated designs, without and with an effect: how often its interval holds the truth.

Without an effect the truth is chance where the task states it exactly; else, and with an effect, it is the mean of the score over all
runs of the design, in each of which perturbations, their effects and the noise are drawn again. p_chance is counted without an effect.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import calibration_designs as designs
from benchmarks.calibration_rows import LEVEL, Job, Seen
from impasto.evaluation import (
    compound_gene,
    conservation,
    cross_modal,
    mechanism,
    mixing,
    relations,
    replicates,
    shortcuts,
    sisters,
    transfer,
)
from impasto.evaluation.result import OWN, Result

SECTION = "tasks"
STRENGTHS = {"no effect": 0.0, "an effect": 3.0}
P_CHANCE = "p_chance <= .05, no effect"
SHUFFLES = 199
SHARED = "conservation, three compounds a mechanism"
"""A design that breaks what intervals stand on: its mechanisms are drawn anew, and the unit is still the compound."""
FIRST_SEED = 5000
"""Half of the pairs' term was chosen on seeds below it."""


@dataclass(frozen=True)
class Task:
    """A task on its design.

    Attributes
    ----------
    run
        Seed, strength and shuffles -> the result.
    metrics
        The scores that are asked about.
    exact
        Whether the task states its chance exactly.
    ci, full
        Runs of each size. In 120 runs a coverage of .95 errs by .020; in 220 a share of .05, one p-value a run, errs by .015.

    """

    run: Callable[[int, float, int], Result]
    metrics: tuple[str, ...]
    exact: bool = True
    ci: int = 40
    full: int = 220
    group: str = OWN


def of_run(name: str, task: Task, number: int) -> list[Seen]:
    """The figures of one run of a task, without and with an effect."""
    figures = []
    for case, strength in STRENGTHS.items():
        result = task.run(FIRST_SEED + number, strength, 0 if strength else SHUFFLES)
        table = result.scores[result.scores["group"] == task.group]
        for metric in task.metrics:
            row = table[table["metric"] == metric].iloc[0]
            what = f"{name}: {metric} ({row['unit']})" if row["unit"] else f"{name}: {metric}"
            truth = float(row["chance"]) if task.exact and not strength else float("nan")
            figures.append(Seen(what, case, "coverage", float(row["value"]), float(row["low"]), float(row["high"]), truth))
            if not strength and row["p_chance"] == row["p_chance"]:
                figures.append(Seen(what, P_CHANCE, "share", float(row["p_chance"] <= LEVEL)))
    return figures


def _sisters(seed: int, strength: float, shuffles: int, *, by: str, classes: int = 12) -> Result:
    table = designs.plates(seed, strength, perturbations=60, classes=classes, labels=True)
    return sisters.evaluate(table, protocol="all", by=by, shuffles=shuffles, seed=seed)


def _replicates(seed: int, strength: float, shuffles: int, *, protocol: replicates.Protocol) -> Result:
    table = designs.plates(seed, strength)
    return replicates.evaluate(table, protocol=protocol, draws=9, shuffles=shuffles, with_baselines=False, seed=seed)


def _retrieved(seed: int, strength: float, shuffles: int) -> Result:
    del shuffles  # A share of what is called has no chance of its own.
    return replicates.evaluate(designs.plates(seed, strength), draws=499, shuffles=0, with_baselines=False, seed=seed)


def _mechanism(seed: int, strength: float, shuffles: int) -> Result:
    table = designs.plates(seed, strength, perturbations=60, count=1, batches=2)
    return mechanism.evaluate(table, draws=20, shuffles=shuffles, seed=seed)


def _relations(seed: int, strength: float, shuffles: int) -> Result:
    """The known pairs are those of one class among 60 genes of twelve classes."""
    table = designs.plates(seed, strength, perturbations=60, kind="crispr")
    pairs = [f"G{i:03d},G{j:03d}\n" for i in range(60) for j in range(i + 1, 60) if i % 12 == j % 12]
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "known.csv"
        known.write_text("gene1,gene2\n" + "".join(pairs))
        return relations.evaluate(table, pairs=str(known), thresholds=(0.05,), draws=shuffles, seed=seed)


def _cross_modal(seed: int, strength: float, shuffles: int) -> Result:
    return cross_modal.evaluate(designs.pairs_of(seed, strength), shuffles=shuffles, seed=seed)


def _transfer(seed: int, strength: float, shuffles: int) -> Result:
    table = designs.plates(seed, strength, perturbations=20, classes=20, count=1, wells=4, controls=4)
    return transfer.evaluate(table, shots=1, shuffles=shuffles, seed=seed)


def _compound_gene(seed: int, strength: float, shuffles: int) -> Result:
    del shuffles  # Its chance comes from genes drawn at random.
    return compound_gene.evaluate(designs.compounds_and_genes(seed, strength), seeds=20, seed=seed, protocol="signed")


def _mixing(seed: int, strength: float, shuffles: int) -> Result:
    del shuffles  # Nothing is shuffled for it.
    return mixing.evaluate(designs.in_batches(seed, strength), with_baselines=False, seed=seed)


def _conservation(seed: int, strength: float, shuffles: int, *, classes: int = 24, same_effects: bool = False) -> Result:
    del shuffles  # Nothing is shuffled for it.
    table = designs.in_batches(seed, strength, classes=classes, same_effects=same_effects)
    return conservation.evaluate(table, with_baselines=False, seed=seed)


def _shortcuts(seed: int, strength: float, shuffles: int) -> Result:
    del shuffles  # It draws permutations of its own.
    return shortcuts.evaluate(designs.with_counts(seed, strength), draws=199, seed=seed)


_RETRIEVAL = tuple(f"{score} profile to perturbation" for score in ("R@1", "R@5", "R@10", "MRR"))
_MIXING = ("graph connectivity (scib)", "silhouette batch", "1 - F1 batch (without controls)", "batch score (cellpaintr-scib)")
_CONSERVATION = (
    *("clusters NMI", "clusters ARI", "silhouette label", "mAP control", "mAP non-replicate"),
    *("biology score (Eq. 22)", "overall (cellpaintr-scib)"),
)
_OF_WELLS = ("F1 label (without controls)",)
"""Its interval speaks of other wells of the same perturbations."""
TASKS = {
    "sisters, many labels": Task(partial(_sisters, by="targets"), ("mAP signed cosine", "mAP absolute cosine")),
    "sisters, one label": Task(partial(_sisters, by="moa"), ("mAP signed cosine", "mAP absolute cosine")),
    "sisters, one label of 20": Task(partial(_sisters, by="moa", classes=20), ("mAP signed cosine", "mAP absolute cosine")),
    "relations": Task(_relations, ("recall at 5%",)),
    "replicates, controls": Task(partial(_replicates, protocol="plate-controls"), ("mAP",)),
    "replicates, others": Task(partial(_replicates, protocol="plate-others"), ("mAP",)),
    "replicates, retrieved": Task(_retrieved, ("fraction retrieved",), exact=False, ci=10, full=120),
    "mechanism": Task(_mechanism, ("accuracy NSC", "accuracy NSB"), exact=False),
    "cross-modal": Task(_cross_modal, _RETRIEVAL),
    "transfer": Task(_transfer, ("top-1", "top-5"), ci=20),
    "compound-gene": Task(_compound_gene, ("AP", "AUC"), ci=6, full=120),
    "mixing": Task(_mixing, _MIXING, exact=False, ci=6, full=120),
    "conservation": Task(_conservation, _CONSERVATION, exact=False, ci=2, full=120),
    SHARED: Task(partial(_conservation, classes=8), _CONSERVATION, exact=False, ci=1, full=40),
    "conservation, the same perturbations": Task(partial(_conservation, same_effects=True), _OF_WELLS, exact=False, ci=1, full=60),
    "shortcuts": Task(_shortcuts, ("explained by label",), exact=False, ci=10, group="cell count"),
}


def jobs() -> list[Job]:
    """One job a task."""
    return [Job(SECTION, name, partial(of_run, name, task), task.ci, task.full) for name, task in TASKS.items()]
