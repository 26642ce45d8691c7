"""Gene-gene recall: do known pairs of genes lie in the tails of all pairwise similarities?

Each gene's profile is the consensus of its perturbations; cosines of all pairs of genes are the null. A known pair is recalled at
threshold t where its rank lies in the lowest or highest t of the null. CWA-MSN, section 4.2; Lu et al., CellCLIP, appendix C.2.3
(5 % and 95 %: chance .10); Celik et al. 2024.

Protocols: `two-sided` (ties count by their middle rank), `one-sided` (the highest only), `efaar` (EFAAR's own rule: right rank
<= t or left rank >= 1 - t). Genes were sampled, since pairs that share a gene are not independent: a gene leaves with its known pairs and
with its part of the null (`relation_scores`). The row "shuffled labels" is the mean where the genes' names are shuffled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import get_args

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import ranking, schema, wells
from impasto.evaluation import baselines, inputs, protocols, tidy, units
from impasto.evaluation.inputs import Statistic, Table
from impasto.evaluation.relation_scores import MOST_GENES, Blocks, Rule, Shuffles
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score
from impasto.perturbations import gene_pairs, relations
from impasto.schema import InputError, one_of
from impasto.statistics import jackknife
from impasto.statistics.interval import Interval, none
from impasto.statistics.jackknife import LeftOut
from impasto.statistics.shuffles import MOST_SHUFFLES

TASK = "relations"
Protocol = protocols.Relations
PROTOCOLS = get_args(Protocol)
THRESHOLDS = (0.02, 0.05, 0.1, 0.15, 0.2)
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Pairs = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Null:
    """Cosines of all pairs of genes, in sorted runs: counts over them add up, so they are never sorted as a whole.

    Attributes
    ----------
    runs
        Sorted cosines; together all pairs.

    """

    runs: list[Floats]

    @classmethod
    def of(cls, vectors: Floats, /, *, device: str | None = None) -> Null:
        """The null of some genes.

        Parameters
        ----------
        vectors
            Unit rows (n, width).
        device
            Where rows are compared.

        Returns
        -------
        Null
            The null.

        """
        with ThreadPoolExecutor(ranking.THREADS) as pool:
            return cls(list(pool.map(np.sort, ranking.pair_blocks(vectors, device=device))))

    def ranks(self, values: Floats, /) -> tuple[Numbers, Numbers]:
        """The shares of the null below each value, and at or below it.

        Parameters
        ----------
        values
            (k,) cosines.

        Returns
        -------
        tuple[Numbers, Numbers]
            (k,) each: the shares below, and at or below.

        """
        ordered, which = np.unique(values, return_inverse=True)
        left, right = np.zeros(len(ordered)), np.zeros(len(ordered))
        for run in self.runs:
            left += np.searchsorted(run, ordered, side="left")
            right += np.searchsorted(run, ordered, side="right")
        size = sum(map(len, self.runs))
        return (left / size)[which], (right / size)[which]


@dataclass(frozen=True)
class Tails:
    """The similarities at or below `low` and at or above `high`.

    Attributes
    ----------
    low
        The largest similarity of the lower tail.
    high
        The smallest similarity of the upper tail.

    """

    low: np.float32
    high: np.float32

    def hold(self, values: Floats, /) -> npt.NDArray[np.bool_]:
        """Which values lie in either tail.

        Parameters
        ----------
        values
            (k,) cosines.

        Returns
        -------
        npt.NDArray[np.bool_]
            (k,)

        """
        return (values <= self.low) | (values >= self.high)


def tails(null: Null, /, *, threshold: float, protocol: Protocol) -> Tails:
    """The tails of a null at one threshold, by the rule of a protocol.

    A rule is about ranks, which grow with similarity. The ends are looked for by halving the range of float32 and asking for the rank.

    Parameters
    ----------
    null
        All pairs of genes.
    threshold
        Share of the null in a tail.
    protocol
        Whose rule.

    Returns
    -------
    Tails
        The least float32 that the upper rule holds for, and the largest of the lower one.

    """

    def is_high(left: Numbers, right: Numbers) -> bool:
        return bool((left if protocol == "efaar" else (left + right) / 2)[0] >= 1 - threshold)

    def is_above_low(left: Numbers, right: Numbers) -> bool:
        return bool((right if protocol == "efaar" else (left + right) / 2)[0] > threshold)

    high = _first(null, is_high)
    low = np.float32(-np.inf) if protocol == "one-sided" else np.nextafter(_first(null, is_above_low), np.float32(-np.inf))
    return Tails(low, high)


def _first(null: Null, rule: Callable[[Numbers, Numbers], bool]) -> np.float32:
    """The least float32 in -2..2 that a rule on its ranks holds for, as it does for all larger ones; infinity where for none."""
    edge = int(np.float32(2).view(np.int32))
    low, high = -edge, edge + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if rule(*null.ranks(np.array([_from_bits(middle)]))) else (middle + 1, high)
    return np.float32(np.inf) if low > edge else _from_bits(low)


def _from_bits(number: int) -> np.float32:
    """The float32 that is `number` steps from zero."""
    size = np.int32(abs(number)).view(np.float32)
    return np.float32(-size if number < 0 else size)


def gene_classes(obs: pd.DataFrame, /) -> dict[str, npt.NDArray[np.bool_]]:
    """The treated rows of each class of perturbation.

    A compound's gene is its target, not what was done, so compounds are left out.

    Parameters
    ----------
    obs
        Annotation of n wells.

    Returns
    -------
    dict[str, npt.NDArray[np.bool_]]
        Class -> which rows (n,).

    """
    treated = wells.treated(obs)
    if schema.PERTURBATION_TYPE not in obs:
        return {"genes": treated}
    kind = obs[schema.PERTURBATION_TYPE].astype("string").fillna("genes")
    return {k: treated & (kind == k).to_numpy(dtype=bool) for k in sorted(set(kind)) if k != schema.COMPOUND}


def gene_profiles(
    profiles: anndata.AnnData, chosen: npt.NDArray[np.bool_], /, *, statistic: Statistic
) -> tuple[list[str], dict[str, Floats]]:
    """Genes and their consensus, of the profiles and of the shortcut baselines that the table allows.

    Parameters
    ----------
    profiles
        One row a well, with the column `gene`.
    chosen
        (n,) which wells count.
    statistic
        How the wells of a gene are averaged.

    Returns
    -------
    tuple[list[str], dict[str, Floats]]
        The genes; and unit rows (genes, width) by name, the profiles under `""`. No rows with fewer than three genes.

    """
    symbols = profiles.obs[schema.GENE].map(gene_pairs.normal_symbol).astype(object)
    codes, genes = inputs.groups(symbols.where((symbols != "").to_numpy() & chosen, None))
    sides = [("", wells.finite(profiles, task="gene-gene recall")), *baselines.stand_ins(profiles)]
    if len(genes) < 3:
        return genes, {}
    # A one-hot place has no useful median: the mean of a baseline is the share of its wells.
    views = {name: inputs.consensus(v, codes, statistic="mean" if name else statistic) for name, v in sides}
    return genes, {name: ranking.unit(v) for name, v in views.items()}


def evaluate(
    profiles: Table,
    /,
    *,
    pairs: str | Path | Sequence[str | Path],
    protocol: Protocol = "two-sided",
    statistic: Statistic = "median",
    thresholds: Sequence[float] = THRESHOLDS,
    draws: int = MOST_SHUFFLES,
    seed: int = 0,
    device: str | None = None,
) -> Result:
    """Recall of known pairs, per database and threshold, beside the baselines and the genes' shuffled names.

    Parameters
    ----------
    profiles
        One row a well, with the column `gene`.
    pairs
        Files or folders of relations.
    protocol
        The rule by which a pair is recalled (see the module).
    statistic
        How the wells of a gene are averaged.
    thresholds
        Shares of the null's tails.
    draws
        Shuffles of the genes' names at most.
    seed
        Of shuffles and groups of genes.
    device
        Where genes are compared, such as `cuda`; on the processor by default.

    Returns
    -------
    Result
        The scores. `per_group`: one row a known pair (genes, database, similarity, rank). `tables`: `genes`, which database knows which
        gene.

    Raises
    ------
    InputError
        Where no database has a pair among the genes.

    """
    one_of(protocol, PROTOCOLS, what="protocol of relations")
    profiles = inputs.as_profiles(profiles, task="gene-gene recall")
    wells.require(profiles.obs, [schema.GENE], task="gene-gene recall")
    databases = relations.read_all([Path(p) for p in ([pairs] if isinstance(pairs, str | Path) else pairs)])
    scores, detail, listing = [], [], []
    for kind, chosen in gene_classes(profiles.obs).items():
        genes, views = gene_profiles(profiles, chosen, statistic=statistic)
        of_database = {name: gene_pairs.join(table, genes) for name, table in databases.items()}
        for name, j in of_database.items():
            unknown = set(j.unknown)
            listing += [{"database": name, "kind": kind, "gene": g, "known": g not in unknown, "profiles": OWN} for g in genes]
        known = {name: j.pairs.to_numpy(dtype=np.intp) for name, j in of_database.items() if len(j.pairs)}
        for view, vectors in views.items():
            null = Null.of(vectors, device=device)
            ends = {t: tails(null, threshold=t, protocol=protocol) for t in thresholds}
            blocks = Blocks.of(vectors, seed=seed) if len(genes) <= MOST_GENES else None
            for name, index in known.items():
                label = f"{protocol}, {name}, {statistic} of {kind} genes"
                recall = Recall(vectors, genes, index, ends, blocks, protocol)
                shuffled = recall.shuffles(seed=seed) if not view else None
                scores += recall.scores(label, view or OWN, shuffled=shuffled, draws=draws)
                if not view:
                    detail.append(_detail(genes, index, recall.similarity, null, database=name, protocol=label))
    if not scores:
        raise InputError(
            f"none of {', '.join(databases)} relates two of the genes measured; is the column 'gene' there, and are there perturbations "
            "of genes (not only of compounds)?"
        )
    return Result.of(scores, per_group=pd.concat(detail, ignore_index=True), tables={"genes": pd.DataFrame(listing)})


def chance(threshold: float, protocol: Protocol) -> float:
    """The recall of pairs that are like any others.

    Parameters
    ----------
    threshold
        Share of the null in a tail.
    protocol
        Whose rule.

    Returns
    -------
    float
        The expected recall.

    """
    return threshold if protocol == "one-sided" else min(1.0, 2 * threshold)


@dataclass(frozen=True)
class Recall:
    """The known pairs of one database among genes.

    Attributes
    ----------
    vectors
        Unit rows (n, width) of the genes.
    genes
        Their names, sorted.
    index
        (k, 2) the known pairs.
    ends
        Threshold -> the tails of the null.
    blocks
        The null by groups of genes; None where they are too many.
    protocol
        The rule by which a pair is recalled.

    """

    vectors: Floats
    genes: list[str]
    index: Pairs
    ends: dict[float, Tails]
    blocks: Blocks | None
    protocol: Protocol

    @cached_property
    def similarity(self) -> Floats:
        """(k,) of the known pairs."""
        return np.asarray(np.einsum("ij,ij->i", self.vectors[self.index[:, 0]], self.vectors[self.index[:, 1]]))

    def shuffles(self, *, seed: int) -> Shuffles:
        """Recalls where the genes' names are shuffled.

        Parameters
        ----------
        seed
            Of the shuffles.

        Returns
        -------
        Shuffles
            The shuffles, none made so far.

        """
        return Shuffles(self.vectors, self.index, {t: tail.hold for t, tail in self.ends.items()}, seed)

    def scores(self, label: str, group: str, /, *, shuffled: Shuffles | None, draws: int) -> list[Score]:
        """One row a threshold, and one of the shuffled names where there are shuffles.

        Parameters
        ----------
        label
            The protocol in words.
        group
            The name of the profiles, or of a baseline.
        shuffled
            The shuffles; None for none.
        draws
            How many shuffles are made at most.

        Returns
        -------
        list[Score]
            The rows, in order of thresholds.

        """
        rules: dict[float, Rule] = {t: partial(recalled, threshold=t, protocol=self.protocol) for t in self.ends}
        left = {} if self.blocks is None else self.blocks.left_out(self.similarity, self.index, rules)
        rows, digest = [], tidy.digest_of_units(self.genes)
        for t, tail in self.ends.items():
            hit = tail.hold(self.similarity)
            value, metric = float(hit.mean()), f"recall at {t:.0%}"
            known, n = chance(t, self.protocol), len(self.index)
            by_chance = shuffled.chance(t, value, most=draws) if shuffled is not None and draws > 0 else None
            p = None if by_chance is None else by_chance.p
            part = [left[t]] if left else []
            interval = self._interval(part, hit, value)
            rows.append(tidy.score(TASK, label, group, metric, value, interval, chance=known, n=n, p_chance=p, parts=part, units=digest))
            if by_chance is not None:
                why = f"the mean of {by_chance.draws} shuffles of the genes' names"
                mean = none(unit="shuffle", clusters=by_chance.draws, method="", why=why)
                rows.append(tidy.score(TASK, label, baselines.SHUFFLED, metric, by_chance.mean, mean, chance=known, n=n))
        return rows

    def _interval(self, parts: Sequence[LeftOut], hit: npt.NDArray[np.bool_], value: float) -> Interval:
        if parts:
            return jackknife.of_score(parts, unit="gene")
        # Each pair counts for both of its genes.
        names = np.array(self.genes)[self.index.ravel()]
        return units.mean_over(np.repeat(hit, 2).astype(float), units.named(names, word="gene"), value=value)


def recalled(left: Numbers, right: Numbers, *, threshold: float, protocol: Protocol) -> npt.NDArray[np.bool_]:
    """Which known pairs are recalled.

    Parameters
    ----------
    left
        (k,) the share of the null below each.
    right
        (k,) the share of the null at or below each.
    threshold
        Share of the null in a tail.
    protocol
        Whose rule.

    Returns
    -------
    npt.NDArray[np.bool_]
        (k,)

    """
    middle = (left + right) / 2
    high = (left if protocol == "efaar" else middle) >= 1 - threshold
    low = (right if protocol == "efaar" else middle) <= threshold
    return np.asarray(high if protocol == "one-sided" else high | low)


def _detail(genes: list[str], index: Pairs, similarity: Floats, null: Null, *, database: str, protocol: str) -> pd.DataFrame:
    left, right = null.ranks(similarity)
    ranks = (left + right) / 2
    names = np.array(genes, dtype=object)[index]
    columns = {"gene1": names[:, 0], "gene2": names[:, 1], "database": database, "similarity": similarity, "rank": ranks}
    return pd.DataFrame(columns).assign(profiles=OWN, protocol=protocol)
