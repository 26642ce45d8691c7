"""Cross-modal retrieval: does a profile find its perturbation's text, and a text its profile?

R@k = share of queries whose partner is among the k nearest; Lu et al., CellCLIP, section 4.1, Eq. 10 and 11. Candidates are
unique: perturbations that are written with the same text are one candidate, and each of their profiles is a right answer.
Chance is exact: for a query with p right answers among m candidates, 1 - C(m - p, k) / C(m, k).
"""

from __future__ import annotations

import anndata
import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from impasto import profiles as tables
from impasto import ranking, schema
from impasto.evaluation.tidy import Score, interval
from impasto.schema import InputError

KS = (1, 5, 10)
TASK = "cross-modal"


def evaluate(space: anndata.AnnData, /, *, split: str = "test", ks: tuple[int, ...] = KS, seed: int = 0, group: str = "all") -> list[Score]:
    """R@k, median rank and mean reciprocal rank, both directions, over the perturbations of one part of the split.

    `space` is the output of `impasto embed`: rows of modality profile (level perturbation where there are any) and of modality
    perturbation. Raises InputError where one side is missing.
    """
    tables.require(space, "modality", schema.PERTURBATION, task="cross-modal retrieval")
    obs = space.obs
    chosen = (obs["split"] == split).to_numpy() if "split" in obs and split != "all" else np.ones(space.n_obs, dtype=bool)
    is_text = (obs["modality"] == "perturbation").to_numpy() & chosen
    is_profile = (obs["modality"] == "profile").to_numpy() & chosen
    if "level" in obs:
        is_profile &= (obs["level"] == "perturbation").to_numpy()
    if not is_text.any() or not is_profile.any():
        sides = f"{int(is_profile.sum())} profiles and {int(is_text.sum())} perturbations"
        raise InputError(f"split {split!r} has {sides}; both are needed: choose train, validation, test or all with --set split=")
    vectors = ranking.unit(tables.dense(space))
    names = tables.identity(obs).to_numpy()
    profiles, texts = vectors[is_profile], vectors[is_text]
    matches = names[is_profile][:, None] == names[is_text][None, :]
    texts, matches = _unique(texts, matches)
    protocol = f"split={split}, {len(profiles)} profiles, {len(texts)} distinct texts"
    scores = _direction("profile to perturbation", profiles, texts, matches, protocol=protocol, ks=ks, seed=seed, group=group)
    return scores + _direction("perturbation to profile", texts, profiles, matches.T, protocol=protocol, ks=ks, seed=seed, group=group)


def _unique(texts: npt.NDArray[np.float32], matches: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Merge candidates with the same vector: one candidate, right for all of their profiles."""
    _, first, which = np.unique(texts, axis=0, return_index=True, return_inverse=True)
    merged = np.zeros((len(matches), len(first)), dtype=bool)
    for column, target in enumerate(which.ravel()):
        merged[:, target] |= matches[:, column]
    return texts[first], merged


def _direction(
    name: str,
    queries: npt.NDArray[np.float32],
    candidates: npt.NDArray[np.float32],
    matches: npt.NDArray[np.bool_],
    *,
    protocol: str,
    ks: tuple[int, ...],
    seed: int,
    group: str,
) -> list[Score]:
    ranks = ranking.rank_of_match(queries, candidates, matches)
    usable = ~np.isnan(ranks)
    ranks, right = ranks[usable], matches[usable].sum(axis=1)
    n, m = len(ranks), len(candidates)
    scores = []
    for k in ks:
        # A tie over the border counts by its middle rank, so rounding down would favour constant models: rank <= k.
        hits = (ranks <= k).astype(float)
        low, high = interval(hits, seed=seed)
        chance = float(np.mean([chance_at_k(k, candidates=m, right=int(p)) for p in right]))
        scores.append(Score(TASK, protocol, group, f"R@{k} {name}", float(hits.mean()), low, high, chance, n))
    low, high = interval(1 / ranks, seed=seed)
    chance = float(np.mean([expected_reciprocal_rank(candidates=m, right=int(p)) for p in right]))
    scores.append(Score(TASK, protocol, group, f"MRR {name}", float((1 / ranks).mean()), low, high, chance, n))
    middle = float(np.mean([(m + 1) / (p + 1) for p in right]))
    scores.append(Score(TASK, protocol, group, f"median rank {name}", float(np.median(ranks)), None, None, middle, n))
    return scores


def chance_at_k(k: int, /, *, candidates: int, right: int) -> float:
    """The probability that a random ranking has one of the right candidates among the first k (hypergeometric)."""
    wrong = candidates - right
    if k > wrong:
        return 1.0
    return 1.0 - float(np.exp(_log_choose(wrong, k) - _log_choose(candidates, k)))


def expected_reciprocal_rank(*, candidates: int, right: int) -> float:
    """The mean of 1 / (rank of the best right candidate) over random rankings."""
    places = np.arange(1, candidates - right + 2)
    # The first right one is at place r: the r - 1 before it are wrong, the others lie anywhere after.
    log_p = np.array([_log_choose(candidates - int(r), right - 1) for r in places]) - _log_choose(candidates, right)
    return float(np.sum(np.exp(log_p) / places))


def _log_choose(n: int, k: int) -> float:
    return float(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
