"""Sister matching: are perturbations that share a target nearer to each other than to the rest?

Consensus profile per perturbation (Lu et al., CellCLIP, Eq. 13), then average precision of each perturbation over the others,
positives sharing a target; mean per target, mean over targets (Chandrasekaran et al. 2024). Within one class (compound with
compound) and across classes (CRISPR with compound); by signed cosine, and by its absolute value, since an inhibitor and an
over-expressed gene may be opposite. Reported for all perturbations and for those that pass replicate detection.
Doses stand apart unless they are pooled. Another dose, or another name, of the query's own compound is no candidate.
How sure a score is: `sister_scores`.
"""

from __future__ import annotations

from typing import Annotated, get_args

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from impasto import ranking, schema, wells
from impasto.evaluation import baselines, cpjump1, inputs, protocols, replicates, retrieved, samples, tidy, units
from impasto.evaluation.inputs import SameAs, Statistic, Table
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.sister_scores import Sisters, SisterScore
from impasto.evaluation.tidy import Score
from impasto.schema import InputError, one_of
from impasto.statistics.shuffles import MOST_SHUFFLES

TASK = "sisters"
Protocol = protocols.Sisters
PROTOCOLS = get_args(Protocol)
MOST_QUERIES = 4_000
"""Perturbations that are compared with all others, of a table of more than `samples.MOST_ROWS`."""
ALL, PASSING = "all perturbations", "perturbations passing replicate detection"
Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


def evaluate(
    profiles: Table,
    /,
    *,
    protocol: Protocol = "both",
    by: str = "auto",
    pool_doses: bool = False,
    same_as: SameAs = "name",
    statistic: Statistic = "median",
    draws: int = 1000,
    shuffles: Annotated[int, Field(ge=0)] = MOST_SHUFFLES,
    seed: int = 0,
    exact: bool = False,
) -> Result:
    """Sister matching within and across classes, beside the baselines and shuffled labels.

    Parameters
    ----------
    profiles
        One row a well.
    protocol
        All perturbations, those passing replicate detection (against plate controls, 5 % false discovery), or both; or
        `cpjump1-matching`, as CPJUMP1's notebooks score (`cpjump1.matching`).
    by
        The column of labels; `auto` takes the first of targets, gene, moa that holds anything.
    pool_doses
        Whether all doses of a perturbation are one.
    same_as
        Whether perturbations are the same by `name`, or by `inchikey` where they have one.
    statistic
        How the wells of a perturbation are averaged.
    draws
        Permutations of replicate detection.
    shuffles
        How often labels are shuffled at most to ask whether the score is above chance; 0 for never.
    seed
        Of permutations, shuffled labels and groups of units.
    exact
        Whether every perturbation is a query in a table of any size. Of more than 20,000 perturbations, whole labels of about 4,000 are
        drawn as queries otherwise, each compared with all; the protocol says so.

    Returns
    -------
    Result
        Scores: mAP by signed and by absolute cosine. `per_group`: one row a label and view. `tables`: `merged`.

    Raises
    ------
    InputError
        Where no two perturbations share a label.

    """
    one_of(protocol, PROTOCOLS, what="protocol of sisters")
    if protocol == "cpjump1-matching":
        return cpjump1.matching(profiles, by=by, seed=seed)
    profiles, merged = inputs.named(profiles, same_as, task="sister matching")
    codes, sisters, source = _gather(profiles.obs, by=by, pool_doses=pool_doses)
    views = {OWN: inputs.consensus(wells.finite(profiles, task="sister matching"), codes, statistic=statistic)}
    # A one-hot place has no useful median: the mean of a baseline is the share of its wells.
    views |= {name: inputs.consensus(v, codes, statistic="mean") for name, v in baselines.stand_ins(profiles)}
    ending = f"same {source}, {statistic}{inputs.dose_words(profiles.obs, pool_doses=pool_doses)}"
    scores: list[Score] = []
    details: list[pd.DataFrame] = []
    for population, members in _populations(profiles, codes, protocol=protocol, pool_doses=pool_doses, draws=draws, seed=seed).items():
        for name, vectors in [*views.items(), (baselines.SHUFFLED, views[OWN])]:
            chosen = sisters.part(members)
            if name == baselines.SHUFFLED:
                chosen = chosen.relabelled(chosen.shuffle(np.random.default_rng(seed)))
            many = shuffles if name == OWN else 0
            asked = _asked(chosen, exact=exact or len(chosen.names) <= samples.MOST_ROWS, seed=seed)
            if exact and len(chosen.names) > samples.MOST_ROWS and name == OWN:
                samples.say_price(4 * len(chosen.names), len(chosen.names), profiles.n_vars, what="sister matching")
            words = ending if asked is None else ending + samples.words(int(asked.sum()), len(asked), what="perturbations")
            score, detail = _scored(
                *(ranking.unit(vectors[members]), chosen, asked), population=population, ending=words, group=name, shuffles=many, seed=seed
            )
            scores += score
            details += detail
    if not scores:
        raise InputError(f"no two perturbations share a {source}; choose another column with --set by=COLUMN")
    return Result.of(scores, per_group=pd.concat(details, ignore_index=True), tables={"merged": merged})


def _populations(
    profiles: anndata.AnnData, codes: npt.NDArray[np.intp], *, protocol: Protocol, pool_doses: bool, draws: int, seed: int
) -> dict[str, Flags]:
    """Which perturbations are scored, by what they are called."""
    populations: dict[str, Flags] = {ALL: np.ones(codes.max() + 1, dtype=bool)} if protocol != "passing" else {}
    if protocol != "all":
        passing = _passing(profiles, codes, pool_doses=pool_doses, draws=draws, seed=seed)
        if passing is not None and passing.any():
            populations[PASSING] = passing
        elif protocol == "passing":
            raise InputError(
                "no perturbation passes replicate detection, or it cannot be tested here (no replicates or no plate controls); "
                "use --protocol all"
            )
    return populations


def _asked(sisters: Sisters, *, exact: bool, seed: int) -> Flags | None:
    """The perturbations that are queries: whole labels, drawn; None for all."""
    if exact:
        return None
    count = len(sisters.all_labels)
    order = np.random.default_rng(seed).permutation(count)
    carried = np.asarray(sisters.holds.sum(axis=0)).ravel()
    enough = int(np.searchsorted(np.cumsum(carried[order]), MOST_QUERIES)) + 1
    return np.asarray(sisters.holds[:, order[:enough]].sum(axis=1)).ravel() > 0


def _scored(
    vectors: Floats, sisters: Sisters, asked: Flags | None, *, population: str, ending: str, group: str, shuffles: int, seed: int
) -> tuple[list[Score], list[pd.DataFrame]]:
    """Within and across classes, by signed and absolute cosine: the scores, and one row a label of each."""
    scores, details = [], []
    for across in (False, True):
        for absolute in (False, True):
            label = f"{population}, {'across classes' if across else 'within class'}, {ending}"
            metric = f"mAP {'absolute' if absolute else 'signed'} cosine"
            scored = SisterScore(vectors, sisters, across=across, absolute=absolute, seed=seed, asked=asked)
            per = scored.per_label()
            if not per.empty:
                interval, parts = scored.interval()
                value, p = scored.value(), scored.p_chance(shuffles)
                digest, chance = sisters.sampled().digest, float(per["chance"].mean())
                numbers = (TASK, label, group, metric, value, interval)
                scores.append(tidy.score(*numbers, chance=chance, n=len(per), p_chance=p, parts=parts, units=digest))
                details.append(per.assign(profiles=group, protocol=label, metric=metric))
    return scores, details


def _gather(obs: pd.DataFrame, *, by: str, pool_doses: bool) -> tuple[npt.NDArray[np.intp], Sisters, str]:
    """The perturbation of each row as a code (-1 for none), the perturbations, and the column of their labels."""
    treated = wells.treated(obs)
    key = wells.replicates(obs, pool_doses=pool_doses)
    kind = obs[schema.PERTURBATION_TYPE].astype("string").fillna("any") if schema.PERTURBATION_TYPE in obs else pd.Series("any", obs.index)
    codes, names = inputs.groups((kind + " " + key).where(treated))
    if not names:
        raise InputError("no well has a named perturbation, so there are no sisters; join the annotation with --platemap")
    labels, source = inputs.targets(obs, by=by)
    first = np.unique(codes[codes >= 0], return_index=True)[1]
    rows = np.flatnonzero(codes >= 0)[first]
    everywhere: list[set[str]] = [set() for _ in names]
    for code, of_row in zip(codes, labels, strict=True):
        if code >= 0:
            everywhere[code] |= of_row
    compound = units.named(wells.compounds(obs).iloc[rows].astype(str).to_numpy(), word=units.kind_of(obs[treated]))
    return codes, Sisters(names, [frozenset(words) for words in everywhere], kind.astype(str).to_numpy()[rows], compound), source


def _passing(profiles: anndata.AnnData, codes: npt.NDArray[np.intp], *, pool_doses: bool, draws: int, seed: int) -> Flags | None:
    """Which perturbations differ from their plates' controls at 5 % false discovery; None where that cannot be asked."""
    try:
        result = replicates.evaluate(profiles, pool_doses=pool_doses, draws=draws, seed=seed, with_baselines=False)
    except InputError:
        return None
    per = result.per_group
    passed = set(per.loc[retrieved.called(per["p_value"].to_numpy(dtype=np.float64)), schema.PERTURBATION])
    names = wells.replicates(profiles.obs, pool_doses=pool_doses)
    passing = np.zeros(codes.max() + 1, dtype=bool)
    passing[codes[(codes >= 0) & names.isin(passed).to_numpy()]] = True
    return passing
