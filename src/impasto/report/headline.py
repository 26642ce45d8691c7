"""The three figures that matter, each beside what knowing nothing scores."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from impasto.evaluation.baselines import is_baseline
from impasto.report.collect import of_verb, stages


@dataclass(frozen=True)
class Headline:
    """One figure that matters.

    Attributes
    ----------
    value
        As text.
    title
        What it is.
    beside
        What it must be read beside.

    """

    value: str
    title: str
    beside: str


def headlines(run: Path) -> list[Headline]:
    """Replicate mAP (best profiles), replicate mAP that position cannot explain, retrieval of held-out perturbations.

    Parameters
    ----------
    run
        The folder of a run.

    Returns
    -------
    list[Headline]
        One for each scored stage of these tasks, in the order they ran.

    Raises
    ------
    InputError
        The run has no finished stage.

    """
    headlines_of_run: list[Headline] = []
    for stage in of_verb(stages(run), "evaluate"):
        rows = pd.read_csv(stage.result / "results.csv")
        task, protocol = str(rows["task"].iloc[0]), str(rows["protocol"].iloc[0])
        if task == "replicates":
            headlines_of_run.append(_replicates(rows, protocol))
        elif task == "cross-modal":
            headlines_of_run.append(_retrieval(rows, protocol))
    return headlines_of_run


def _replicates(rows: pd.DataFrame, protocol: str) -> Headline:
    scores = rows[(rows["metric"] == "mAP") & (rows["protocol"] == protocol)].set_index("group")
    own = scores[[not is_baseline(str(group)) for group in scores.index]]
    best = own["value"].idxmax()
    beside = f"chance {scores.loc[best, 'chance']:.3f}"
    for group in ("shuffled labels", "position only"):
        if group in scores.index:
            beside += f", {group} {scores.loc[group, 'value']:.3f}"
    return Headline(f"{scores.loc[best, 'value']:.3f}", f"replicate mAP, {best}; {protocol}", beside)


def _retrieval(rows: pd.DataFrame, protocol: str) -> Headline:
    scores = rows[rows["metric"].str.startswith("R@10")]
    parts = [f"{r.value:.1%} {r.metric.removeprefix('R@10 ')} (chance {r.chance:.1%})" for r in scores.itertuples()]
    return Headline(f"{scores['value'].mean():.1%}", f"R@10 between profiles and text, both ways; {protocol}", "; ".join(parts))
