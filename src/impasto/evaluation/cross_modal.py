"""Cross-modal retrieval: does a profile find its perturbation's text, and a text its profile?

R@k = share of queries whose partner is among the k nearest; Lu et al., CellCLIP, section 4.1, Eq. 10 and 11. There are two pools:

    unique  perturbations that are written with the same text are one candidate, and each of their profiles is a right answer
    pairs   Eq. 11 as printed: N profiles, the text of each, N x N similarities; only a query's own partner is right. Equal texts (guides of
            one gene) are candidates side by side, and share the mean of their ranks

Where all texts differ, and each perturbation has one profile, the pools are the same.
Chance is exact: for a query with p right answers among m candidates, 1 - C(m - p, k) / C(m, k); among pairs with equal texts as
`tied_chance` has it.
Pairs were sampled: a perturbation with its text and its profiles; those that share a text are one. How sure a score is:
`cross_modal_scores`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field
from scipy.special import gammaln

from impasto import ranking, schema, wells
from impasto.evaluation import inputs, tidy
from impasto.evaluation.cross_modal_scores import Direction, Gain, sampled
from impasto.evaluation.inputs import Table
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score
from impasto.evaluation.tied_chance import expected_gain
from impasto.schema import InputError
from impasto.statistics.interval import none
from impasto.statistics.shuffles import MOST_SHUFFLES

KS = (1, 5, 10)
TASK = "cross-modal"
POOLS = {"unique": "unique candidates", "pairs": "all pairs"}
"""Pool -> what a protocol says of it."""


def evaluate(
    profiles: Table,
    /,
    *,
    split: str = "test",
    ks: tuple[int, ...] = KS,
    pool: Literal["unique", "pairs", "both"] = "unique",
    shuffles: Annotated[int, Field(ge=0)] = MOST_SHUFFLES,
    seed: int = 0,
    device: str | None = None,
) -> Result:
    """R@k, median rank and mean reciprocal rank, both directions, over the perturbations of one part of the split.

    Parameters
    ----------
    profiles
        A joint space, as `impasto embed` writes it: rows of modality profile (level perturbation where there are any) and of modality
        perturbation.
    split
        The part of the column `split`, or `all`.
    ks
        The k of R@k.
    pool
        What a query is ranked among: unique candidates, the partners of all pairs, or both, one after the other.
    shuffles
        How often pairs are shuffled at most to ask whether a score is above chance; 0 for never.
    seed
        Of shuffles and groups of pairs.
    device
        Where vectors are compared, such as `cuda`; on the processor by default.

    Returns
    -------
    Result
        The scores. `n` counts the queries; those of one direction are the candidates of the other.

    Raises
    ------
    InputError
        Where the part of the split has no profiles or no perturbations, or no profile has a perturbation of its name.

    """
    space = inputs.as_profiles(profiles, task="cross-modal retrieval", joint=True)
    wells.require(space.obs, ["modality", schema.PERTURBATION], task="cross-modal retrieval")
    obs = space.obs
    # Another name or dose of the same compound is no wrong answer. A row without a name has no partner.
    names = wells.compounds(obs)
    chosen = names.notna().to_numpy(dtype=bool, copy=True)
    if schema.SPLIT in obs and split != "all":
        chosen &= (obs[schema.SPLIT] == split).to_numpy(dtype=bool)
    is_text = (obs["modality"] == "perturbation").to_numpy(dtype=bool) & chosen
    is_profile = (obs["modality"] == "profile").to_numpy(dtype=bool) & chosen
    if "level" in obs:
        is_profile &= (obs["level"] == "perturbation").to_numpy(dtype=bool)
    if not is_text.any() or not is_profile.any():
        has = f"{int(is_profile.sum())} profiles and {int(is_text.sum())} perturbations"
        raise InputError(f"split {split!r} has {has}; both are needed: choose train, validation, test or all with --set split=")
    vectors = ranking.unit(wells.finite(space, task="cross-modal retrieval"))
    written = obs[schema.PERTURBATION].where(obs[schema.PERTURBATION].notna(), names).astype(object)
    sides = _Sides(*(_Side(vectors[own], names[own].to_numpy(dtype=object), written[own].to_numpy()) for own in (is_profile, is_text)))
    scores: list[Score] = []
    for one in ("unique", "pairs") if pool == "both" else (pool,):
        ask = partial(_scores, protocol=f"split={split}, {POOLS[one]}", ks=ks, shuffles=shuffles)
        there, back = (_among_unique if one == "unique" else _among_pairs)(sides, seed, device)
        scores += ask("profile to perturbation", there) + ask("perturbation to profile", back)
    return Result.of(scores)


class _Side(NamedTuple):
    """Unit vectors of one side, the compound of each row, and the name that is written there."""

    vectors: npt.NDArray[np.float32]
    compounds: npt.NDArray[np.object_]
    names: npt.NDArray[np.object_]


class _Sides(NamedTuple):
    profiles: _Side
    texts: _Side


def _among_unique(sides: _Sides, seed: int, device: str | None) -> tuple[Direction, Direction]:
    """Both directions among unique candidates."""
    profiles, (texts, which) = sides.profiles.vectors, _unique(sides.texts.vectors)
    matches = _matches(sides.profiles.compounds, sides.texts.compounds, which)
    order = np.argsort(matches[1], kind="stable")
    turned = matches[1][order], matches[0][order]
    pairs = sampled(sides.profiles.compounds, sides.texts.compounds, which)
    # The unit of each profile, then that of each candidate text.
    n, m = len(profiles), len(texts)
    there = Direction(profiles, texts, np.arange(m), matches, pairs, slice(0, n), slice(n, None), seed, device)
    return there, Direction(texts, profiles, np.arange(n), turned, pairs, slice(n, None), slice(0, n), seed, device)


def _among_pairs(sides: _Sides, seed: int, device: str | None) -> tuple[Direction, Direction]:
    """Both directions among N pairs of a profile and a text of its name; row i of both sides is pair i."""
    left, right = _matches(sides.profiles.names, sides.texts.names, np.arange(len(sides.texts.names)))
    if not len(left):
        raise InputError("no profile has a perturbation of its own name, so there are no pairs; see the column perturbation")
    profiles, of_profile = _unique(sides.profiles.vectors[left])
    texts, of_text = _unique(sides.texts.vectors[right])
    units = sampled(sides.profiles.compounds[left], sides.texts.compounds[right], of_text)
    # The unit of the profile of each pair is that of its text too.
    n, own = len(left), (np.arange(len(left)), np.arange(len(left)))
    both = (own, units, slice(0, n), slice(0, n), seed, device, True)
    return Direction(profiles[of_profile], texts, of_text, *both), Direction(texts[of_text], profiles, of_profile, *both)


def _unique(texts: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], ranking.Rows]:
    """Candidates with the same vector merged into one (m, width), and which one each text became."""
    _, first, which = np.unique(texts, axis=0, return_index=True, return_inverse=True)
    return texts[first], which.ravel()


def _matches(profiles: npt.NDArray[np.object_], texts: npt.NDArray[np.object_], which: ranking.Rows) -> tuple[ranking.Rows, ranking.Rows]:
    """The right pairs, in order: profiles and the candidates that the texts of their perturbation became."""
    left = pd.DataFrame({"name": profiles, "profile": np.arange(len(profiles))})
    pairs = left.merge(pd.DataFrame({"name": texts, "candidate": which}), on="name")[["profile", "candidate"]]
    pairs = pairs.drop_duplicates().sort_values(["profile", "candidate"])
    return pairs["profile"].to_numpy(), pairs["candidate"].to_numpy()


def _scores(name: str, asked: Direction, *, protocol: str, ks: tuple[int, ...], shuffles: int) -> list[Score]:
    ranks = asked.ranks
    usable = ~np.isnan(ranks)
    ranks, right = ranks[usable], np.bincount(asked.matches[0], minlength=len(asked.queries))[usable]
    by_chance = partial(_chance, asked, *np.unique(right, return_counts=True))
    n, m, digest = len(ranks), len(asked.copies), asked.pairs.digest
    scores = []
    for k in ks:
        # A tie over the border counts by its middle rank, so rounding down would favour constant models: rank <= k.
        def gain(r: npt.NDArray[np.float64], k: int = k) -> npt.NDArray[np.float64]:
            return (r <= k).astype(float)

        def without_ties(right: int, k: int = k) -> float:
            return chance_at_k(k, candidates=m, right=right)

        chance = by_chance(gain, without_ties)
        row = (TASK, protocol, OWN, f"R@{k} {name}", float(gain(ranks).mean()), asked.wilson(gain))
        p = asked.p_chance(gain, shuffles)
        scores.append(tidy.score(*row, chance=chance, n=n, p_chance=p, parts=asked.parts(gain), units=digest))
    chance = by_chance(np.reciprocal, lambda p: expected_reciprocal_rank(candidates=m, right=p))
    parts = asked.parts(np.reciprocal)
    row = (TASK, protocol, OWN, f"MRR {name}", float((1 / ranks).mean()), asked.jackknife(np.reciprocal, parts))
    scores.append(tidy.score(*row, chance=chance, n=n, p_chance=asked.p_chance(np.reciprocal, shuffles), parts=parts, units=digest))
    middle = float(np.mean((m + 1) / (right + 1)))
    median = none(unit=asked.pairs.word, clusters=len(asked.pairs), method="", why="no interval is made of a median")
    scores.append(tidy.score(TASK, protocol, OWN, f"median rank {name}", float(np.median(ranks)), median, chance=middle, n=n))
    return scores


def _chance(asked: Direction, right: ranking.Rows, times: ranking.Rows, gain: Gain, of_right: Callable[[int], float]) -> float:
    """The mean over queries of what a random ranking gains; `times` queries have so many right candidates."""
    sizes = np.bincount(asked.copies)
    if not asked.each_its_own or sizes.max() == 1:
        return float(np.average([of_right(int(p)) for p in right], weights=times))
    own, many = np.unique(sizes[asked.copies[asked.matches[1]]], return_counts=True)
    return float(np.average([expected_gain(gain, sizes=sizes, own=int(size)) for size in own], weights=many))


def chance_at_k(k: int, /, *, candidates: int, right: int) -> float:
    """The probability that a random ranking has one of the right candidates among the first k (hypergeometric).

    Parameters
    ----------
    k
        How many of the nearest are looked at.
    candidates
        How many candidates there are.
    right
        How many of them are right, one or more.

    Returns
    -------
    float
        From 0 to 1.

    """
    wrong = candidates - right
    if k > wrong:
        return 1.0
    return 1.0 - float(np.exp(_log_choose(wrong, k) - _log_choose(candidates, k)))


def expected_reciprocal_rank(*, candidates: int, right: int) -> float:
    """The mean of 1 / (rank of the best right candidate) over random rankings.

    Parameters
    ----------
    candidates
        How many candidates there are.
    right
        How many of them are right, one or more.

    Returns
    -------
    float
        From 0 to 1.

    """
    places = np.arange(1, candidates - right + 2)
    # The first right one is at place r: the r - 1 before it are wrong, the others lie anywhere after.
    log_p = _log_choose(candidates - places, right - 1) - _log_choose(candidates, right)
    return float(np.sum(np.exp(log_p) / places))


def _log_choose(n: int | npt.NDArray[np.integer], k: int) -> npt.NDArray[np.float64]:
    return np.asarray(gammaln(np.add(n, 1)) - gammaln(k + 1) - gammaln(np.subtract(n, k - 1)))
