"""Do dose curves mean what they say? Flat compounds called, curves found, EC50 covered: of what ships, and of two other ways.

    python -m benchmarks.dose_calibration --runs 40

What ships permutes the doses of a compound's own wells. `controls permuted` moves the controls' dose 0 among them too. `treated alone`
leaves controls out of the fit: they are only the unit of each plate's responses, the test is the table of F(3, n - 4), the interval
F(1, n - 4), on one bottom for all plates. All take a curve where q < .05, the span is above 0 and the benchmark dose lies within the doses.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy import stats

from impasto.evaluation import dose_response, noise
from impasto.evaluation.dose import direction, flat
from impasto.evaluation.dose.hill import Design, Fit, Shapes
from impasto.evaluation.dose.layout import Dosed
from impasto.evaluation.dose.named import benchmark_dose, ec50
from impasto.evaluation.dose.whitened import Whitened
from impasto.progress import track
from impasto.statistics import discovery

Numbers = npt.NDArray[np.float64]
FEATURES, HIDDEN = 100, 15


class Row(NamedTuple):
    """One number of a calibration: what it is, its value, and the standard error over runs."""

    what: str
    value: float
    error: float


@dataclass(frozen=True)
class Layout:
    """Plates of compounds over doses, one well a dose and plate.

    Attributes
    ----------
    plates, controls
        How many plates, and controls on each.
    doses
        That every compound stands at.
    compounds, active
        How many compounds, and how many of them act.
    strength
        Of the active ones, at the highest dose.
    noisier
        How many times more the wells of inert compounds scatter.
    place
        How much the place of a well moves it, on all plates alike, in units of the noise.

    """

    plates: int = 3
    controls: int = 24
    doses: tuple[float, ...] = (0.03, 0.1, 0.3, 1, 3, 10, 30, 100)
    compounds: int = 24
    active: int = 12
    strength: float = 0.6
    noisier: float = 1.0
    place: float = 0.0


LAYOUTS = {
    "3 plates x 8 doses, 24 controls": Layout(),
    "2 plates x 8 doses": Layout(plates=2),
    "3 plates x 6 doses, 16 controls": Layout(doses=(0.1, 0.5, 2, 8, 32, 100), controls=16),
    "4 plates x 4 doses": Layout(plates=4, doses=(0.1, 1, 10, 100)),
    "3 plates x 8 doses, half the effect": Layout(strength=0.3),
    "3 plates x 8 doses, all inert": Layout(active=0),
    "inert wells 1.5 x noisier": Layout(noisier=1.5),
    "places move wells by .3 of the noise": Layout(place=0.3),
}


class Plates(NamedTuple):
    """Simulated wells: values (n, features), annotation, the true EC50 (compounds,), which compounds act."""

    values: Numbers
    obs: pd.DataFrame
    ec50: Numbers
    active: npt.NDArray[np.bool_]


def simulate(layout: Layout, /, *, seed: int) -> Plates:
    """Wells of `layout`: correlated noise, a shift of each plate, and a Hill curve along a direction of each active compound."""
    rng = np.random.default_rng(seed)
    loadings = 1.2 * rng.normal(size=(HIDDEN, FEATURES)) / np.sqrt(HIDDEN)

    def noise_of(wells: int) -> Numbers:
        return np.asarray(rng.normal(size=(wells, HIDDEN)) @ loadings + 0.7 * rng.normal(size=(wells, FEATURES)))

    doses = np.array(layout.doses, dtype=float)
    count, active = layout.compounds, np.arange(layout.compounds) < layout.active
    towards = rng.normal(size=(count, FEATURES))
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    reach = np.where(active, layout.strength * np.sqrt(FEATURES) * rng.uniform(0.5, 1.5, count), 0.0)
    log_ec50, slope = rng.uniform(np.log(doses[1]), np.log(doses[-2]), count), rng.uniform(0.8, 3, count)
    places = layout.place * noise_of(count * len(doses)).reshape(len(doses), count, FEATURES)
    values, rows = [], []
    for plate in range(layout.plates):
        shift = rng.normal(size=FEATURES)
        values.append(noise_of(layout.controls) + shift)
        rows += [(f"P{plate}", "DMSO", "negcon", 0.0)] * layout.controls
        for place, dose in enumerate(doses):
            effect = (reach / (1 + (np.exp(log_ec50) / dose) ** slope))[:, None] * towards
            scatter = np.where(active, 1.0, layout.noisier)[:, None] * noise_of(count)
            values.append(scatter + places[place] + shift + effect)
            rows += [(f"P{plate}", f"c{number:03d}", "trt", dose) for number in range(count)]
    obs = pd.DataFrame(rows, columns=["plate", "perturbation", "control_type", "concentration"]).rename(index=str)
    return Plates(np.concatenate(values), obs, np.exp(log_ec50), active)


def shipped(plates: Plates, /, *, seed: int) -> pd.DataFrame:
    """What ships: one row a compound, with p_value, curve, ec50, ec50_low and ec50_high."""
    where, controls = _controls(plates)
    return dose_response.curves(plates.values, plates.obs, where, controls, seed=seed).compounds


def _controls(plates: Plates) -> tuple[npt.NDArray[np.str_], dict[str, npt.NDArray[np.intp]]]:
    """The plate of each well, and plate -> rows of its controls."""
    where = plates.obs["plate"].to_numpy(dtype=str)
    negative = (plates.obs["control_type"] == "negcon").to_numpy()
    return where, {plate: np.flatnonzero(negative & (where == plate)) for plate in np.unique(where)}


def controls_permuted(plates: Plates, /, *, seed: int) -> pd.DataFrame:
    """The same fit; in its test controls exchange with the compound's wells."""
    dosed = Dosed.of(plates.obs, *_controls(plates))
    whitened = Whitened.of(plates.values, plates.obs, dosed, seed=seed)
    rows_of = []
    for number, name in enumerate(sorted(dosed.rows_of)):
        rows, design = dosed.design(name)
        products = direction.gram(whitened.of_compound(name, rows), design.plate)
        fit = Fit.of(design, direction.responses(products, direction.contrast(design.at, design.plate)[None], design.plate)[0])
        every = np.ones(len(rows), dtype=bool)
        rows_of.append(_row(fit, flat.p_value(design, products, movable=every, seed=seed * 1_000_003 + number)))
    return _called(rows_of)


def _row(fit: Fit, p: float) -> tuple[float, ...]:
    near = ec50(fit)
    return p, fit.span, benchmark_dose(fit, dose_response.BENCHMARK), near.value, near.low, near.high


def _called(rows: list[tuple[float, ...]]) -> pd.DataFrame:
    """One row a compound, and whether it has a curve."""
    table = pd.DataFrame(rows, columns=["p_value", "span", "benchmark", "ec50", "ec50_low", "ec50_high"])
    corrected = discovery.corrected(table["p_value"].to_numpy())
    return table.assign(curve=(corrected < dose_response.RATE) & (table["span"] > 0) & table["benchmark"].notna())


def treated_alone(plates: Plates, /, *, seed: int) -> pd.DataFrame:
    """The other fit."""
    del seed  # Nothing in it is drawn.
    names, plate = np.unique(plates.obs["plate"].to_numpy(dtype=str), return_inverse=True)
    control = (plates.obs["control_type"] == "negcon").to_numpy()
    about = np.empty_like(plates.values)
    for number in range(len(names)):
        rows = plate == number
        about[rows] = plates.values[rows] - plates.values[rows & control].mean(axis=0)
    about /= about[control].std(axis=0)
    white = noise.whitened(about, noise.shrunk_factor(about[control], features=FEATURES))
    dose, of = plates.obs["concentration"].to_numpy(float), plates.obs["perturbation"].to_numpy(str)
    doses = np.unique(dose[~control])
    shapes, rows_of = Shapes.of(doses), []
    for name in np.unique(of[~control]):
        own = np.flatnonzero(of == name)
        at = np.searchsorted(doses, dose[own])
        y = np.empty(len(own))
        for number in np.unique(plate[own]):
            others = plate[own] != number
            towards = ((at[others, None] + 1.0) ** 2 * white[own[others]]).sum(axis=0)
            judge = white[control & (plate == number)] @ towards
            y[~others] = white[own[~others]] @ towards / judge.std(ddof=1)
        # One bottom for all plates: to the design they are one.
        design = Design.of(shapes, at, np.zeros(len(own), dtype=np.intp))
        fit = Fit.of(design, y - y.mean())
        left = float(fit.rss[fit.best])
        p = float(stats.f.sf((fit.total - left) / 3 / (left / design.df), 3, design.df))
        rows_of.append(_row(fit, p))
    return _called(rows_of)


MODELS: dict[str, Callable[..., pd.DataFrame]] = {
    "shipped": shipped,
    "controls permuted": controls_permuted,
    "treated alone": treated_alone,
}


def measured(model: str, layout: Layout, /, *, runs: int, seed: int) -> list[Row]:
    """The numbers of one fit on one layout, over some simulated sets."""
    shares: dict[str, list[float]] = {}
    for run in range(runs):
        plates = simulate(layout, seed=seed + run)
        table = MODELS[model](plates, seed=seed + run).reset_index(drop=True)
        flat, curve = ~plates.active, table["curve"].to_numpy(dtype=bool)
        covered = (table["ec50_low"] <= plates.ec50) & (plates.ec50 <= table["ec50_high"])
        miss = np.abs(np.log10(table["ec50"].to_numpy(dtype=float) / plates.ec50))
        told = curve & plates.active
        of_run = {
            "flat compounds with p <= .05": (table["p_value"] <= 0.05)[flat],
            "flat compounds with p <= .01": (table["p_value"] <= 0.01)[flat],
            "flat compounds with a curve": curve[flat],
            "active compounds with a curve": curve[plates.active],
            "EC50 of a curve within its interval": covered[told],
            "decades between EC50 and the truth": miss[told & np.isfinite(miss)],
        }
        for what, values in of_run.items():
            if len(values):
                shares.setdefault(what, []).append(float(np.mean(values)))
    return [Row(what, float(np.mean(v)), float(np.std(v, ddof=1) / np.sqrt(len(v)))) for what, v in shares.items() if len(v) > 1]


def main() -> None:
    """Print all three side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    jobs = [(name, model) for name in LAYOUTS for model in MODELS]
    table = Table(title=f"{asked.runs} simulated sets a layout", title_justify="left")
    rows = [
        (name, model, {row.what: row for row in measured(model, LAYOUTS[name], runs=asked.runs, seed=asked.seed)})
        for name, model in track(jobs, what="calibration", unit="fits")
    ]
    heads = list(max((found for _, _, found in rows), key=len))
    for head in ("layout", "fit", *heads):
        table.add_column(head, justify="left" if head in ("layout", "fit") else "right", overflow="fold")
    for name, model, found in rows:
        table.add_row(name, model, *(f"{found[h].value:.3f} ± {found[h].error:.3f}" if h in found else "-" for h in heads))
    Console(width=180).print(table)


if __name__ == "__main__":
    main()
