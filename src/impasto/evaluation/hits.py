"""Hits: which perturbations differ from their plates' negative controls, and from which dose on?

Distance. On each plate, the mean of the perturbation's wells minus the mean of the plate's controls; averaged over plates; its
length, in the space of the first principal components of all wells. The p-value is that of a joint permutation: on every plate the
treated wells exchange with the plate's controls, and the length is computed anew. Benjamini-Hochberg over perturbations and doses.

Dose. Where a perturbation has four doses or more, a well's response is its distance to the mean of its plate's other controls, in
units of how the controls themselves scatter: z = (d - median of controls) / (1.4826 MAD of controls). The Hill curve
f(x) = top x^h / (ec50^h + x^h) is fitted by least squares, ec50 within the doses tried and a decade beyond, h in .3 to 8. The
benchmark concentration is the dose at which the curve reaches the benchmark response (1.349 sd of controls, as is usual in
high-throughput profiling); none where it does not within the doses tried.
"""

from __future__ import annotations

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import least_squares

from impasto import profiles as tables
from impasto import schema
from impasto.evaluation import baselines, inputs, permutation
from impasto.evaluation.tidy import Score, interval
from impasto.schema import InputError

TASK = "hits"
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


def evaluate(
    profiles: anndata.AnnData,
    /,
    *,
    components: int = 50,
    draws: int = 1000,
    rate: float = 0.05,
    benchmark: float = 1.349,
    seed: int = 0,
    group: str = "profiles",
) -> tuple[list[Score], dict[str, pd.DataFrame]]:
    """Share of hits at a false discovery rate, beside the baselines and control wells that play a treatment.

    `per_group`: one row a perturbation and dose (distance, p, corrected p, hit); `dose_response`: one row a curve.
    Raises InputError where no plate has two negative controls.
    """
    tables.require(profiles, schema.PERTURBATION, schema.CONTROL_TYPE, task="calling hits")
    plates = profiles.obs[schema.PLATE].astype(str).to_numpy() if schema.PLATE in profiles.obs else np.full(profiles.n_obs, "")
    control, treated = inputs.is_negcon(profiles.obs), inputs.is_treated(profiles.obs)
    pools = {p: np.flatnonzero(control & (plates == p)) for p in np.unique(plates)}
    if max(map(len, pools.values())) < 2:
        raise InputError("no plate has two negative controls, so nothing can be called a hit; mark them in the column control_type")
    names = _names(profiles.obs)
    space = scores_of_components(inputs.finite(profiles), components)
    name = f"distance to plate controls, {space.shape[1]} components, false discovery {rate:g}"
    per = _table(space, names, treated, plates, pools, draws=draws, seed=seed)
    per["hit"] = per["corrected_p_value"] < rate
    scores = [_share(per, name, group, seed=seed)]
    for told, view in baselines.stand_ins(profiles):
        other = _table(view.astype(np.float64), names, treated, plates, pools, draws=min(draws, 200), seed=seed)
        scores.append(_share(other.assign(hit=other["corrected_p_value"] < rate), name, told, seed=seed))
    played = _table(space, *_controls_as_treatments(names, control, plates, pools, seed=seed), draws=draws, seed=seed)
    if not played.empty:
        found = (played["p_value"] < rate).to_numpy(dtype=float)
        shown = (float(found.mean()), *interval(found, seed=seed))
        scores.append(Score(TASK, name, "controls played as treatments", f"share with p < {rate:g}", *shown, rate, len(found)))
    curves = dose_response(space, profiles.obs, plates, pools, treated, benchmark=benchmark)
    if not curves.empty:
        reached = curves["benchmark_concentration"].notna().to_numpy(dtype=float)
        shown = (float(reached.mean()), *interval(reached, seed=seed))
        scores.append(
            Score(TASK, f"Hill curve, benchmark {benchmark:g} sd", group, "share with a benchmark dose", *shown, None, len(curves))
        )
    tables_of_detail = {"per_group": per.assign(profiles=group)}
    return scores, tables_of_detail | ({"dose_response": curves.assign(profiles=group)} if not curves.empty else {})


def scores_of_components(values: Floats, components: int, /) -> Numbers:
    """The first principal components (n, k) of all rows, features scaled to one variance: treated and controls alike."""
    spread = values.std(axis=0, dtype=np.float64)
    scaled = (values[:, spread > 0] - values[:, spread > 0].mean(axis=0, dtype=np.float64)) / spread[spread > 0]
    _, vectors = np.linalg.eigh(scaled.T @ scaled)
    return np.asarray(scaled @ vectors[:, ::-1][:, :components])


def distance(space: Numbers, pools: list[tuple[Rows, Rows]], /, *, draws: int, seed: int) -> tuple[float, Numbers]:
    """The length of the mean difference from controls, and its null (draws,). `pools`: treated rows, control rows of each plate."""
    rng = np.random.default_rng(seed)
    shift = np.zeros((draws + 1, space.shape[1]))
    for treated, controls in pools:
        rows = np.concatenate([treated, controls])
        k, c = len(treated), len(controls)
        weights = np.full((draws + 1, k + c), -1 / c)
        weights[0, :k] = 1 / k
        chosen = rng.random((draws, k + c)).argpartition(k - 1, axis=1)[:, :k]
        np.put_along_axis(weights[1:], chosen, 1 / k, axis=1)
        shift += weights @ space[rows]
    lengths = np.linalg.norm(shift, axis=1) / len(pools)
    return float(lengths[0]), lengths[1:]


def _names(obs: pd.DataFrame) -> npt.NDArray[np.str_]:
    names = obs[schema.PERTURBATION].astype(str)
    if schema.CONCENTRATION in obs and obs[schema.CONCENTRATION].notna().any():
        names = names + " @ " + obs[schema.CONCENTRATION].astype(float).map("{:g}".format)
    return names.to_numpy(dtype=str)


def _table(
    space: Numbers,
    names: npt.NDArray[np.str_],
    treated: npt.NDArray[np.bool_],
    plates: npt.NDArray[np.str_],
    pools: dict[str, Rows],
    *,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    rows = []
    chosen = np.flatnonzero(treated)
    for name, members in pd.Series(chosen).groupby(names[chosen], sort=True):
        mine = members.to_numpy()
        sides = [(mine[plates[mine] == p], pools[p]) for p in np.unique(plates[mine]) if len(pools[p])]
        if sides:
            length, null = distance(space, sides, draws=draws, seed=seed)
            wells = sum(len(t) for t, _ in sides)
            rows.append((name, length, float(null.mean()), permutation.p_value(length, null), wells, len(sides)))
    per = pd.DataFrame(rows, columns=["perturbation", "distance", "expected_distance", "p_value", "wells", "plates"])
    return per.assign(corrected_p_value=permutation.benjamini_hochberg(per["p_value"].to_numpy(dtype=float)))


def _controls_as_treatments(
    names: npt.NDArray[np.str_], control: npt.NDArray[np.bool_], plates: npt.NDArray[np.str_], pools: dict[str, Rows], *, seed: int
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.bool_], npt.NDArray[np.str_], dict[str, Rows]]:
    """A third of each plate's controls, one a plate to each made-up treatment: their p-values must be uniform."""
    rng = np.random.default_rng(seed)
    names, played, rest = names.astype(object), np.zeros(len(control), dtype=bool), {}
    for plate, rows in pools.items():
        dealt = rng.permutation(rows)
        taken = dealt[: len(rows) // 3]
        names[taken] = [f"control {i}" for i in range(len(taken))]
        played[taken] = True
        rest[plate] = np.sort(dealt[len(rows) // 3 :])
    return names.astype(str), played, plates, rest


def _share(per: pd.DataFrame, name: str, group: str, *, seed: int) -> Score:
    found = per["hit"].to_numpy(dtype=float)
    return Score(TASK, name, group, "share of hits", float(found.mean()), *interval(found, seed=seed), 0.0, len(found))


# ---------------------------------------------------------------- dose
def responses(space: Numbers, plates: npt.NDArray[np.str_], pools: dict[str, Rows], /) -> Numbers:
    """The z of each well's distance to the mean of its plate's (other) controls; NaN on plates with fewer than four controls."""
    found = np.full(len(space), np.nan)
    for plate, controls in pools.items():
        c = len(controls)
        if c < 4:
            continue
        rows = np.flatnonzero(plates == plate)
        total = space[controls].sum(axis=0)
        own = np.isin(rows, controls)[:, None]
        # A control is compared with the others only; scaled so that both kinds of distance expect the same.
        means = np.where(own, (total - space[rows]) / (c - 1), total / c)
        d = np.linalg.norm(space[rows] - means, axis=1) / np.sqrt(1 + 1 / np.where(own[:, 0], c - 1, c))
        mine = d[own[:, 0]]
        middle = np.median(mine)
        spread = 1.4826 * np.median(np.abs(mine - middle))
        found[rows] = (d - middle) / spread if spread > 0 else np.nan
    return found


def hill(dose: Numbers, /, *, top: float, ec50: float, slope: float) -> Numbers:
    """f(x) = top x^h / (ec50^h + x^h)."""
    return np.asarray(top / (1 + (ec50 / dose) ** slope))


def fit_hill(dose: Numbers, response: Numbers, /) -> tuple[float, float, float]:
    """Top, ec50 and slope by bounded least squares from the best of several starts."""
    low, high = np.log(dose.min() / 10), np.log(dose.max() * 10)
    reach = max(1.0, 3 * float(np.abs(response).max()))
    bounds = ([-reach, low, 0.3], [reach, high, 8.0])

    def miss(p: Numbers) -> Numbers:
        return hill(dose, top=p[0], ec50=float(np.exp(p[1])), slope=p[2]) - response

    starts = [
        (float(np.clip(response[dose == dose.max()].mean(), -reach, reach)), at, 1.5) for at in np.quantile(np.log(dose), [0.2, 0.5, 0.8])
    ]
    best = min((least_squares(miss, start, bounds=bounds) for start in starts), key=lambda found: float(found.cost))
    return float(best.x[0]), float(np.exp(best.x[1])), float(best.x[2])


def benchmark_concentration(*, top: float, ec50: float, slope: float, response: float, highest: float) -> float:
    """The dose at which the curve reaches a response; NaN where that lies above the highest dose tried, or nowhere."""
    if top <= response:
        return float("nan")
    dose = ec50 * (response / (top - response)) ** (1 / slope)
    return float(dose) if dose <= highest else float("nan")


def dose_response(
    space: Numbers,
    obs: pd.DataFrame,
    plates: npt.NDArray[np.str_],
    pools: dict[str, Rows],
    treated: npt.NDArray[np.bool_],
    *,
    benchmark: float,
) -> pd.DataFrame:
    """One row a perturbation of four doses or more: top, ec50, slope, benchmark concentration, R^2 and the number of doses."""
    columns = ["perturbation", "top", "ec50", "slope", "benchmark_concentration", "r_squared", "doses", "wells"]
    if schema.CONCENTRATION not in obs:
        return pd.DataFrame(columns=columns)
    z = responses(space, plates, pools)
    dose = obs[schema.CONCENTRATION].astype(float).to_numpy()
    usable = np.flatnonzero(treated & np.isfinite(z) & (dose > 0))
    rows = []
    for name, members in pd.Series(usable).groupby(obs[schema.PERTURBATION].astype(str).to_numpy()[usable], sort=True):
        mine = members.to_numpy()
        tried = len(np.unique(dose[mine]))
        if tried < 4:
            continue
        top, ec50, slope = fit_hill(dose[mine], z[mine])
        rest = float(((z[mine] - hill(dose[mine], top=top, ec50=ec50, slope=slope)) ** 2).sum())
        total = float(((z[mine] - z[mine].mean()) ** 2).sum())
        at = benchmark_concentration(top=top, ec50=ec50, slope=slope, response=benchmark, highest=float(dose[mine].max()))
        rows.append((name, top, ec50, slope, at, 1 - rest / total if total > 0 else float("nan"), tried, len(mine)))
    return pd.DataFrame(rows, columns=columns)
