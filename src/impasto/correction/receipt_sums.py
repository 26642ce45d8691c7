"""The sums that a receipt is made from: of plates, of rows and columns of plates, and with the cell count.

    share of a factor    sum over groups g of n_g (mean_g - mean)^2  over  sum over rows of (x - mean)^2,     a feature at a time
    share of the count   (sum of (x - mean)(c - mean of c))^2  over  the two sums of squares

Values beyond a feature's limit, the 99.9 % quantile of its absolute values, become the limit: a handful of wells at 1e5 would be all the
variance there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import profiles as tables
from impasto import schema, wells
from impasto.correction.base import Array, Floats
from impasto.correction.group_names import groups_of, places_of
from impasto.scale import sums
from impasto.scale.sums import Moments, Part

ROW, COLUMN, CELLS = "row", "column", "cell count"
WHEN = ("before", "after")
CHUNK = sums.CHUNK
_QUANTILE = 0.999
_FLAT = 1e-9
Pair = tuple[anndata.AnnData, anndata.AnnData]


def limits(values: Sequence[Floats], /) -> Array:
    """The largest absolute value of each feature that counts.

    Parameters
    ----------
    values
        (n, features) rows of each plate.

    Returns
    -------
    Array
        (features,).

    """
    whole = np.concatenate(values).astype(np.float64)
    return np.asarray(np.quantile(np.abs(_known(whole)), _QUANTILE, axis=0))


def _known(values: Array) -> Array:
    return np.nan_to_num(values, posinf=0.0, neginf=0.0)


def summarise(pairs: Iterable[Pair], limits_of: Mapping[str, Array], /) -> Part:
    """The sums of some plates before and after a correction.

    Parameters
    ----------
    pairs
        The same rows of a plate before and after.
    limits_of
        `before` and `after` -> the limit of each feature.

    Returns
    -------
    Part
        What `explained` needs of these plates.

    """
    per_plate: dict[str, list[Any]] = {}
    lines: dict[str, tuple[Array, Array]] = {}
    annotation: list[pd.DataFrame] = []
    for pair in pairs:
        obs = pair[0].obs
        annotation.append(obs.iloc[:1])
        places = dict(zip((ROW, COLUMN), wells.place(obs), strict=True)) if schema.WELL in obs else {}
        counts = obs[schema.CELL_COUNT].astype(float).to_numpy() if schema.CELL_COUNT in obs else None
        for when, plate in zip(WHEN, pair, strict=True):
            limit = limits_of[when]
            values = np.clip(_known(tables.dense(plate).astype(np.float64)), -limit, limit)
            for name, value in _of_plate(values, counts).items():
                per_plate.setdefault(f"{when}.{name}", []).append(value)
            for factor, codes in places.items():
                _add_lines(lines, f"{when}.{factor}", codes, values)
    arrays = {name: np.array(value) for name, value in per_plate.items()}
    for name, (total, count) in lines.items():
        arrays |= {f"{name}.sums": total, f"{name}.counts": count}
    there = [word for word in (schema.SOURCE, schema.BATCH, schema.PLATE) if annotation and word in annotation[0]]
    return Part(arrays, {**places_of(annotation), "there": there})


def _of_plate(values: Array, counts: Array | None) -> dict[str, Array | float]:
    mean = values.mean(axis=0)
    centred = values - mean
    own: dict[str, Array | float] = {"rows": float(len(values)), "means": mean, "squares": np.einsum("ij,ij->j", centred, centred)}
    if counts is not None:
        known = np.isfinite(counts)
        numbers, chosen = counts[known], values[known]
        centre = numbers.mean() if len(numbers) else 0.0
        own_mean = chosen.mean(axis=0) if len(chosen) else np.zeros(values.shape[1])
        own |= {
            "counted": float(known.sum()),
            "count_mean": float(centre),
            "count_squares": float(((numbers - centre) ** 2).sum()),
            "counted_means": own_mean,
            "products": (chosen - own_mean).T @ (numbers - centre),
        }
    return own


def _add_lines(lines: dict[str, tuple[Array, Array]], name: str, codes: wells.Codes, values: Array) -> None:
    size = max(int(codes.max(initial=-1)) + 1, len(lines[name][1]) if name in lines else 0)
    total, count = np.zeros((size, values.shape[1])), np.zeros(size)
    if name in lines:
        total[: len(lines[name][1])], count[: len(lines[name][1])] = lines[name]
    np.add.at(total, codes, values)
    count += np.bincount(codes, minlength=size)
    lines[name] = total, count


def explained(parts: Sequence[Part], /) -> dict[str, dict[str, float]]:
    """How much of the variance each factor explains, before and after.

    Parameters
    ----------
    parts
        What `summarise` gave, in the order of the plates.

    Returns
    -------
    dict[str, dict[str, float]]
        Factor -> `before` and `after`, chance taken off, 0 to 1. Factors of one group, or of as many as rows, are left out.

    """
    words = {word: [name for part in parts for name in part.words[word]] for word in parts[0].words if word != "there"}
    shares: dict[str, dict[str, float]] = {}
    for when in WHEN:
        joined = {n: np.concatenate([p.arrays[f"{when}.{n}"] for p in parts]) for n in ("rows", "means", "squares")}
        whole = Moments(joined["rows"], joined["means"], joined["squares"])
        groups = {word: _grouped(whole, groups_of(words, word)) for word in parts[0].words["there"]}
        lines = {line: _lines_of(parts, f"{when}.{line}") for line in (ROW, COLUMN)}
        groups |= {line: of_lines for line, of_lines in lines.items() if of_lines is not None}
        for factor, (means, counts) in groups.items():
            if 1 < len(counts) < whole.count:
                shares.setdefault(factor, {})[when] = explained_share(means, counts, whole)
        if f"{when}.counted" in parts[0].arrays:
            shares.setdefault(CELLS, {})[when] = _counted_share(parts, when, whole)
    return shares


def _grouped(whole: Moments, names: Sequence[str]) -> tuple[Array, Array]:
    """Mean and rows of each group of plates."""
    codes = np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)[1]
    counts: Array = np.bincount(codes, weights=whole.counts).astype(np.float64)
    total = np.zeros((len(counts), whole.means.shape[1]))
    np.add.at(total, codes, whole.means * whole.counts[:, None])
    return total / counts[:, None], counts


def _lines_of(parts: Sequence[Part], name: str) -> tuple[Array, Array] | None:
    """Mean and rows of each row or column of plates that has any."""
    if f"{name}.sums" not in parts[0].arrays:
        return None
    counts = [np.asarray(part.arrays[f"{name}.counts"], dtype=np.float64) for part in parts]
    count = np.zeros(max(map(len, counts)))
    total: Array | None = None
    for part, own in zip(parts, counts, strict=True):
        added = np.asarray(part.arrays[f"{name}.sums"])
        total = np.zeros((len(count), added.shape[1])) if total is None else total
        count[: len(own)] += own
        total[: len(own)] += added
    assert total is not None
    return total[count > 0] / count[count > 0][:, None], count[count > 0]


def _varying(whole: Moments) -> npt.NDArray[np.bool_]:
    return np.asarray(np.sqrt(whole.squares_of_all / whole.count) > _FLAT)


def explained_share(means: Array, counts: Array, whole: Moments, /) -> float:
    """Share of the variance that lies between groups, chance taken off.

    Parameters
    ----------
    means
        (groups, features) the mean of each group.
    counts
        (groups,) its rows.
    whole
        The moments of all rows.

    Returns
    -------
    float
        At least 0, at most 1: the mean over the features that vary.

    """
    varies, total = _varying(whole), whole.squares_of_all
    between = (counts[:, None] * (means - whole.mean) ** 2).sum(axis=0)
    share = float(np.mean(between[varies] / total[varies])) if varies.any() else 0.0
    chance = (len(counts) - 1) / (whole.count - 1)
    return max(0.0, (share - chance) / (1 - chance))


def _counted_share(parts: Sequence[Part], when: str, whole: Moments) -> float:
    """Mean squared correlation of the features with the cell count, chance 1/(n - 1) taken off; 0 where it says nothing."""
    names = ("counted", "count_mean", "count_squares", "counted_means", "products")
    n, centre, squares, means, products = (np.concatenate([p.arrays[f"{when}.{name}"] for p in parts]) for name in names)
    count = float(n.sum())
    if count < 3:
        return 0.0
    apart = centre - float(n @ centre) / count
    spread = float(squares.sum() + n @ apart**2)
    if spread <= 0:
        return 0.0
    varies = _varying(whole)
    product = products.sum(axis=0) + (means - n @ means / count).T @ (n * apart)
    sd = np.sqrt(whole.squares_of_all[varies] / whole.count)
    correlation = product[varies] / (sd * count * np.sqrt(spread / count))
    chance = 1 / (count - 1)
    return max(0.0, (float(np.mean(correlation**2)) - chance) / (1 - chance)) if varies.any() else 0.0


def stacked(parts: Sequence[anndata.AnnData], /) -> anndata.AnnData:
    """Plates of the same features, one below the other.

    Parameters
    ----------
    parts
        At least one.

    Returns
    -------
    anndata.AnnData
        All rows.

    """
    obs = pd.concat([part.obs for part in parts], ignore_index=True)
    obs.index = obs.index.astype(str)
    values = np.concatenate([np.asarray(part.X, dtype=np.float32) for part in parts])
    return anndata.AnnData(X=values, obs=obs, var=parts[0].var.copy(), uns=dict(parts[0].uns))
