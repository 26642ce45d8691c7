"""Replicate detection: are the wells of a perturbation nearer to each other than to what they should differ from?

For each treated well, the other wells of its perturbation (positives) are ranked among negatives by cosine; average precision of
each ranking, mean per perturbation, mean over perturbations. Lu et al., CellCLIP, Eq. 12; Chandrasekaran et al. 2024; Kalinin et
al. 2025. The query is never in its own ranking.

Which positives: `level` any other well, or only wells of another batch, another source, or at another position.
Which negatives: `protocol` plate-controls (negative controls of the query's plate), plate-others (other perturbations of the
plate), all-others (other perturbations anywhere), copairs (plate-controls with that package's ties and null, number for number).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import profiles as tables
from impasto import ranking, schema
from impasto.evaluation import baselines, copairs, inputs, permutation
from impasto.evaluation.layout import LEVELS, Layout, Rows, Together, layout, together
from impasto.evaluation.tidy import Score, interval
from impasto.schema import InputError, one_of

TASK = "replicates"
PROTOCOLS = ("plate-controls", "plate-others", "all-others", "copairs")
_PLACE = (schema.BATCH, schema.PLATE, schema.WELL, schema.PERTURBATION, schema.PERTURBATION_NAME, schema.CONTROL_TYPE)
Floats = npt.NDArray[np.float32]


def average_precisions(vectors: Floats, where: Layout, /, *, protocol: str, device: str | None = None) -> pd.DataFrame:
    """One row a query: row, perturbation, average_precision, chance, positives, negatives. `vectors` are unit rows (n, width)."""
    if protocol == "copairs":
        return copairs.average_precisions(vectors, where)
    precision, positives, negatives = np.full(len(vectors), np.nan), np.zeros(len(vectors), int), np.zeros(len(vectors), int)
    for pairs in together(vectors, where):
        for name, mine in pairs.by_plate(where.plate) if protocol != "all-others" else [("", pairs)]:
            pool = _pool(where, name, protocol)
            if not len(pool):
                continue
            queries, rows = np.unique(mine.query, return_inverse=True)
            right = mine.are_right(where)
            left_out = _left_out(mine, rows, pool, size=len(vectors))
            precision[queries] = ranking.pool_average_precisions(
                vectors[queries], vectors[pool], rows[right], mine.similarity[right], left_out=left_out, device=device
            )
            positives[queries] = np.bincount(rows[right], minlength=len(queries))
            negatives[queries] = len(pool) - np.bincount(left_out[0], minlength=len(queries))
    kept = np.flatnonzero((positives > 0) & (negatives > 0))
    shapes, which = np.unique(np.stack([positives[kept], negatives[kept]]), axis=1, return_inverse=True)
    chance = np.array([ranking.chance_average_precision(int(p), int(q)) for p, q in shapes.T], dtype=float)
    columns = {
        "row": kept,
        schema.PERTURBATION: where.perturbation[kept],
        "average_precision": precision[kept],
        "chance": chance[which.ravel()],
        "positives": positives[kept],
        "negatives": negatives[kept],
    }
    return pd.DataFrame(columns)


def _pool(where: Layout, plate: str, protocol: str) -> Rows:
    if protocol == "plate-controls":
        return where.controls[plate]
    return np.flatnonzero(where.treated & (where.plate == plate)) if protocol == "plate-others" else np.flatnonzero(where.treated)


def _left_out(pairs: Together, rows: Rows, pool: Rows, *, size: int) -> tuple[Rows, Rows]:
    """Which wells of the pool are of the query's own perturbation: pairs of (number of the query, place in the pool), in order."""
    place = np.full(size, -1)
    place[pool] = np.arange(len(pool))
    column = place[pairs.partner]
    rows, column = rows[column >= 0], column[column >= 0]
    order = np.argsort(rows, kind="stable")
    return rows[order], column[order]


def evaluate(
    profiles: anndata.AnnData,
    /,
    *,
    protocol: str = "plate-controls",
    level: str = "any",
    draws: int = 1000,
    seed: int = 0,
    group: str = "profiles",
    with_baselines: bool = True,
    device: str | None = None,
    null: str = "copairs",
) -> tuple[list[Score], dict[str, pd.DataFrame]]:
    """Replicate detection with its baselines, at one level or, with `level="all"`, at each that the table can be ranked at.

    Returns the scores (mAP, and where negatives are the plate's controls the fraction of perturbations told from them at
    5 % false discovery), and two tables: `per_group`, one row a perturbation (mean average precision with its interval over wells,
    p, corrected p, chance, queries), and `per_well`, one row a well (its place and average precision). With all levels, `left_out`
    has those that cannot be ranked, and why. `device`: where wells are compared, such as "cuda"; on the processor by default. `null`:
    how `--protocol copairs` draws its rankings (copairs.py).

    Raises InputError where nothing can be ranked: no replicates at this level, or no negatives.
    """
    one_of(protocol, PROTOCOLS, what="protocol of replicates")
    chosen = Chosen(protocol, draws, seed, group, with_baselines, device, null)
    if level != "all":
        return _at(profiles, level, chosen)
    scores: list[Score] = []
    details: dict[str, list[pd.DataFrame]] = {}
    left_out: list[dict[str, str]] = []
    for each in LEVELS:
        try:
            found, detail = _at(profiles, each, chosen)
        except InputError as error:
            left_out.append({"profiles": group, "level": each, "reason": str(error)})
            continue
        scores += found
        for name, frame in detail.items():
            details.setdefault(name, []).append(frame)
    if not scores:
        raise InputError(left_out[0]["reason"])
    joined = {name: pd.concat(frames, ignore_index=True) for name, frames in details.items()}
    return scores, joined | ({"left_out": pd.DataFrame(left_out)} if left_out else {})


@dataclass(frozen=True)
class Chosen:
    """How to rank and test, whatever the level."""

    protocol: str
    draws: int
    seed: int
    group: str
    with_baselines: bool
    device: str | None
    null: str


def _at(profiles: anndata.AnnData, level: str, chosen: Chosen) -> tuple[list[Score], dict[str, pd.DataFrame]]:
    """The scores and tables at one level."""
    protocol, draws, seed, group = chosen.protocol, chosen.draws, chosen.seed, chosen.group
    where = layout(_named_once(profiles.obs), level=level)
    values = inputs.finite(profiles)
    vectors = ranking.unit(values)
    name = f"{protocol}, level={level}"
    # copairs scales rows itself, with its own roundings.
    detail = average_precisions(values if protocol == "copairs" else vectors, where, protocol=protocol, device=chosen.device)
    if detail.empty:
        raise InputError(
            f"{name}: none of the {int(where.treated.sum())} treated wells has both a replicate at that level and a negative to be ranked "
            "against; choose another --protocol or --level, or mark the negative controls"
        )
    per = _per_perturbation(detail)
    per[["low", "high"]] = _intervals(detail, seed=seed)
    tested = protocol == "copairs" or (protocol == "plate-controls" and level != "position")
    if tested:
        names = per[schema.PERTURBATION].astype(str)
        if protocol == "copairs":
            per["p_value"] = copairs.p_values(detail, draws=draws, seed=seed, null=chosen.null).reindex(names).to_numpy()
        else:
            per["p_value"] = permutation.p_values(vectors, where, names.tolist(), draws=draws, seed=seed)
        per["corrected_p_value"] = permutation.benjamini_hochberg(per["p_value"].to_numpy())
    scores = [_mean(per, name, group, seed=seed)]
    if tested:
        found = (per["corrected_p_value"] < 0.05).to_numpy(dtype=float)
        scores.append(Score(TASK, name, group, "fraction retrieved", float(found.mean()), *interval(found, seed=seed), None, len(per)))
    if chosen.with_baselines:
        scores += _baselines(profiles, where, name, chosen, vectors=vectors, among=per[schema.PERTURBATION])
    places = profiles.obs.iloc[detail["row"]][[c for c in _PLACE if c in profiles.obs]].reset_index(drop=True)
    wells = pd.concat([places, detail.drop(columns=["row", schema.PERTURBATION])], axis=1)
    return scores, {"per_group": per.assign(profiles=group, protocol=name), "per_well": wells.assign(profiles=group, protocol=name)}


def _named_once(obs: pd.DataFrame) -> pd.DataFrame:
    """One compound bought twice has two names and one InChIKey: its wells are replicates, never negatives, of each other."""
    return obs.assign(**{schema.PERTURBATION: tables.one_name(obs)}) if schema.PERTURBATION in obs else obs


def _per_perturbation(detail: pd.DataFrame) -> pd.DataFrame:
    grouped = detail.groupby(schema.PERTURBATION, sort=True)
    per = grouped[["average_precision", "chance"]].mean().rename(columns={"average_precision": "mean_average_precision"})
    return per.assign(queries=grouped.size(), positives=grouped["positives"].mean(), negatives=grouped["negatives"].mean()).reset_index()


def _intervals(detail: pd.DataFrame, *, seed: int) -> npt.NDArray[np.float64]:
    """95 % bootstrap interval (perturbations, 2) of each perturbation's mean over its wells; NaN for fewer than three wells."""
    ordered = [values.to_numpy() for _, values in detail.groupby(schema.PERTURBATION, sort=True)["average_precision"]]
    return np.array([interval(values, seed=seed) for values in ordered], dtype=np.float64)


def _mean(per: pd.DataFrame, protocol: str, group: str, *, seed: int) -> Score:
    values = per["mean_average_precision"].to_numpy()
    low, high = interval(values, seed=seed)
    return Score(TASK, protocol, group, "mAP", float(values.mean()), low, high, float(per["chance"].mean()), len(per))


def _baselines(profiles: anndata.AnnData, where: Layout, name: str, chosen: Chosen, *, vectors: Floats, among: pd.Series) -> list[Score]:
    """Position only, cell count only, and the same profiles under shuffled labels: the three answers to "compared with what?".

    Scored over the same perturbations: where few have wells at other positions, dealing the labels anew would give all of them some.
    """
    stand_ins = [(group, values, where) for group, values in baselines.stand_ins(profiles)]
    stand_ins.append(("shuffled labels", vectors, _shuffled(where, seed=chosen.seed)))
    rank = partial(average_precisions, protocol=chosen.protocol, device=chosen.device)
    tested = ((group, rank(ranking.unit(values), spots)) for group, values, spots in stand_ins)
    same = ((group, detail[detail[schema.PERTURBATION].isin(among)]) for group, detail in tested)
    return [_mean(_per_perturbation(detail), name, group, seed=chosen.seed) for group, detail in same if not detail.empty]


def _shuffled(where: Layout, *, seed: int) -> Layout:
    """The same wells with their perturbations dealt anew within each plate."""
    rng = np.random.default_rng(seed)
    labels = where.perturbation.copy()
    for plate in np.unique(where.plate):
        mine = np.flatnonzero(where.treated & (where.plate == plate))
        labels[mine] = labels[rng.permutation(mine)]
    return Layout(labels, where.plate, where.treated, where.controls, where.apart)
