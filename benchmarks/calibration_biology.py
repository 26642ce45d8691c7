"""Do the numbers of screens hold? Percent replicating, grit, distributions, differential features, saturation, power, guides and arms.

Each on simulated plates without and with an effect: how often its interval holds the truth, and where it has p-values how many of those of
inert things are .05 or less. The truth is chance where that is stated exactly, else the mean over runs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anndata

from benchmarks import calibration_designs as designs
from benchmarks import hits
from benchmarks.calibration_rows import LEVEL, Job, Seen
from impasto.evaluation import arms, differential_features, distributions, grit, guides, percent_replicating, power, saturation
from impasto.evaluation.protocols import Distributions
from impasto.evaluation.result import OWN, Result

SECTION = "biology"
STRENGTHS = {"no effect": 0.0, "an effect": 3.0}
P_CHANCE, P = "p_chance <= .05, no effect", "p <= .05, no effect"
FIRST_SEED = 11_000
ARMS = 6


@dataclass(frozen=True)
class Task:
    """A task on its design.

    Attributes
    ----------
    run
        Seed and strength -> the result.
    metrics
        The scores that are asked about: group and metric, and whether their chance is the truth where nothing acts.
    p
        The table and column of p-values of single things; the table is `per_group` or one of `tables`. They stand in the row of the first
        score.
    ci, full
        Runs of each size.

    """

    run: Callable[[int, float], Result]
    metrics: tuple[tuple[str, str, bool], ...]
    p: tuple[str, str] | None = None
    ci: int = 20
    full: int = 220


def of_run(name: str, task: Task, number: int) -> list[Seen]:
    """The figures of one run of a task, without and with an effect."""
    figures: list[Seen] = []
    for case, strength in STRENGTHS.items():
        result = task.run(FIRST_SEED + number, strength)
        for group, metric, exact in task.metrics:
            own = result.scores[(result.scores["group"] == group) & (result.scores["metric"] == metric)]
            if own.empty:  # A run that is not calibrated calls nothing.
                continue
            row = own.iloc[-1]
            what = f"{name}: {metric} ({row['unit']})" if group == OWN else f"{name}: {group}, {metric} ({row['unit']})"
            truth = row["chance"] if exact and not strength else float("nan")
            figures.append(Seen(what, case, "coverage", row["value"], row["low"], row["high"], truth))
            if not strength and row["p_chance"] == row["p_chance"]:
                figures.append(Seen(what, P_CHANCE, "share", float(row["p_chance"] <= LEVEL)))
        if task.p is not None and not strength:
            table, column = task.p
            p = result.details()[table][column].to_numpy(dtype=float)
            figures.append(Seen(figures[0].what, P, "share", float((p <= LEVEL).mean()), of=len(p)))
    return figures


def _plates(seed: int, strength: float) -> anndata.AnnData:
    return designs.plates(seed, strength, controls=24)


def _percent_replicating(seed: int, strength: float) -> Result:
    return percent_replicating.evaluate(_plates(seed, strength), draws=499, shuffles=199, seed=seed, with_baselines=False)


def _grit(seed: int, strength: float) -> Result:
    return grit.evaluate(_plates(seed, strength), seed=seed, with_baselines=False)


def _distributions(
    seed: int, strength: float, *, protocol: Distributions, perturbations: int = 48, controls: int = 24, directions: int = 32
) -> Result:
    table = designs.plates(seed, strength, perturbations=perturbations, controls=controls)
    return distributions.evaluate(table, protocol=protocol, draws=199, directions=directions, seed=seed, with_baselines=False)


def _features(seed: int, strength: float) -> Result:
    # Each perturbation is of a class of its own: with four a class, of classes drawn anew, the interval of this mean covers .90.
    return differential_features.evaluate(designs.plates(seed, strength, classes=48, controls=24), seed=seed)


def _saturation(seed: int, strength: float) -> Result:
    return saturation.evaluate(_plates(seed, strength), draws=199, subsets=3, seed=seed, with_baselines=False)


def _guides(seed: int, strength: float) -> Result:
    return guides.evaluate(designs.guides(seed, strength), shuffles=199, seed=seed)


def _arms(seed: int, strength: float) -> Result:
    table = designs.plates(seed, strength, perturbations=60, classes=ARMS, kind="crispr", same_classes=True)
    with tempfile.TemporaryDirectory() as folder:
        of_gene = Path(folder) / "arms.csv"
        of_gene.write_text("gene,arm\n" + "".join(f"G{i:03d},{i % ARMS}p\n" for i in range(60)))
        return arms.evaluate(table, arms=str(of_gene), shuffles=199, seed=seed)


def of_power(number: int) -> list[Seen]:
    """What is planned from three plates, beside what three other plates of the same perturbations show."""
    screen = hits.simulate_plates(seed=FIRST_SEED + number, plates=6, controls=24)
    first, second = (screen[screen.obs["plate"].isin([f"P{i}" for i in own]).to_numpy()].copy() for own in ((0, 1, 2), (3, 4, 5)))
    result = power.evaluate(first, plates=[3], controls=[24], runs=10, seed=number)
    acts = result.per_group.loc[result.per_group["acts"], "perturbation"]
    null, planned = (result.scores[result.scores["group"] == group].iloc[0] for group in (power.NO_EFFECT, OWN))
    per = hits.calls_of(second, seed=number).per
    found = float(per.loc[per["perturbation"].isin(acts), "called"].mean())
    what = "power: 3 plates, 24 controls"
    return [
        Seen(f"{what}, inert ones", P, "share", null["value"], of=10 * null["n"]),
        Seen(f"{what}, planned", "an effect", "shown", planned["value"], of=planned["n"]),
        Seen(f"{what}, found on three other plates", "an effect", "shown", found, of=len(acts)),
    ]


_POSITIONS = "share with p <= 0.05 by control positions"
_OF_GUIDES = "cosine of guides of a gene less other genes"
_ALIKE, _CORRECTED = "cosine of one arm less other arms", "arm corrected"
_CALLED = ((OWN, "share with p <= 0.05", True),)
_GROWTH = (saturation.MAP, f"{saturation.MAP}, step from 2 plates", saturation.RETRIEVED)
TASKS = {
    "percent-replicating": Task(_percent_replicating, ((OWN, percent_replicating.METRIC, True),), ("per_group", "p_value")),
    "grit": Task(_grit, ((OWN, "mean grit", False), (OWN, _POSITIONS, True)), ("per_group", "p_value")),
    "distributions, energy": Task(partial(_distributions, protocol="energy"), _CALLED, ("per_group", "p"), full=120),
    "distributions, wasserstein": Task(
        partial(_distributions, protocol="wasserstein", perturbations=24, controls=8, directions=8),
        _CALLED,
        ("per_group", "p"),
        ci=0,
        full=120,
    ),
    "differential-features": Task(_features, ((OWN, "mean share of features called", False),), ("features", "p"), full=120),
    "saturation": Task(_saturation, tuple((OWN, metric, False) for metric in _GROWTH), full=120),
    "guides": Task(_guides, ((OWN, "share of guides with p <= 0.05", True), (OWN, _OF_GUIDES, False)), ("per_group", "p")),
    "arms": Task(_arms, ((OWN, _ALIKE, False), (_CORRECTED, _ALIKE, False), (_CORRECTED, "taken off by the correction", False))),
}


def jobs() -> list[Job]:
    """One job a task."""
    made = [Job(SECTION, name, partial(of_run, name, task), task.ci, task.full) for name, task in TASKS.items()]
    return [*made, Job(SECTION, "power", of_power, 5, 60)]
