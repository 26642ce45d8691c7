"""Shortcuts: could the label be predicted without morphology, and what is left of the score without that help?

Shortcuts are cell count or its stand-in, total intensity, plate, row, column, edge and position. Of each:

- `explained`: the share of its variance that lies between labels, R^2 = 1 - SS within / SS total. Beside it stand its chance
  (g - 1) / (n - 1) for g labels and n wells, and a permutation p-value. Labels are shuffled within each plate, over all wells for the
  plate itself.
- `mAP left`: the profiles' score after the shortcut is regressed out of every feature (numbers with their square, categories one-hot).
- `mAP alone`: the score of the shortcut by itself.
- `flagged`: 1 where p < .01 and either the shortcut alone scores as well as the profiles, or less than half of the score above chance is
  left.

A real effect may well change intensity: it is flagged only where nothing else speaks for the label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import ranking, schema, wells
from impasto.evaluation import baselines, inputs, protocols, replicates, tidy, units
from impasto.evaluation.inputs import Table
from impasto.evaluation.layout import Layout, layout
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score
from impasto.evaluation.units import Units
from impasto.schema import InputError, one_of
from impasto.statistics import jackknife
from impasto.statistics.interval import none
from impasto.statistics.jackknife import LeftOut
from impasto.statistics.shuffles import MOST_SHUFFLES

TASK = "shortcuts"
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
LEVEL_OF_FLAG = 0.01


@dataclass(frozen=True)
class Shortcut:
    """A nuisance as numbers.

    Attributes
    ----------
    name
        What it is called.
    columns
        (n, q) a number and its square, or a category one-hot.
    alone
        (n, width) unit rows to rank by.
    within_plate
        Whether labels are shuffled within plates for its p-value.

    """

    name: str
    columns: Numbers
    alone: Floats
    within_plate: bool = True


def shortcuts(profiles: anndata.AnnData, /) -> list[Shortcut]:
    """The shortcuts that a table allows to be tested.

    Parameters
    ----------
    profiles
        One row a well.

    Returns
    -------
    list[Shortcut]
        Those whose columns vary.

    """
    obs = profiles.obs
    plates, _ = wells.plates(obs)
    tested = []
    count = baselines.count_only(profiles)
    if count is not None:
        tested.append(_number(count[1], np.arctan2(count[0][:, 1], count[0][:, 0]).astype(float), plates))
    kinds = profiles.var["group"] if "group" in profiles.var else [None] * profiles.n_vars
    intensity = [i for i, (kind, name) in enumerate(zip(kinds, profiles.var_names, strict=True)) if _is_total(kind, name)]
    if intensity:
        tested.append(
            _number("total intensity", wells.finite(profiles, task="the shortcut audit")[:, intensity].mean(axis=1).astype(float), plates)
        )
    if plates.max() > 0:
        tested.append(_category("plate", plates, within_plate=False))
    if schema.WELL in obs:
        row, column = wells.place(obs)
        edge = (row == row.min()) | (row == row.max()) | (column == column.min()) | (column == column.max())
        lines = [_category("row", row), _category("column", column)]
        whole = np.concatenate([line.columns for line in lines], axis=1)
        tested += [*lines, _category("edge", edge.astype(np.intp)), Shortcut("position", whole, whole.astype(np.float32))]
    return [s for s in tested if s.columns.shape[1] and s.columns.var(axis=0).max() > 0]


def _is_total(group: str, name: str) -> bool:
    return group == "Intensity" and ("MeanIntensity_" in name or "IntegratedIntensity_" in name)


def _number(name: str, values: Numbers, plates: Codes) -> Shortcut:
    """Values relative to their plate, by rank, so that a heavy tail does not speak for all."""
    frame = pd.Series(values).groupby(plates).rank(pct=True).fillna(0.5).to_numpy() - 0.5
    angle = (frame + 0.5) * np.pi / 2
    return Shortcut(name, np.stack([frame, frame**2], axis=1), np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32))


def _category(name: str, codes: npt.NDArray[np.integer], *, within_plate: bool = True) -> Shortcut:
    one_hot = np.eye(int(codes.max()) + 1)[codes]
    used = one_hot[:, one_hot.any(axis=0)]
    return Shortcut(name, used, used.astype(np.float32), within_plate)


def explained(columns: Numbers, labels: Codes, /) -> float:
    """R^2 = 1 - SS within labels / SS total, over all columns together.

    Parameters
    ----------
    columns
        (n, q).
    labels
        (n,) codes from 0.

    Returns
    -------
    float
        The share, 0 where no column varies.

    """
    centred = columns - columns.mean(axis=0)
    total = float((centred**2).sum())
    sizes = np.bincount(labels)
    sums = np.stack([np.bincount(labels, weights=column) for column in centred.T], axis=1)
    between = float(((sums**2).sum(axis=1) / np.maximum(sizes, 1)).sum())
    return between / total if total > 0 else 0.0


def without(values: Floats, columns: Numbers, /) -> Floats:
    """The residuals of all features after least squares on the shortcut's columns and a constant.

    Parameters
    ----------
    values
        (n, d).
    columns
        (n, q).

    Returns
    -------
    Floats
        (n, d)

    """
    design = np.concatenate([np.ones((len(columns), 1)), columns], axis=1)
    basis, size, _ = np.linalg.svd(design, full_matrices=False)
    basis = basis[:, size > 1e-10 * size[0]]
    return (values - basis @ (basis.T @ values)).astype(np.float32)


def evaluate(
    profiles: Table,
    /,
    *,
    label: str = schema.PERTURBATION,
    pool_doses: bool = False,
    protocol: protocols.Ranked = "plate-others",
    draws: int = 500,
    seed: int = 0,
) -> Result:
    """The audit of every shortcut that the table allows to be tested.

    Parameters
    ----------
    profiles
        One row a well.
    label
        The column that may be predicted without morphology.
    pool_doses
        Whether all doses of a perturbation are one label.
    protocol
        How the score is ranked, as in replicate detection.
    draws
        Permutations of the p-value.
    seed
        Of permutations and groups of labels.

    Returns
    -------
    Result
        The scores. `per_group`: one row a shortcut, with everything that decided its flag.

    Raises
    ------
    InputError
        Where no label occurs twice.

    """
    one_of(protocol, get_args(protocols.Ranked), what="protocol of shortcuts")
    profiles = inputs.as_profiles(profiles, task="the shortcut audit")
    wells.require(profiles.obs, [label], task="the shortcut audit")
    obs = profiles.obs
    by_perturbation = label == schema.PERTURBATION
    where = layout(obs, level="any", pool_doses=pool_doses, labels=None if by_perturbation else obs[label].astype("string"))
    values = wells.finite(profiles, task="the shortcut audit")
    name = f"{protocol}, label={label}{inputs.dose_words(obs, pool_doses=pool_doses) if by_perturbation else ''}"
    own = _score(values, where, obs, protocol, name, OWN, metric="mAP", seed=seed, shuffles=MOST_SHUFFLES)
    if own is None or own.chance is None:
        raise InputError(f"no {label} occurs in two wells that can be ranked; name another column with --set label=COLUMN")
    codes, _ = inputs.groups(pd.Series(where.perturbation[where.treated]))
    word = units.kind_of(obs[where.treated]) if by_perturbation else "label"
    labels = units.of_codes(where.compound[where.treated], where.perturbation[where.treated], word=word)
    scores, rows = [own], []
    for shortcut in shortcuts(profiles):
        residuals = without(values, shortcut.columns)
        left = _score(residuals, where, obs, protocol, name, f"without {shortcut.name}", metric="mAP left", seed=seed, chance=own.chance)
        alone = _score(
            shortcut.alone, where, obs, protocol, name, f"{shortcut.name} only", metric="mAP alone", seed=seed, chance=own.chance
        )
        if left is None or alone is None:
            continue
        columns = shortcut.columns[where.treated]
        plates = where.plate[where.treated] if shortcut.within_plate else np.full(len(codes), "")
        share, p = _association(columns, codes, plates, draws=draws, seed=seed)
        chance = codes.max() / (len(codes) - 1)
        flagged = is_flagged(p=p, score=own.value, chance=own.chance, left=left.value, alone=alone.value)
        part = _share_left_out(columns, codes, labels, seed=seed)
        interval = jackknife.of_score(part, unit=labels.word)
        row = (TASK, name, shortcut.name, "explained by label", share, interval)
        scores.append(tidy.score(*row, chance=chance, n=len(codes), p_chance=p, parts=[part], units=labels.digest))
        scores += [left, alone]
        verdict = none(unit=labels.word, clusters=len(labels), method="", why="a verdict, not a measurement")
        scores.append(tidy.score(TASK, name, shortcut.name, "flagged", float(flagged), verdict, chance=None, n=len(codes)))
        rows.append({"shortcut": shortcut.name, "explained": share, "chance": chance, "p_value": p, "mAP": own.value})
        rows[-1] |= {"mAP_chance": own.chance, "mAP_left": left.value, "mAP_alone": alone.value, "flagged": flagged, "profiles": OWN}
    return Result.of(scores, per_group=pd.DataFrame(rows))


def is_flagged(*, p: float, score: float, chance: float, left: float, alone: float) -> bool:
    """Whether a shortcut accounts for a score: it depends on the label beyond doubt, and scores as well alone or makes up over half.

    Parameters
    ----------
    p
        The permutation p-value that the shortcut depends on the label.
    score
        The score of the profiles.
    chance
        The score by chance.
    left
        The score without the shortcut.
    alone
        The score of the shortcut by itself.

    Returns
    -------
    bool
        Whether it is flagged.

    """
    excess = score - chance
    return p < LEVEL_OF_FLAG and excess > 0 and (alone >= score or left - chance < 0.5 * excess)


def _association(columns: Numbers, labels: Codes, plates: npt.NDArray[np.str_], *, draws: int, seed: int) -> tuple[float, float]:
    """R^2, and the share of shuffles of the labels within plates that explain as much."""
    rng = np.random.default_rng(seed)
    observed = explained(columns, labels)
    order = np.argsort(plates, kind="stable")
    parts = np.split(order, np.flatnonzero(plates[order][1:] != plates[order][:-1]) + 1)
    shuffled, hits = labels.copy(), 0
    for _ in range(draws):
        for rows in parts:
            shuffled[rows] = labels[rng.permutation(rows)]
        hits += explained(columns, shuffled) >= observed - 1e-12
    return observed, (1 + hits) / (1 + draws)


def _share_left_out(columns: Numbers, codes: Codes, labels: Units, *, seed: int) -> LeftOut:
    """R^2 without groups of labels, each with all of its wells."""

    def score(keep: npt.NDArray[np.bool_]) -> float:
        stays = keep[labels.of]
        return explained(columns[stays], np.unique(codes[stays], return_inverse=True)[1].ravel()) if stays.any() else float("nan")

    return jackknife.leave_out(score, len(labels), seed=seed, pairs=False)


def _score(
    values: Floats,
    where: Layout,
    obs: pd.DataFrame,
    protocol: protocols.Ranked,
    name: str,
    group: str,
    *,
    metric: str,
    seed: int,
    shuffles: int = 0,
    chance: float | None = None,
) -> Score | None:
    vectors = ranking.unit(values)
    detail = replicates.average_precisions(vectors, where, protocol=protocol)
    if detail.empty:
        return None
    scored = replicates.of_detail(detail, vectors, where, obs, protocol=protocol, seed=seed)
    return replicates.score_of(scored, name, group, shuffles=shuffles, task=TASK, metric=metric, chance=chance)
