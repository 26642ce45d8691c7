"""Do calls hold? Errors and power of the test of hits on simulated plates, and inert control positions called on real ones.

    python -m benchmarks.hits [--runs 60] [--real data/demo/cpjump1_u2os_compound.parquet] [--deals 6]

Simulated: 72 perturbations on plates of 24 negative controls, half of them spared. Active ones move by a direction of their own. An error
is the share of inert perturbations with p <= .05; power is the share of active ones that are hits; FDP is the share of hits that are
inert. `position`: every position has an effect of its own on all plates. `noisier`: every second inert perturbation scatters more.

Real: three CPJUMP1 plates. 20 of the 64 DMSO positions play compounds and are never controls; 22 are fitted on and 22 spared.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import anndata
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from impasto import profiles as tables
from impasto import schema, wells
from impasto.correction.spared import chosen_controls
from impasto.correction.steps import correct
from impasto.evaluation import calls, positions
from impasto.evaluation.design import design
from impasto.progress import track

ACTIVE, INERT = "active", "inert"
RATE = 0.05
DESIGNS: dict[str, dict[str, Any]] = {
    "2 plates": {"plates": 2},
    "3 plates": {},
    "3 plates, all inert": {"active": 0},
    "3 plates, inert wells 1.5 x noisier": {"noisier": 1.5},
    "3 plates, position effect": {"position": 0.4},
    "3 plates, position effect, all inert": {"position": 0.4, "active": 0},
    "3 plates, other positions on each": {"scrambled": True},
    "1 plate, 4 wells each": {"plates": 1, "wells_a_plate": 4, "controls": 48},
    "2 plates, 2 wells each": {"plates": 2, "wells_a_plate": 2, "controls": 32},
}
CHAINS: dict[str, list[Any]] = {
    "standardize": ["clip", "standardize", "clip"],
    "sphering": ["select", "standardize", "clip", "sphering"],
    "TVN, 64": ["clip", "standardize", "clip", {"method": "tvn", "components": 64}],
    "Harmony": ["clip", {"method": "harmony", "by": "plate"}],
    "ComBat": ["clip", {"method": "combat", "by": "plate"}],
    "inverse normal": ["inverse_normal"],
    "position": ["clip", "position"],
    "kernel PCA": ["clip", "kernel_pca"],
}


class Row(NamedTuple):
    """One figure of a calibration: what, its value, and the error of that value."""

    what: str
    value: float
    error: float


def simulate_plates(
    *,
    seed: int,
    plates: int = 3,
    controls: int = 24,
    perturbations: int = 72,
    active: int = 36,
    width: int = 120,
    strength: float = 0.5,
    noisier: float = 1.0,
    position: float = 0.0,
    wells_a_plate: int = 1,
    scrambled: bool = False,
    spare: bool = True,
) -> anndata.AnnData:
    """Plates whose active perturbations are known: their names begin with `active`, those of the others with `inert`.

    Noise of a well has 20 shared directions of standard deviation 1.5 / sqrt(20) each and .6 of its own. An effect has the length
    strength sqrt(width) U(.3, 1.2). Each plate has a shift of its own.
    """
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(20, width)) * 1.5 / np.sqrt(20)

    def noise(count: int) -> np.ndarray:
        return rng.normal(size=(count, 20)) @ mixing + 0.6 * rng.normal(size=(count, width))

    effects = rng.normal(size=(perturbations, width))
    effects *= strength * np.sqrt(width) * rng.uniform(0.3, 1.2, (perturbations, 1)) / np.linalg.norm(effects, axis=1, keepdims=True)
    effects[active:] = 0
    names = [f"{ACTIVE if i < active else INERT} {i:03d}" for i in range(perturbations)]
    scale = np.ones(perturbations)
    scale[active::2] = noisier
    who = np.concatenate([np.repeat(np.arange(perturbations), wells_a_plate), np.full(controls, -1)])
    size = len(who)
    of_position, order = position * noise(size), rng.permutation(size)
    values, rows = [], []
    for plate in range(plates):
        place = rng.permutation(size) if scrambled else order
        moved = np.where((who >= 0)[:, None], effects[who], 0)
        values.append(noise(size) * np.where(who >= 0, scale[who], 1)[:, None] + moved + of_position[place] + rng.normal(size=width))
        rows += [
            (f"P{plate}", schema.format_well(at // 24, at % 24), names[w] if w >= 0 else "DMSO", w < 0)
            for at, w in zip(place, who, strict=True)
        ]
    obs = pd.DataFrame(rows, columns=[schema.PLATE, schema.WELL, schema.PERTURBATION, "control"]).rename(index=str)
    obs[schema.CONTROL_TYPE] = np.where(obs.pop("control"), schema.NEGCON, schema.TRT)
    if spare:
        obs[schema.SPARED] = chosen_controls(obs, share=0.5, seed=seed)
    return anndata.AnnData(X=np.concatenate(values).astype(np.float32), obs=obs)


def calls_of(profiles: anndata.AnnData, *, seed: int, test: calls.Test = "auto") -> calls.Calls:
    """The calls of a table, as `impasto evaluate hits` makes them, without baselines and curves."""
    where = design(profiles, pool_doses=False, by_batch=False, seed=seed)
    which = positions.played(where, seed=seed)
    values = wells.finite(profiles, task="calling hits")
    return calls.call(values, where, which, test=test, components=50, draws=20_000, rate=RATE, seed=seed)


def figures(per: pd.DataFrame, p: np.ndarray | None = None) -> tuple[float, float, float]:
    """Error at .05, power and FDP of one run."""
    inert = per[schema.PERTURBATION].str.startswith(INERT).to_numpy()
    called = per["called"].to_numpy(dtype=bool)
    error = float((per["p"][inert] <= RATE).mean()) if p is None else float((p[inert] <= RATE).mean())
    return error, float(called[~inert].mean()) if (~inert).any() else float("nan"), float(called[inert].sum() / max(1, called.sum()))


WORDS = ("error, p1 alone", "error", "power", "FDP", "spared called")


def of_run(name: str, *, seed: int, run: int) -> tuple[float, ...]:
    """The figures of one run of a simulated design, in the order of `WORDS`; NaN where there is none."""
    made = calls_of(simulate_plates(seed=seed + 1000 + run, **DESIGNS[name]), seed=run)
    alone, _, _ = figures(made.per, made.per["p1"].to_numpy())
    return (alone, *figures(made.per), float(made.spared.mean()) if len(made.spared) else float("nan"))


def hits_calibration(runs: int, *, seed: int = 0, designs: Sequence[str] = tuple(DESIGNS)) -> list[Row]:
    """Error at .05, power and FDP of every simulated design, with their Monte-Carlo errors over `runs` runs."""
    rows = []
    for name in track(designs, what="hits, simulated", unit="designs"):
        values = np.array([of_run(name, seed=seed, run=run) for run in range(runs)])
        for word, column in zip(WORDS, values.T, strict=True):
            if np.isfinite(column).any():
                rows.append(Row(f"{name}: {word}", float(np.nanmean(column)), float(np.nanstd(column) / np.sqrt(runs))))
    return rows


def inert_positions(profiles: anndata.AnnData, *, seed: int, inert: int = 20, fitted: int = 22) -> anndata.AnnData:
    """A real table whose control positions are dealt: some play compounds, some are fitted on, the rest are spared."""
    obs = profiles.obs.copy()
    negative = wells.negative(obs)
    places = np.random.default_rng(seed).permutation(sorted(set(obs[schema.WELL][negative])))
    obs[schema.PERTURBATION] = obs[schema.PERTURBATION].astype(str)
    obs[schema.CONTROL_TYPE] = obs[schema.CONTROL_TYPE].astype(str)
    for number, place in enumerate(places[:inert]):
        own = negative & (obs[schema.WELL] == place).to_numpy()
        obs.loc[own, schema.PERTURBATION] = f"{INERT} {number:02d}"
        obs.loc[own, schema.CONTROL_TYPE] = schema.TRT
    obs[schema.SPARED] = negative & obs[schema.WELL].isin(places[inert + fitted :]).to_numpy()
    return anndata.AnnData(X=profiles.X, obs=obs, var=profiles.var.copy())


def three_plates(path: Path) -> anndata.AnnData:
    """The first three plates of a real table, features that are finite."""
    whole = tables.read(path)
    whole = whole[whole.obs[schema.PLATE].isin(sorted(set(whole.obs[schema.PLATE]))[:3])]
    finite = np.isfinite(np.asarray(whole.X)).all(axis=0)
    return whole[:, finite].copy()


def of_deal(whole: anndata.AnnData, chain: str, *, deal: int) -> dict[str, float]:
    """One deal of the control positions of real plates after a chain of correctors.

    Inert positions called at .05 by p1 and by p, hits among both kinds, hits kept a plate less, spared positions called, whether the
    run says that it is calibrated, CPU seconds.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        after, _, _ = correct(inert_positions(whole, seed=deal), CHAINS[chain], spare=0.0)
    start = time.process_time()
    made = calls_of(after, seed=deal)
    inert = made.per[schema.PERTURBATION].str.startswith(INERT).to_numpy()
    called = made.per["called"].to_numpy(dtype=bool)
    shown = {
        "inert, p1 alone": (made.per["p1"][inert] <= RATE).mean(),
        "inert": (made.per["p"][inert] <= RATE).mean(),
        "hits among inert": called[inert].mean(),
        "hits among compounds": called[~inert].mean(),
        "kept a plate less": made.per["kept"].mean(),
        "spared called": made.spared.mean(),
        "calibrated": made.calibrated,
        "CPU seconds": time.process_time() - start,
    }
    return {word: float(value) for word, value in shown.items()}


def real_plates(path: Path, *, deals: int, chains: Sequence[str] = tuple(CHAINS)) -> Iterator[tuple[str, dict[str, list[float]]]]:
    """The figures of `of_deal` for each chain of correctors and each deal."""
    whole = three_plates(path)
    for name in chains:
        made = [of_deal(whole, name, deal=deal) for deal in range(deals)]
        yield name, {word: [one[word] for one in made] for word in made[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--deals", type=int, default=6)
    given = parser.parse_args()
    console = Console(width=150)
    if given.runs:
        shown = Table("what", "value", "error", title=f"{given.runs} runs", title_justify="left")
        for row in hits_calibration(given.runs):
            shown.add_row(row.what, f"{row.value:.3f}", f"{row.error:.3f}")
        console.print(shown)
    if given.real:
        columns: Table | None = None
        for name, values in real_plates(given.real, deals=given.deals):
            if columns is None:
                columns = Table("corrector", *values, title=f"{given.deals} deals of the DMSO positions", title_justify="left")
            columns.add_row(name, *(f"{np.mean(v):.3f}" for v in values.values()))
        console.print(columns)


if __name__ == "__main__":
    main()
