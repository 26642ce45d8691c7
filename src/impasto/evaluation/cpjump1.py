"""The two scores of CPJUMP1's publication, as its notebooks compute them, so that a number can be put beside theirs.

Replicability (Chandrasekaran et al. 2024, Nature Methods; phenotypic activity): the query is each treated well, positives are the other
wells of its perturbation, negatives are the negative controls of all plates. Matching (compound with compound): a perturbation is the
median of its wells, and a query once for each of its targets; candidates are all other perturbations with a target, positives those that
share this one. Both rank by cosine, take the average precision of a ranking, and subtract the prevalence (positives among candidates).

The notebooks subtract the prevalence of the last query from all queries. That is kept here (it is what the published numbers hold) and
the same score with each query's own prevalence stands beside it. Queries are in the order of plates and wells: the last one is the last
well of the last plate, or the last target of the perturbation whose first well is last. That is how 2/305, which the published 421 values
of matching hold, comes about (HTR7 of BRD-K70358946). So the order of a table's rows does not matter.

Published for CellProfiler, U2OS, 48 h, four plates: replicability .496 over 306 compounds, matching .110 over 421 targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import profiles as tables
from impasto import ranking, schema, wells
from impasto.evaluation import inputs, retrieval, tidy, units
from impasto.evaluation.inputs import Table
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.units import Units
from impasto.schema import InputError
from impasto.statistics import jackknife
from impasto.statistics.jackknife import LeftOut

PUBLISHED, OWN_PREVALENCE = "mAP less the last prevalence", "mAP less the own prevalence"
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]


def replicability(profiles: Table, /, *, seed: int = 0) -> Result:
    """Whether a perturbation's wells are nearer to each other than to the negative controls of all plates.

    Parameters
    ----------
    profiles
        One row a well, normalised to the negative controls of its plate. Features that are missing anywhere are left out.
    seed
        Of the groups of the jackknife.

    Returns
    -------
    Result
        The mean over perturbations, by both prevalences. `per_group`: one row a perturbation.

    Raises
    ------
    InputError
        No negative controls, or no perturbation with two wells.

    """
    profiles = inputs.as_profiles(profiles, task="CPJUMP1's replicability")
    wells.require(profiles.obs, [schema.PERTURBATION], task="CPJUMP1's replicability")
    controls = np.flatnonzero(wells.require_negative(profiles.obs, task="CPJUMP1's replicability"))
    queries = _in_order(profiles.obs, np.flatnonzero(wells.treated(profiles.obs)))
    names = profiles.obs[schema.PERTURBATION].astype(str).to_numpy()[queries]
    vectors = _complete(profiles)
    codes = pd.factorize(names, sort=True)[0]
    others = (codes[:, None] == codes[None, :]) & ~np.eye(len(codes), dtype=bool)
    usable = np.flatnonzero(others.any(axis=1))
    if not len(usable):
        raise InputError("no perturbation has two wells, so none has a replicate to be found")
    among_treated = vectors[queries] @ vectors[queries].T
    among_controls = vectors[queries] @ vectors[controls].T
    positives = [among_treated[row, others[row]] for row in usable]

    right = np.array([len(of_query) for of_query in positives])
    precision = np.array([ranking.average_precision(of, among_controls[row]) for row, of in zip(usable, positives, strict=True)])
    prevalence = right / (right + len(controls))
    detail = _detail(names[usable], precision, prevalence, key=schema.PERTURBATION)
    sampled = units.named(detail[schema.PERTURBATION].to_numpy(dtype=str), word=units.kind_of(profiles.obs.iloc[queries]))
    scores = []
    for metric in (PUBLISHED, OWN_PREVALENCE):
        values = detail[metric].to_numpy()
        left = jackknife.leave_out(partial(_mean_of, values), len(sampled), seed=seed, pairs=False)
        made = jackknife.of_score(left, unit=sampled.word, share=False)
        numbers = ("replicates", f"cpjump1-replicability, {len(controls)} controls of all plates", OWN, metric, float(values.mean()), made)
        scores.append(tidy.score(*numbers, chance=0.0, n=len(detail), parts=[left], units=sampled.digest))
    return Result.of(scores, per_group=detail)


def matching(profiles: Table, /, *, by: str = "auto", seed: int = 0) -> Result:
    """Whether perturbations that share a target are nearer to each other than to the rest.

    Parameters
    ----------
    profiles
        One row a well, normalised to the negative controls of its plate. Features that are missing anywhere are left out.
    by
        The column of targets, joined by `|`; `auto` takes the first of targets, gene, moa that holds anything.
    seed
        Of the groups of the jackknife.

    Returns
    -------
    Result
        The mean over targets, by both prevalences. `per_group`: one row a target.

    Raises
    ------
    InputError
        No two perturbations share a target.

    """
    profiles = inputs.as_profiles(profiles, task="CPJUMP1's matching")
    wells.require(profiles.obs, [schema.PERTURBATION], task="CPJUMP1's matching")
    treated = _in_order(profiles.obs, np.flatnonzero(wells.treated(profiles.obs)))
    obs = profiles.obs.iloc[treated]
    codes, names = pd.factorize(obs[schema.PERTURBATION].astype(str))
    vectors = ranking.unit(inputs.consensus(_complete(profiles, scaled=False)[treated], codes))
    labels, source = inputs.targets(obs, by=by)
    of_perturbation = [labels[row] for row in np.unique(codes, return_index=True)[1]]
    sampled = units.named(np.asarray(names, dtype=str), word=units.kind_of(obs))
    ranked = _Matched(vectors @ vectors.T, of_perturbation, sampled, seed=seed)
    row, precision, prevalence = ranked.without(np.empty(0, dtype=np.intp))
    if not len(row):
        raise InputError(f"no two perturbations share a {source}; choose another column with --set by=COLUMN")
    detail = _detail(ranked.label[row], precision, prevalence, key="label")
    protocol, scores = f"cpjump1-matching, same {source}, median", []
    for metric in (PUBLISHED, OWN_PREVALENCE):
        left = ranked.left_out(metric)
        made = jackknife.of_score(left, unit=sampled.word, share=False)
        numbers = ("sisters", protocol, OWN, metric, float(detail[metric].mean()), made)
        scores.append(tidy.score(*numbers, chance=0.0, n=len(detail), parts=[left], units=sampled.digest))
    return Result.of(scores, per_group=detail)


def _mean_of(values: Numbers, kept: Flags) -> float:
    return float(values[kept].mean())


class _Matched:
    """The rankings of matching, from which groups of perturbations can be taken.

    Parameters
    ----------
    similarity
        (p, p) cosines of perturbations.
    labels
        The targets of each.
    sampled
        The perturbations as units of the jackknife.
    seed
        Of its groups.

    """

    def __init__(self, similarity: Floats, labels: Sequence[frozenset[str]], sampled: Units, /, *, seed: int) -> None:
        self.sampled, self.seed = sampled, seed
        queries = [(row, label) for row, of in enumerate(labels) for label in sorted(of)]
        who = np.array([row for row, _ in queries], dtype=np.intp)
        self.label = np.array([label for _, label in queries], dtype=str)
        holds = np.array([[label in of for of in labels] for label in self.label], dtype=bool).reshape(len(who), len(labels))
        other = (np.arange(len(labels))[None, :] != who[:, None]) & np.array([bool(of) for of in labels])
        right = holds & other
        lists = (
            (similarity[row], np.flatnonzero(of), np.flatnonzero(rest)) for row, of, rest in zip(who, right, other & ~right, strict=True)
        )
        group, count = sampled.groups(seed=seed), sampled.count(seed=seed)
        self.rankings = retrieval.rankings(lists, group=group[who], candidates=group, groups=count)
        self.right = (right.astype(np.float32) @ (group[:, None] == np.arange(count)).astype(np.float32)).T

    def without(self, gone: Rows, /) -> tuple[Rows, Numbers, Numbers]:
        """The rows that can be ranked without some groups, their average precision, and their prevalence."""
        precision = self.rankings.precisions(gone)
        row = np.flatnonzero(np.isfinite(precision))
        right, wrong = (of.sum(axis=0) - of[gone].sum(axis=0) for of in (self.right, self.rankings.wrong))
        return row, precision[row], (right / np.maximum(right + wrong, 1))[row].astype(np.float64)

    def left_out(self, metric: str, /) -> LeftOut:
        """The score without groups of perturbations."""
        of_unit = jackknife.deal(len(self.sampled), seed=self.seed)

        def score(keep: Flags) -> float:
            row, precision, prevalence = self.without(np.unique(of_unit[~keep]))
            return float(_detail(self.label[row], precision, prevalence, key="label")[metric].mean()) if len(row) else float("nan")

        return jackknife.leave_out(score, len(self.sampled), seed=self.seed)


def _detail(names: npt.NDArray[np.str_], precision: Numbers, prevalence: Numbers, *, key: str) -> pd.DataFrame:
    """One row a perturbation or target: the means of its queries, less the last prevalence and less their own."""
    of_query = pd.DataFrame({key: names, "average_precision": precision, "prevalence": prevalence})
    of_query[PUBLISHED] = precision - prevalence[-1]
    of_query[OWN_PREVALENCE] = precision - prevalence
    return of_query.groupby(key, sort=True).mean().reset_index()


def _in_order(obs: pd.DataFrame, rows: Rows) -> Rows:
    """Rows in the order of their plates and wells, so that the last query is the same however the table is sorted."""
    keys = obs.iloc[rows][[word for word in wells.SITE_KEYS if word in obs]].astype(str)
    return rows[keys.reset_index(drop=True).sort_values(list(keys), kind="stable").index.to_numpy()]


def _complete(profiles: anndata.AnnData, *, scaled: bool = True) -> Floats:
    """The features (n, width) that every well has; unit rows where `scaled`."""
    values = tables.dense(profiles)
    whole = np.isfinite(values).all(axis=0)
    if not whole.any():
        raise InputError("every feature is missing in some well; leave out the wells without values, or select features first")
    return ranking.unit(values[:, whole]) if scaled else values[:, whole]
