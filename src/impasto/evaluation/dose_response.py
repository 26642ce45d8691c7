"""Dose and response: which compounds act more at higher doses, and from which dose on.

A compound with four doses or more on two plates or more is asked three things, in this order (`dose/` has the steps).

1. Does it differ from flat? Its wells and the plates' controls (dose 0) are whitened by the residuals of other compounds, and a
   well's response lies along the direction that the compound takes on the other plates. Doses permuted within plates give p;
   Benjamini-Hochberg over all curves gives q.
2. Is there a curve? Where q is below the rate, the response rises (span > 0), and the curve reaches the benchmark response (1.349
   standard deviations of its residuals, as is usual in high-throughput profiling) within the doses tried.
3. Which doses? EC50 with its profile interval and the benchmark dose; both only of curves, and never beyond the doses tried.

R² is not given: on flat curves of eight doses its median is well above 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.evaluation.dose import direction, flat, named
from impasto.evaluation.dose.hill import CONTROL, Fit
from impasto.evaluation.dose.layout import Dosed
from impasto.evaluation.dose.whitened import Whitened
from impasto.statistics import discovery

Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
FEWEST_DOSES = 4
"""A curve of three parameters is not fitted to fewer doses."""
FEWEST_PLATES = 2
"""The direction of a plate's wells is learned on the others."""
BENCHMARK = 1.349
RATE = 0.05


@dataclass(frozen=True)
class Curves:
    """The curves of a table.

    Attributes
    ----------
    compounds
        One row a compound that stands at several doses. Counts: perturbation, wells, left_out (its wells without a dose above 0 or on
        plates without controls), plates, doses. Doses tried: lowest_dose, highest_dose. Test: p_value, corrected_p_value, curve
        (whether there is one). The curve: span (in standard deviations of the residuals), slope, ec50, ec50_low, ec50_high, ec50_words,
        benchmark_concentration. The column `why` says why there is no curve.
    lines
        Of every curve, at 61 doses: perturbation, concentration, response, low, high (95 % band), in standard deviations.
    points
        The treated wells of every compound that was tested: perturbation, plate, concentration, response about the plate's controls.
    smallest_p
        The smallest p that any compound could have had; NaN where none was tested.

    """

    compounds: pd.DataFrame
    lines: pd.DataFrame = field(default_factory=pd.DataFrame)
    points: pd.DataFrame = field(default_factory=pd.DataFrame)
    smallest_p: float = float("nan")

    @property
    def tested(self) -> pd.DataFrame:
        """The compounds that have a p-value."""
        return self.compounds[self.compounds["p_value"].notna()]

    def protocol(self, benchmark: float, rate: float, /) -> str:
        """How the curves were called, with the smallest p that was possible.

        Parameters
        ----------
        benchmark
            Response, in standard deviations of the residuals, that a curve must reach.
        rate
            False discovery rate below which a compound differs from flat.

        Returns
        -------
        str
            The words for the column `protocol`. Where one compound with the smallest p is not enough for a call, they say how many are
            needed.

        """
        needed = int(len(self.tested) * self.smallest_p / rate) + 1
        floor = f"p >= {self.smallest_p:.2g}" + (f", needed by {needed} of {len(self.tested)} for any call" if needed > 1 else "")
        return f"Hill curve along the direction of other plates, false discovery {rate:g}, benchmark {benchmark:g} sd, {floor}"

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the name of their file.

        Returns
        -------
        dict[str, pd.DataFrame]
            `dose_response`, `dose_curves` and `dose_wells`.

        """
        return {"dose_response": self.compounds, "dose_curves": self.lines, "dose_wells": self.points}


COLUMNS = (
    *(schema.PERTURBATION, "wells", "left_out", "plates", "doses", "lowest_dose", "highest_dose", "p_value", "corrected_p_value", "curve"),
    *("span", "slope", "ec50", "ec50_low", "ec50_high", "ec50_words", "benchmark_concentration", "why"),
)


def curves(
    values: npt.NDArray[np.floating],
    obs: pd.DataFrame,
    plates: npt.NDArray[np.str_],
    controls_of: Mapping[str, Rows],
    /,
    *,
    benchmark: float = BENCHMARK,
    rate: float = RATE,
    seed: int = 0,
) -> Curves:
    """The curve of every compound that stands at several doses.

    Parameters
    ----------
    values
        Wells (n, features), controls among them.
    obs
        Their annotation. A compound is one whatever name it stands under (`wells.compounds`).
    plates
        The plate (n,) of each well.
    controls_of
        Plate -> rows of its negative controls. Wells of a plate without any are left out.
    benchmark
        Response, in standard deviations of the residuals, that a curve must reach.
    rate
        False discovery rate below which a compound differs from flat.
    seed
        Of folds and permutations.

    Returns
    -------
    Curves
        The curves; without a row where no compound stands at two doses.

    Raises
    ------
    InputError
        Where a treated well has a dose in words.

    """
    dosed = Dosed.of(obs, plates, controls_of)
    tested, compounds = _compounds(dosed)
    if compounds.empty or not tested:
        return Curves(_complete(compounds))
    fits: dict[str, Fit] = {}
    points: list[pd.DataFrame] = []
    whitened = Whitened.of(np.asarray(values, dtype=np.float64), obs, dosed, seed=seed)
    floor = np.inf
    for number, name in enumerate(tested):
        rows, design = dosed.design(name)
        products = direction.gram(whitened.of_compound(name, rows), design.plate)
        responses = direction.responses(products, direction.contrast(design.at, design.plate)[None], design.plate)[0]
        fits[name] = Fit.of(design, responses)
        # Each compound has permutations of its own: two of the same layout do not share their luck.
        compounds.loc[name, "p_value"] = flat.p_value(design, products, movable=design.at != CONTROL, seed=seed * 1_000_003 + number)
        floor = min(floor, flat.smallest(design))
        points.append(_points(name, fits[name], responses, rows, dosed))
    compounds["corrected_p_value"] = discovery.corrected(compounds["p_value"].to_numpy(dtype=float))
    lines = [_judged(compounds, name, fit, benchmark=benchmark, rate=rate) for name, fit in fits.items()]
    drawn = [line for line in lines if line is not None]
    return Curves(_complete(compounds), pd.concat(drawn) if drawn else pd.DataFrame(), pd.concat(points, ignore_index=True), floor)


# ---------------------------------------------------------------- which compounds
def _compounds(dosed: Dosed) -> tuple[list[str], pd.DataFrame]:
    """The names that are tested, and one row for each that stands at several doses."""
    rows = []
    for name, own in dosed.rows_of.items():
        doses, plates = np.unique(dosed.dose[own]), len(np.unique(dosed.plate[own]))
        if len(doses) > 1:
            counts = len(own), dosed.left_out.get(name, 0), plates, len(doses)
            rows.append((name, *counts, doses[0], doses[-1], np.nan, np.nan, False, _too_few(len(doses), plates)))
    columns = [*COLUMNS[:10], "why"]
    table = pd.DataFrame(rows, columns=columns).set_index(schema.PERTURBATION, drop=False)
    return [str(name) for name in table.index[table["why"] == ""]], table


def _too_few(doses: int, plates: int) -> str:
    if doses < FEWEST_DOSES:
        return f"{doses} doses; a curve needs {FEWEST_DOSES}"
    return "" if plates >= FEWEST_PLATES else "all doses on one plate; the direction of a response is learned on another plate"


# ---------------------------------------------------------------- what is said of them
def _judged(compounds: pd.DataFrame, name: str, fit: Fit, *, benchmark: float, rate: float) -> pd.DataFrame | None:
    """Write into a compound's row whether it has a curve and which doses it names; the line to draw where it has."""
    corrected = float(compounds.loc[name, "corrected_p_value"])
    reached = named.benchmark_dose(fit, benchmark)
    if corrected >= rate:
        compounds.loc[name, "why"] = f"not distinguished from flat (q = {corrected:.2g})"
    elif fit.span <= 0:
        compounds.loc[name, "why"] = "moves another way on each plate"
    elif np.isnan(reached):
        compounds.loc[name, "why"] = f"does not reach {benchmark:g} standard deviations within the doses tried"
    else:
        at, (_, slope) = named.ec50(fit), fit.design.shapes.parameters(fit.best)
        columns = ["curve", "span", "slope", "ec50", "ec50_low", "ec50_high", "ec50_words", "benchmark_concentration"]
        compounds.loc[name, columns] = [True, fit.span / fit.residual_sd, slope, at.value, at.low, at.high, at.words, reached]
        doses = np.geomspace(fit.design.shapes.doses[0], fit.design.shapes.doses[-1], named.POINTS)
        response, low, high = named.band(fit, doses)
        return pd.DataFrame({schema.PERTURBATION: name, schema.CONCENTRATION: doses, "response": response, "low": low, "high": high})
    return None


def _points(name: str, fit: Fit, responses: Numbers, rows: Rows, dosed: Dosed) -> pd.DataFrame:
    """The treated wells of a compound, in standard deviations about where its plate's controls lie."""
    design, sd = fit.design, fit.residual_sd
    own = design.at != CONTROL
    fitted = np.where(own, fit.span * design.shapes.at_doses[fit.best][design.at], 0.0)
    offset = direction.centred((responses - fitted)[None], design.plate)[0] - (responses - fitted)
    shown = (responses + offset) / sd if sd > 0 else responses
    plate = [dosed.names[code] for code in dosed.plate[rows[own]]]
    return pd.DataFrame(
        {schema.PERTURBATION: name, schema.PLATE: plate, schema.CONCENTRATION: dosed.dose[rows[own]], "response": shown[own]}
    )


def _complete(compounds: pd.DataFrame) -> pd.DataFrame:
    return compounds.reindex(columns=list(COLUMNS)).astype({"ec50_words": object, "curve": bool}).reset_index(drop=True)


def benchmark_interval(line: pd.DataFrame, /, *, response: float = BENCHMARK) -> tuple[float, float]:
    """The doses at which the band of a curve reaches the benchmark response.

    Parameters
    ----------
    line
        The curve of one compound: concentration, low and high, ascending.
    response
        The benchmark response.

    Returns
    -------
    low, high : float
        NaN for an end that lies outside the doses tried.

    """
    doses = line[schema.CONCENTRATION].to_numpy(dtype=float)
    ends = []
    for edge in ("high", "low"):
        reached = np.flatnonzero(line[edge].to_numpy(dtype=float) >= response)
        ends.append(float(doses[reached[0]]) if len(reached) and not (edge == "high" and reached[0] == 0) else np.nan)
    return ends[0], ends[1]
