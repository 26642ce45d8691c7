"""A p-value for "this perturbation is told from the negative controls", valid whatever the layout.

Under the null hypothesis a treated well is just another negative control of its plate. So, jointly over all plates of a
perturbation, each treated well is exchanged with itself or one of its plate's controls, drawn at random, and the mean average
precision is computed anew: p = (1 + #{null >= observed}) / (1 + draws), ties counted. The draws respect that the queries of one
perturbation share their positives and that plates differ in their number of controls; nulls of independent random rankings do
neither.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def null_scores(
    pools: list[tuple[Floats, int]], /, *, draws: int, seed: int, apart: Sequence[str] | None = None
) -> tuple[float, npt.NDArray[np.float64]]:
    """The observed mean average precision of one perturbation, and its null distribution (draws,).

    Parameters
    ----------
    pools
        One entry a plate: unit rows (k + c, width) of its k treated wells, then its c controls, and k.
    draws
        Size of the null sample.
    seed
        Of the draws.
    apart
        The batch (or source) of each plate, where positives must be of another one; else every other well of the perturbation is one.

    """
    rng = np.random.default_rng(seed)
    picks = [_pick(len(values), treated, draws=draws, rng=rng) for values, treated in pools]
    total, queries = np.zeros(draws + 1), np.zeros(draws + 1)
    for plate, (values, treated) in enumerate(pools):
        within = values @ values.T
        across = [values @ others.T for others, _ in pools]
        for query in range(treated):
            mine = picks[plate][:, query]
            negatives = _sorted_negatives(within, picks[plate], mine)
            scores = [
                across[other][mine, picks[other][:, partner]]
                for other, (_, partners) in enumerate(pools)
                for partner in range(partners)
                if not (other == plate and partner == query) and (apart is None or apart[other] != apart[plate])
            ]
            if scores:
                total += _precision(np.stack(scores, axis=1), negatives)
                queries += 1
    means = total / np.maximum(queries, 1)
    return float(means[0]), means[1:]


def p_value(observed: float, null: npt.NDArray[np.float64], /) -> float:
    """(1 + #{null >= observed}) / (1 + draws), with a tolerance for rounding so that ties count."""
    return float((1 + (null >= observed - 1e-9).sum()) / (1 + len(null)))


def _pick(size: int, treated: int, *, draws: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Which `treated` members of a pool play the treated wells (draws + 1, treated); the first row is the truth."""
    chosen = np.empty((draws + 1, treated), dtype=np.intp)
    chosen[0] = np.arange(treated)
    if treated == 1:
        chosen[1:, 0] = rng.integers(0, size, draws)
    else:
        chosen[1:] = np.argsort(rng.random((draws, size)), axis=1)[:, :treated]
    return chosen


def _sorted_negatives(within: Floats, picked: npt.NDArray[np.intp], query: npt.NDArray[np.intp]) -> Floats:
    """Similarities of each draw's query to the members of the pool that play the controls: (draws + 1, c), ascending."""
    scores = within[query].copy()
    np.put_along_axis(scores, picked, np.inf, axis=1)
    scores.sort(axis=1)
    return scores[:, : within.shape[0] - picked.shape[1]]


def _precision(positives: Floats, negatives: Floats) -> npt.NDArray[np.float64]:
    """Average precision of every draw, ties averaged, by counting the negatives at or above each positive."""
    ordered = -np.sort(-positives, axis=1)
    found = np.arange(1, ordered.shape[1] + 1)
    above = np.stack(
        [(negatives > ordered[:, [j]]).sum(axis=1) + 0.5 * (negatives == ordered[:, [j]]).sum(axis=1) for j in range(len(found))], axis=1
    )
    return (found / (found + above)).mean(axis=1)


def benjamini_hochberg(p_values: npt.NDArray[np.float64], /) -> npt.NDArray[np.float64]:
    """Adjusted p-values (Benjamini & Hochberg 1995); NaN stays NaN."""
    adjusted = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known])]
    scaled = p_values[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return adjusted
