"""Guides of CRISPR screens: which guides act, do guides of a gene agree, and one profile a gene, its guides weighted by activity.

Activity of a guide: T = mean over pairs of its wells of x_a . x_b, x a well about the mean of the non-targeting wells of its plate. Cells
react to a cut whatever is cut, so the question is not whether a guide differs from untreated wells but from non-targeting guides. These
play guides, each about the mean of the others, and T of a guide is put among theirs, T scaled to one pair of wells:

    `tail = "counted"`:  p = (1 + #{non-targeting T >= T}) / (1 + n),  whatever their distribution; never below 1 / (1 + n)
    `tail = "t"`:        p by the t distribution of their T (`positions.spread`): smaller, and too small where few of them act after all

Agreement: mean cosine of guides of one gene less guides of different genes. Consensus of a gene: the mean of its guides, each weighted by

    w = sqrt(max(T - mean T of non-targeting guides, 0)),     equal weights where all are 0

T grows with the square of the effect, so w grows with the effect, as the weights of least squares do where guides have equal noise. A
guide that acts off its target has weight too: look at the agreement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells
from impasto.correction.arm import genes_of
from impasto.evaluation import control_groups, inputs, positions, tidy, units
from impasto.evaluation.clouds import Clouds
from impasto.evaluation.inputs import Table
from impasto.evaluation.positions import CALLED_AT, FEWEST_POSITIONS, Spread
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.same_label import SameLabel
from impasto.evaluation.tidy import Score
from impasto.progress import say
from impasto.schema import InputError, one_of
from impasto.statistics import discovery, jackknife
from impasto.statistics.shuffles import MOST_SHUFFLES

TASK = "guides"
Weights = Literal["activity", "equal"]
Tail = Literal["counted", "t"]
GUIDE = "guide"
Numbers = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


def evaluate(
    profiles: Table,
    /,
    *,
    guide: str = GUIDE,
    weights: Weights = "activity",
    tail: Tail = "counted",
    components: int = 50,
    rate: float = 0.05,
    shuffles: int = MOST_SHUFFLES,
    seed: int = 0,
) -> Result:
    """Active guides, agreement of guides, and the consensus of each gene.

    Parameters
    ----------
    profiles
        One row a well, with the columns `gene` and of guides, non-targeting guides marked as negative controls.
    guide
        The column that names the guide of a well.
    weights
        Of guides in the consensus of a gene: by activity, or equal.
    tail
        How a guide is put among the non-targeting ones: `counted`, or by a `t` distribution.
    components
        Principal components that activity is measured in.
    rate
        False discovery rate below which a guide is called active.
    shuffles
        How often guides are shuffled over genes at most; 0 for never.
    seed
        Of shuffles and groups of genes.

    Returns
    -------
    Result
        The share of guides called, the share with p of .05 or less (chance .05), and the agreement of guides. `per_group`: one row a
        guide (gene, wells, T, p, q, active, weight). `tables`: `consensus`, one row a gene. Without twelve non-targeting guides no
        guide is called, and weights are equal.

    Raises
    ------
    InputError
        Where an option is out of its range, there is no such column, no guide has two wells, a guide stands for two genes, or no
        feature varies.

    """
    one_of(weights, ("activity", "equal"), what="weights of guides")
    one_of(tail, ("counted", "t"), what="tail of guides")
    if components < 1 or shuffles < 0 or not 0 < rate < 1:
        raise InputError(f"components is {components}, shuffles is {shuffles} and rate is {rate:g}; say 1 or more, 0 or more, and 0 to 1")
    profiles = inputs.as_profiles(profiles, task=TASK)
    if guide not in profiles.obs:
        near = schema.nearest(guide, list(profiles.obs))
        raise InputError(
            f"no column {guide!r}{near} names the guides; name it with --set guide=COLUMN, one of {schema.listed(profiles.obs)}"
        )
    values = wells.finite(profiles, task=TASK)
    screen = Screen.of(profiles, guide=guide)
    centred, points = _centred(profiles, values, screen, components=components)
    per = screen.table()
    per["T"] = [_product(points[rows]) for rows in screen.members]
    judges = _of_controls(points, screen, screen.negative)
    known = positions.spread(judges["T"], judges["wells"], positions=len(judges))
    usable = known is not None
    per["p"] = _p_values(per, judges, known, tail=tail) if known is not None else np.nan
    per["q"] = discovery.corrected(per["p"].to_numpy(dtype=np.float64))
    if usable:
        per["active"] = per["q"] < rate
        if tail == "counted":
            floor = 1 / (1 + len(judges))
            needed = int(np.ceil(len(per) * floor / rate))
            say(
                f"{len(judges)} non-targeting guides: the smallest p is {floor:.4f}; of {len(per)} guides, {needed} must reach it for one "
                "to be called active"
            )
    else:
        say(
            f"{len(screen.controls)} non-targeting guides of two wells or more are marked, and {FEWEST_POSITIONS} are needed: no guide is "
            "called active, and weights are equal; mark them in control_type, or name them with --negcon when you read the table"
        )
    per["weight"] = _weights(per, known if weights == "activity" else None)
    protocol = f"{len(screen.controls)} non-targeting guides, {tail}, {components} components, false discovery {rate:g} over the run"
    scores = _of_activity(per, _Judged(points, screen, tail, judges), protocol, rate=rate, seed=seed) if usable else []
    means = np.stack([centred[rows].mean(axis=0) for rows in screen.members])
    scores += _of_agreement(means, per, protocol, shuffles=shuffles, seed=seed)
    if not scores:
        raise InputError(
            f"guides can be neither judged nor compared: {len(screen.controls)} non-targeting guides are marked and {FEWEST_POSITIONS} are "
            "needed, and no two genes have two guides each; name the column with --set guide=COLUMN"
        )
    consensus = _consensus(means, per, [str(name) for name in profiles.var_names])
    return Result.of(scores, per_group=per.assign(profiles=OWN, protocol=protocol), tables={"consensus": consensus})


@dataclass(frozen=True)
class Screen:
    """The guides of a table.

    Attributes
    ----------
    names, genes
        Of each guide of two wells or more.
    members
        The rows of each.
    controls
        The rows of each non-targeting guide of two wells or more.
    plate
        (n,) codes.
    negative
        (n,) wells of non-targeting guides that may judge.

    """

    names: list[str]
    genes: list[str]
    members: list[Rows]
    controls: list[Rows]
    plate: Rows
    negative: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, profiles: anndata.AnnData, /, *, guide: str) -> Screen:
        """The guides of profiles.

        Parameters
        ----------
        profiles
            n wells.
        guide
            The column of guides.

        Returns
        -------
        Screen
            The guides of two wells or more.

        Raises
        ------
        InputError
            Where no guide has two wells, or one guide stands for two genes.

        """
        obs = profiles.obs
        plate, _ = wells.plates(obs)
        names = obs[guide].astype("string")
        genes = genes_of(obs)
        negative = wells.unseen_negative(obs) & names.notna().to_numpy(dtype=bool)
        # A plate without non-targeting wells has no centre; where no plate has any, all wells of a plate are its centre.
        rows = np.flatnonzero((genes != "").to_numpy() & names.notna().to_numpy(dtype=bool))
        if negative.any():
            rows = rows[np.isin(plate[rows], plate[negative])]
        members = {str(n): own.to_numpy() for n, own in pd.Series(rows).groupby(names.to_numpy(dtype=object)[rows]) if len(own) > 1}
        if not members:
            raise InputError(f"no guide of a gene has two wells (column {guide!r}, {len(rows)} wells); read more plates")
        for name, own in members.items():
            several = sorted(set(genes.iloc[own]))
            if len(several) > 1:
                raise InputError(
                    f"the guide {name!r} stands for several genes ({schema.listed(several)}); give each its own name in {guide!r}"
                )
        of_control = pd.Series(np.flatnonzero(negative)).groupby(names.to_numpy(dtype=object)[negative])
        controls = [own.to_numpy() for _, own in of_control if len(own) > 1]
        return cls(list(members), [genes.iloc[own[0]] for own in members.values()], list(members.values()), controls, plate, negative)

    def table(self) -> pd.DataFrame:
        """The guides as a table.

        Returns
        -------
        pd.DataFrame
            One row a guide: guide, gene, wells.

        """
        return pd.DataFrame({"guide": self.names, "gene": self.genes, "wells": [len(rows) for rows in self.members]})


def _centred(profiles: anndata.AnnData, values: npt.NDArray[np.floating], screen: Screen, *, components: int) -> tuple[Numbers, Numbers]:
    """The wells about the non-targeting wells of their plate: in features, and in principal components.

    A plate without such wells is put about the mean of all its wells.
    """
    used = screen.negative.copy()
    used[np.concatenate(screen.members)] = True
    clouds = Clouds(profiles.obs, np.arange(len(values))[:, None])
    points = clouds.points(values, screen.plate, used, components=components)
    if points is None:
        raise InputError(f"none of {values.shape[1]} features varies between wells of a plate, so no guide can differ")
    flat, features = points[:, 0], values.astype(np.float64)
    for code in np.unique(screen.plate[used]):
        own = used & (screen.plate == code)
        centre = own & screen.negative if (own & screen.negative).any() else own
        flat[own] -= flat[centre].mean(axis=0)
        features[own] -= features[centre].mean(axis=0)
    return features, flat


def _product(x: Numbers) -> float:
    """The mean product of two wells (K, d)."""
    k = len(x)
    return float(((x.sum(axis=0) ** 2).sum() - (x**2).sum()) / (k * (k - 1)))


def _of_controls(points: Numbers, screen: Screen, negative: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """T and wells of the non-targeting guides among these wells, each about the mean of the others of its plates, by their number."""
    codes = np.unique(screen.plate[negative])
    number = {code: int((negative & (screen.plate == code)).sum()) for code in codes}
    total = {code: points[negative & (screen.plate == code)].sum(axis=0) for code in codes}
    of_guide = {}
    for guide, rows in enumerate(screen.controls):
        on = screen.plate[rows]
        if negative[rows].all() and all(number[code] > (on == code).sum() for code in on):
            beside = [(total[code] - points[rows[on == code]].sum(axis=0)) / (number[code] - (on == code).sum()) for code in on]
            of_guide[guide] = (_product(points[rows] - np.stack(beside)), float(len(rows)))
    return pd.DataFrame(list(of_guide.values()), columns=["T", "wells"], index=pd.Index(list(of_guide), dtype=int), dtype=np.float64)


def _p_values(per: pd.DataFrame, judges: pd.DataFrame, known: Spread, *, tail: Tail, of: int | None = None) -> Numbers:
    """(guides,) by these judges; counted as if they were `of`, so that the smallest p stays where some are left out."""
    statistic, size = per["T"].to_numpy(dtype=np.float64), per["wells"].to_numpy(dtype=np.float64)
    if tail == "t":
        return known.p_values(statistic, size)
    of_judges = np.sort(_to_one_pair(judges["T"].to_numpy(), judges["wells"].to_numpy(), known.mean))
    reached = len(of_judges) - np.searchsorted(of_judges, _to_one_pair(statistic, size, known.mean) - 1e-9, side="left")
    return np.asarray((1 + reached) / (1 + (len(of_judges) if of is None else of)))


def _to_one_pair(statistic: Numbers, size: Numbers, mean: float) -> Numbers:
    """T about its mean, scaled as if it were of one pair of wells: more pairs vary less."""
    return (statistic - mean) * np.sqrt(size * (size - 1))


def _weights(per: pd.DataFrame, known: Spread | None) -> Numbers:
    """(guides,) that sum to 1 within each gene."""
    raw = np.ones(len(per)) if known is None else np.sqrt(np.maximum(per["T"].to_numpy() - known.mean, 0))
    total = pd.Series(raw).groupby(per["gene"].to_numpy()).transform("sum").to_numpy()
    count = per.groupby("gene")["guide"].transform("size").to_numpy()
    return np.asarray(np.where(total > 0, raw / np.where(total > 0, total, 1), 1 / count))


@dataclass(frozen=True)
class _Judged:
    """What activity is made of: the wells about the non-targeting ones of their plate, and the guides that judge."""

    points: Numbers
    screen: Screen
    tail: Tail
    judges: pd.DataFrame

    def without(self, stays: npt.NDArray[np.bool_]) -> Numbers:
        """The p-values (guides,) by those judges that stay; the wells of the others are no part of the centre of a plate."""
        negative, centred, plate = self.screen.negative.copy(), self.points.copy(), self.screen.plate
        for guide in self.judges.index[~stays]:
            negative[self.screen.controls[guide]] = False
        for code in np.unique(plate[negative]):
            centred[plate == code] -= centred[negative & (plate == code)].mean(axis=0)
        per = self.screen.table().assign(T=[_product(centred[rows]) for rows in self.screen.members])
        judges = _of_controls(centred, self.screen, negative)
        known = positions.spread(judges["T"], judges["wells"], positions=len(judges), fewest=2)
        if known is None:
            return np.full(len(per), np.nan)
        return _p_values(per, judges, known, tail=self.tail, of=len(self.judges))


def _of_activity(per: pd.DataFrame, judged: _Judged, protocol: str, *, rate: float, seed: int) -> list[Score]:
    sampled, count = units.named(per["gene"].to_numpy(dtype=str), word="gene"), len(judged.judges)
    p_without = {stays.tobytes(): judged.without(stays) for stays in control_groups.stays(count, seed=seed)}
    scores = []
    rules: list[tuple[str, float, Callable[[Numbers], npt.NDArray[np.bool_]]]] = [
        ("share of guides active", 0.0, lambda p: np.asarray(discovery.corrected(p) < rate)),
        (f"share of guides with p <= {CALLED_AT:g}", CALLED_AT, lambda p: p <= CALLED_AT),
    ]
    for metric, chance, called in rules:
        flags = called(per["p"].to_numpy())
        shares = {which: float(called(p).mean()) for which, p in p_without.items()}
        of_judges = control_groups.played(float(flags.mean()), partial(_looked_up, shares), count, seed=seed)
        parts = [_left_out(flags, sampled, seed=seed), of_judges]
        around = jackknife.of_score(parts, unit=f"gene and {control_groups.GUIDE}")
        row = (TASK, protocol, OWN, metric, float(flags.mean()), around)
        scores.append(tidy.score(*row, chance=chance, n=len(per), parts=parts, units=sampled.digest))
    return scores


def _looked_up(shares: Mapping[bytes, float], stays: npt.NDArray[np.bool_]) -> float:
    return shares[stays.tobytes()]


def _left_out(flags: npt.NDArray[np.bool_], sampled: units.Units, *, seed: int) -> jackknife.LeftOut:
    return jackknife.leave_out(lambda keep: float(flags[keep[sampled.of]].mean()), len(sampled), seed=seed, pairs=False)


def _of_agreement(means: Numbers, per: pd.DataFrame, protocol: str, *, shuffles: int, seed: int) -> list[Score]:
    several = per.groupby("gene")["guide"].transform("size").to_numpy() > 1
    if per.loc[several, "gene"].nunique() < 2:
        say("no two genes have two guides each, so the agreement of guides is not scored")
        return []
    genes = per.loc[several, "gene"].to_numpy(dtype=str)
    sampled = units.named(genes, word="gene")
    scored = SameLabel(means[several], sampled.of, sampled, seed)
    left, chance = scored.left_out(), scored.chance(shuffles)
    around = jackknife.of_score(left, unit="gene", share=False)
    score = tidy.score(
        *(TASK, protocol, OWN, "cosine of guides of a gene less other genes", scored.value, around),
        chance=None if chance is None else chance.mean,
        n=len(genes),
        p_chance=None if chance is None else chance.p,
        parts=[left],
        units=sampled.digest,
    )
    return [score]


def _consensus(means: Numbers, per: pd.DataFrame, features: list[str]) -> pd.DataFrame:
    """One row a gene: its guides, those active, and the weighted mean of its guides."""
    codes, genes = pd.factorize(per["gene"], sort=True)
    weighted = np.zeros((len(genes), means.shape[1]))
    np.add.at(weighted, codes, means * per["weight"].to_numpy()[:, None])
    columns = {schema.GENE: genes, "guides": np.bincount(codes)}
    if "active" in per:
        columns["active_guides"] = np.bincount(codes, weights=per["active"].to_numpy(dtype=float)).astype(int)
    return pd.concat([pd.DataFrame(columns), pd.DataFrame(weighted.astype(np.float32), columns=features)], axis=1)
