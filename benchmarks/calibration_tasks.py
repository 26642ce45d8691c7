"""Do intervals hold? Every task on simulated designs, without and with an effect: how often its interval covers the long-run mean.

    python -m benchmarks.calibration_tasks [--runs 40] [--tasks sisters,replicates]

The truth is the mean of the score over all runs of the same design: perturbations, their effects and the noise are drawn again in each.
Without an effect the share of p_chance at or below .05 is counted too. A coverage of .95 has the error sqrt(.95 x .05 / runs).
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import anndata
import numpy as np
import pandas as pd

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

STRENGTHS = {"no effect": 0.0, "an effect": 3.0}
SHUFFLES = 99
"""So many suffice to count p at .05."""


class Row(NamedTuple):
    """One figure of a calibration."""

    what: str
    value: float
    error: float


def plates(
    seed: int,
    strength: float,
    *,
    perturbations: int = 48,
    classes: int = 12,
    count: int = 3,
    wells: int = 1,
    controls: int = 16,
    batches: int = 1,
    kind: str = "compound",
    labels: bool = False,
    own: float = 0.5,
    width: int = 30,
) -> anndata.AnnData:
    """Plates of one design: a perturbation moves in the direction of its class and in one of its own, by a strength of its own.

    `labels`: besides its class (`moa`) each has a heavy-tailed number of `targets`, those of its class.
    """
    rng = np.random.default_rng([seed, 11])
    of_class = np.arange(perturbations) % classes
    directions = rng.normal(size=(classes, width))[of_class] + own * rng.normal(size=(perturbations, width))
    effect = strength * directions / np.sqrt(width) * rng.uniform(0.5, 1.5, size=(perturbations, 1))
    number = np.minimum(12, (rng.pareto(1.2, size=perturbations) * 1.5 + 1).astype(int))
    rows, values = [], []
    for batch in range(batches):
        for plate in range(count):
            place = {"batch": f"B{batch}", "plate": f"B{batch}P{plate}", "perturbation_type": kind}
            rows += [{**place, "perturbation": "DMSO", "control_type": "negcon"}] * controls
            values.append(rng.normal(size=(controls, width)))
            for _ in range(wells):
                for i in range(perturbations):
                    named = {"perturbation": f"c{i:03d}", "control_type": "trt", "moa": f"m{of_class[i]:02d}"}
                    targets = "|".join(f"t{of_class[i]:02d}_{j}" for j in range(number[i]))
                    rows.append({**place, **named, "gene": f"G{i:03d}", "targets": targets})
                values.append(rng.normal(size=(perturbations, width)) + effect)
    obs = pd.DataFrame(rows)
    obs = obs.drop(columns=([] if labels else ["targets"]) + (["gene"] if kind == "compound" else []))
    return anndata.AnnData(X=np.concatenate(values).astype(np.float32), obs=obs.rename(index=str))


def pairs_of(seed: int, strength: float, *, pairs: int = 60, width: int = 16) -> anndata.AnnData:
    """A joint space of as many texts as profiles; with an effect a profile leans to its text."""
    rng = np.random.default_rng([seed, 9])
    texts = rng.normal(size=(pairs, width))
    profiles = rng.normal(size=(pairs, width)) + 0.15 * strength * texts
    names = [f"c{i:02d}" for i in range(pairs)] * 2
    obs = pd.DataFrame({"modality": ["perturbation"] * pairs + ["profile"] * pairs, "perturbation": names, "split": "test"})
    return anndata.AnnData(X=np.concatenate([texts, profiles]).astype(np.float32), obs=obs.rename(index=str))


def compounds_and_genes(seed: int, strength: float, *, compounds: int = 24) -> anndata.AnnData:
    """Genes with strong effects, and compounds that move like the mean of one to three of them, or anywhere."""
    rng = np.random.default_rng([seed, 5])
    genes = plates(seed, 6.0, perturbations=40, classes=40, own=0.0, kind="crispr", controls=6)
    treated = (genes.obs["control_type"] == "trt").to_numpy()
    mean = pd.DataFrame(genes.X[treated]).groupby(genes.obs["gene"][treated].to_numpy()).mean()
    rows, values = [], []
    for compound in range(compounds):
        targets = rng.choice(len(mean), rng.integers(1, 4), replace=False)
        effect = mean.to_numpy()[targets].mean(axis=0) if strength else 0.8 * rng.normal(size=mean.shape[1])
        for plate in range(3):
            place = {"batch": "B0", "plate": f"Q{plate}", "perturbation_type": "compound", "control_type": "trt", "concentration": 1.0}
            rows.append({**place, "perturbation": f"d{compound:02d}", "targets": "|".join(mean.index[targets])})
            values.append(0.3 * effect + rng.normal(size=mean.shape[1]))
    obs = pd.concat([genes.obs.assign(targets=None, concentration=np.nan), pd.DataFrame(rows)], ignore_index=True)
    return anndata.AnnData(X=np.concatenate([genes.X, np.array(values, dtype=np.float32)]), obs=obs.rename(index=str))


def coverage(task: str, run: Callable[[int, float, int], Result], metrics: tuple[str, ...], /, *, runs: int, seed: int) -> list[Row]:
    """How often the interval of each metric covers its mean over runs, without and with an effect, and how often p is small without one.

    Parameters
    ----------
    task
        What it is called.
    run
        Seed, strength and shuffles -> the result of one run.
    metrics
        Those that are asked about; the first row of each among the profiles' own is taken.
    runs, seed
        How many, and where their seeds begin.

    """
    rows = []
    for kind, strength in STRENGTHS.items():
        shuffles = SHUFFLES if strength == 0 else 0
        tables = [run(seed + number, strength, shuffles).scores for number in range(runs)]
        for metric in metrics:
            found = pd.DataFrame([table[(table["group"] == OWN) & (table["metric"] == metric)].iloc[0] for table in tables])
            truth = found["value"].mean()
            covered = ((found["low"] <= truth) & (truth <= found["high"])).mean()
            rows.append(Row(f"{task}, {metric}, {kind}: covers", float(covered), float(np.sqrt(0.95 * 0.05 / runs))))
            if shuffles and found["p_chance"].notna().all():
                small = (found["p_chance"] <= 0.05).mean()
                rows.append(Row(f"{task}, {metric}, {kind}: p <= .05", float(small), float(np.sqrt(0.05 * 0.95 / runs))))
    return rows


def coverage_sisters(runs: int, seed: int = 0) -> list[Row]:
    """Many labels (compounds are the units) and one label (classes are)."""

    def run(number: int, strength: float, shuffles: int, by: str) -> Result:
        table = plates(number, strength, perturbations=60, labels=True)
        return sisters.evaluate(table, protocol="all", by=by, shuffles=shuffles, seed=number)

    metric = ("mAP signed cosine",)
    many = coverage("sisters, many labels", lambda *a: run(*a, "targets"), metric, runs=runs, seed=seed)
    return many + coverage("sisters, one label", lambda *a: run(*a, "moa"), metric, runs=runs, seed=seed)


def coverage_replicates(runs: int, seed: int = 0) -> list[Row]:
    """Against controls (perturbations and control wells are the units), and against other perturbations."""

    def run(number: int, strength: float, shuffles: int, protocol: replicates.Protocol) -> Result:
        table = plates(number, strength)
        return replicates.evaluate(table, protocol=protocol, draws=9, shuffles=shuffles, with_baselines=False, seed=number)

    controls = coverage("replicates, controls", lambda *a: run(*a, "plate-controls"), ("mAP",), runs=runs, seed=seed)
    return controls + coverage("replicates, others", lambda *a: run(*a, "plate-others"), ("mAP",), runs=runs, seed=seed)


def coverage_mechanism(runs: int, seed: int = 0) -> list[Row]:
    """Compounds, by the nearest of another compound."""

    def run(number: int, strength: float, shuffles: int) -> Result:
        table = plates(number, strength, perturbations=60, count=1, batches=2)
        return mechanism.evaluate(table, draws=20, shuffles=shuffles, seed=number)

    return coverage("mechanism", run, ("accuracy NSC",), runs=runs, seed=seed)


def coverage_relations(runs: int, seed: int = 0) -> list[Row]:
    """Genes, whose known pairs are those of one class."""
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "known.csv"
        lines = [f"G{i:03d},G{j:03d}\n" for i in range(60) for j in range(i + 1, 60) if i % 12 == j % 12]
        known.write_text("gene1,gene2\n" + "".join(lines))

        def run(number: int, strength: float, shuffles: int) -> Result:
            table = plates(number, strength, perturbations=60, kind="crispr")
            return relations.evaluate(table, pairs=str(known), thresholds=(0.05,), draws=shuffles, seed=number)

        return coverage("relations", run, ("recall at 5%",), runs=runs, seed=seed)


def coverage_cross_modal(runs: int, seed: int = 0) -> list[Row]:
    """Pairs of a text and a profile."""

    def run(number: int, strength: float, shuffles: int) -> Result:
        return cross_modal.evaluate(pairs_of(number, strength), shuffles=shuffles, seed=number)

    metrics = ("R@1 profile to perturbation", "R@10 profile to perturbation", "MRR profile to perturbation")
    return coverage("cross-modal", run, metrics, runs=runs, seed=seed)


def coverage_transfer(runs: int, seed: int = 0) -> list[Row]:
    """Perturbations over five splits of four wells."""

    def run(number: int, strength: float, shuffles: int) -> Result:
        table = plates(number, strength, perturbations=20, classes=20, count=1, wells=4, controls=4)
        return transfer.evaluate(table, shots=1, shuffles=shuffles, seed=number)

    return coverage("transfer", run, ("top-1", "top-5"), runs=runs, seed=seed)


def coverage_compound_gene(runs: int, seed: int = 0) -> list[Row]:
    """Compounds and genes."""

    def run(number: int, strength: float, _: int) -> Result:
        return compound_gene.evaluate(compounds_and_genes(number, strength), seeds=20, seed=number, protocol="signed")

    return coverage("compound-gene", run, ("AP", "AUC"), runs=runs, seed=seed)


def coverage_mixing(runs: int, seed: int = 0) -> list[Row]:
    """Perturbations, and folds of the classifier of batches."""

    def run(number: int, strength: float, _: int) -> Result:
        return mixing.evaluate(_in_batches(number, strength), with_baselines=False, seed=number)

    metrics = ("graph connectivity (scib)", "silhouette batch", "1 - F1 batch (without controls)", "batch score (cellpaintr-scib)")
    return coverage("mixing", run, metrics, runs=runs, seed=seed)


def coverage_conservation(runs: int, seed: int = 0) -> list[Row]:
    """Perturbations, folds of the classifier of labels, halves of the perturbations clustered anew."""

    def run(number: int, strength: float, _: int) -> Result:
        return conservation.evaluate(_in_batches(number, strength), with_baselines=False, seed=number)

    metrics = ("clusters NMI", "clusters ARI", "silhouette label", "mAP control", "mAP non-replicate", "F1 label (without controls)")
    return coverage("conservation", run, (*metrics, "biology score (Eq. 22)"), runs=runs, seed=seed)


def coverage_shortcuts(runs: int, seed: int = 0) -> list[Row]:
    """Perturbations: what they explain of the count of cells."""

    def run(number: int, strength: float, _: int) -> Result:
        table = plates(number, strength)
        rng = np.random.default_rng([number, 3])
        killing = dict(zip(sorted(set(table.obs["perturbation"])), rng.normal(size=49), strict=True))
        level = table.obs["perturbation"].map(killing).to_numpy(dtype=float) * (strength > 0) + rng.normal(size=table.n_obs)
        table.obs["cell_count"] = 500 * np.exp(0.2 * level)
        result = shortcuts.evaluate(table, draws=19, seed=number)
        own = result.scores["group"] == "cell count"
        return Result(result.scores[own].assign(group=OWN, p_chance=np.nan))

    return coverage("shortcuts", run, ("explained by label",), runs=runs, seed=seed)


def _in_batches(seed: int, strength: float) -> anndata.AnnData:
    return plates(seed, strength, perturbations=24, classes=8, count=2, batches=2, controls=8)


TASKS: dict[str, Callable[[int, int], list[Row]]] = {
    "sisters": coverage_sisters,
    "replicates": coverage_replicates,
    "mechanism": coverage_mechanism,
    "relations": coverage_relations,
    "cross-modal": coverage_cross_modal,
    "transfer": coverage_transfer,
    "compound-gene": coverage_compound_gene,
    "mixing": coverage_mixing,
    "conservation": coverage_conservation,
    "shortcuts": coverage_shortcuts,
}


def calibrated(tasks: list[str], runs: int, seed: int) -> Iterator[Row]:
    """The rows of some tasks, as they are made; then the seconds each took."""
    for task in tasks:
        started = time.process_time()
        yield from TASKS[task](runs, seed)
        yield Row(f"{task}: CPU seconds a run", (time.process_time() - started) / runs, float("nan"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tasks", default=",".join(TASKS))
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    for row in calibrated(given.tasks.split(","), given.runs, given.seed):
        print(f"{row.what:70} {row.value:.3f} ± {row.error:.3f}", flush=True)


if __name__ == "__main__":
    main()
