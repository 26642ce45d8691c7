"""What comes after correction in `make jump`: hits, replicates, sisters, relations, mixing, conservation, an index, three searches.

Each is the command that a user types. Its time, the memory of all of its processes, and what it leaves on disk are measured; its answer is
compared with what was simulated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.processes import Done, command, finished
from impasto import dataset
from impasto.simulate.jump import World

NO_BASELINES = ("--set", "with_baselines=false")
"""Of what is measured here; they cost about as much again each."""


@dataclass(frozen=True)
class Stage:
    """A row of the table.

    Attributes
    ----------
    name
        What was run.
    seconds
        By the clock.
    cpu
        Seconds of all of its processes.
    peak_mb
        Memory of all of its processes that is no file's.
    disk_mb
        What it left.
    answer
        What it says of what was simulated.
    wrong
        Why that is not the known answer; empty where it is.

    """

    name: str
    seconds: float
    cpu: float
    peak_mb: float
    disk_mb: float
    answer: str = ""
    wrong: str = ""


def size_mb(path: Path) -> float:
    """What a file or a folder takes on disk, its cache left out."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file() and "cache" not in p.relative_to(path).parts]
    return sum(p.stat().st_size for p in files) / 1e6


def scores_of(folder: Path) -> pd.DataFrame:
    """The scores of the profiles themselves."""
    scores = pd.read_csv(folder / "results.csv")
    return scores[scores["group"] == "profiles"]


def words_of(folder: Path, world: World, corrected: Path) -> dict[str, list[object]]:
    """Name of a stage -> the words of its command, without `--out`."""
    known = folder / "pairs.csv"
    world.pairs().to_csv(known, index=False)
    return {
        "hits": ["evaluate", "hits", corrected],
        "replicates": ["evaluate", "replicates", corrected],
        "sisters": ["evaluate", "sisters", corrected, "--protocol", "all"],
        "relations": ["evaluate", "relations", corrected, "--pairs", known],
        "mixing": ["evaluate", "mixing", corrected, *NO_BASELINES],
        "conservation": ["evaluate", "conservation", corrected, *NO_BASELINES],
        "index": ["index", corrected],
    }


def run_stages(folder: Path, world: World, corrected: Path, *, only: Sequence[str] = ()) -> list[Stage]:
    """Run every stage once, and three searches in its index."""
    stages = []
    for name, words in words_of(folder, world, corrected).items():
        if only and name not in only:
            continue
        out = folder / name
        done = command([*words, "--out", out])
        finished(done)
        answer, wrong = ANSWERS[name](out, world)
        stages.append(Stage(name, done.seconds, done.cpu, done.peak_mb, size_mb(out), answer, wrong))
        print(in_words(stages[-1]), flush=True)
    if (folder / "index").exists():
        stages.append(searched(folder / "index", world, corrected))
        print(in_words(stages[-1]), flush=True)
    return stages


def in_words(stage: Stage) -> str:
    """A line of the table."""
    numbers = f"{stage.seconds:8.1f} s  {stage.cpu:8.1f} s CPU  {stage.peak_mb:7.0f} MB  {stage.disk_mb:8.1f} MB on disk"
    line = f"{stage.name:13} {numbers}  {stage.answer}"
    return f"{line}  WRONG: {stage.wrong}" if stage.wrong else line


# ---------------------------------------------------------------- known answers
def _number(name: str) -> int:
    return int(str(name).rsplit(" ", 1)[1])


def _hits(out: Path, world: World) -> tuple[str, str]:
    per = pd.read_parquet(out / "per_group.parquet")
    per = per[per["perturbation"].str.startswith(("compound", "guide"))]
    active = world.active[[_number(name) for name in per["perturbation"]]]
    if "hit" not in per:
        return "not calibrated, nothing called", "no hit is called"
    called = per["hit"].to_numpy(dtype=bool)
    of_active, false = called[active].mean(), 1 - active[called].mean() if called.any() else 0.0
    inert = per["p"].to_numpy(dtype=float)[~active]
    small = float(np.mean(inert[np.isfinite(inert)] <= 0.05))
    answer = f"{of_active:.1%} of what does something is hit, {false:.1%} of hits do nothing, {small:.3f} of inert p <= .05"
    wrong = [
        *(["fewer than 90 % of effects are hit"] if of_active < 0.9 else []),
        *(["more than 7 % of hits do nothing"] if false > 0.07 else []),
        *(["p of inert perturbations is too small"] if small > 0.07 else []),
    ]
    return answer, "; ".join(wrong)


def _replicates(out: Path, world: World) -> tuple[str, str]:
    per = pd.read_parquet(out / "per_group.parquet")
    per = per[per["perturbation"].str.startswith(("compound", "guide"))]
    active = world.active[[_number(name) for name in per["perturbation"]]]
    p = per["p_value"].to_numpy(dtype=float)
    small, of_active = float(np.mean(p[~active] <= 0.05)), float(np.mean(per["corrected_p_value"].to_numpy()[active] < 0.05))
    # A perturbation keeps its row on all plates, and rows differ: what is inert may be retrieved by its place, which hits exclude.
    answer = f"{of_active:.1%} of what does something is retrieved; {small:.3f} of inert p <= .05 (they keep their wells)"
    return answer, "effects are not retrieved" if of_active < 0.5 else ""


def _sisters(out: Path, _: World) -> tuple[str, str]:
    scores = scores_of(out)
    own = scores[scores["metric"].str.contains("signed")]
    above = own["value"].to_numpy() / own["chance"].to_numpy()
    answer = ", ".join(
        f"{'across' if 'across' in p else 'within'} {v:.3f} (chance {c:.3f})" for p, v, c in own[["protocol", "value", "chance"]].to_numpy()
    )
    return answer, "" if (above > 1.2).all() else "sisters are not nearer than others"


def _relations(out: Path, _: World) -> tuple[str, str]:
    own = scores_of(out).iloc[0]
    return f"{own['metric']} {own['value']:.3f} (chance {own['chance']:.3f})", "" if own["value"] > 1.5 * own[
        "chance"
    ] else "known pairs are not found"


def _mixing(out: Path, _: World) -> tuple[str, str]:
    value = scores_of(out).set_index("metric")["value"]
    answer = f"1 - F1 batch {value['1 - F1 batch (without controls)']:.3f}, silhouette batch {value['silhouette batch']:.3f}"
    return answer, "" if np.isfinite(value.to_numpy()).all() else "a score is missing"


def _conservation(out: Path, _: World) -> tuple[str, str]:
    value = scores_of(out).set_index("metric")["value"]
    answer = ", ".join(f"{name} {value[name]:.3f}" for name in value.index if name.startswith(("clusters", "mAP", "silhouette label")))
    return answer, "" if len(value) > 4 else "scores are missing"


def _index(out: Path, _: World) -> tuple[str, str]:
    described = json.loads((out / "index.json").read_text())
    return f"engine {described['engine']}, {described['layout']}", ""


ANSWERS: dict[str, Callable[[Path, World], tuple[str, str]]] = {
    "hits": _hits,
    "replicates": _replicates,
    "sisters": _sisters,
    "relations": _relations,
    "mixing": _mixing,
    "conservation": _conservation,
    "index": _index,
}


def searched(index: Path, world: World, corrected: Path) -> Stage:
    """Three searches: by name, by well, by gene; the group of a strong perturbation answers."""
    groups = len(world.active) // 8
    number = next(
        n for n in np.flatnonzero(world.active & ~world.guides) if world.active[np.arange(n % groups, len(world.active), groups)].sum() > 3
    )
    obs = dataset.open_dataset(corrected).obs
    name = f"compound {number:06d}"
    place = obs[obs["perturbation"].astype(str) == name].iloc[0]
    gene = world.genes()[next(n for n in np.flatnonzero(world.active & world.guides))]
    queries: list[Sequence[object]] = [("--name", name), ("--well", f"{place['plate']}:{place['well']}"), ("--gene", gene)]
    runs: list[Done] = []
    kin = []
    for query in queries:
        runs.append(command(["search", index, *query, "--top", "10", "--json"]))
        finished(runs[-1])
        rows = json.loads(runs[-1].output[runs[-1].output.index("[") :])
        kin.append([_number(row["perturbation"]) % groups for row in rows if str(row["perturbation"]).startswith(("compound", "guide"))])
    found = sum(k == number % groups for k in kin[0])
    return Stage(
        "searches",
        sum(run.seconds for run in runs),
        sum(run.cpu for run in runs),
        max(run.peak_mb for run in runs),
        0.0,
        f"three; of the ten nearest to {name}, {found} are of its group of eight",
        "" if found >= 2 else "its group is not found",
    )
