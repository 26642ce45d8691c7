"""Sister matching: are perturbations that share a target nearer to each other than to the rest?

Consensus profile per perturbation (Lu et al., CellCLIP, Eq. 13), then average precision of each perturbation over the others,
positives sharing a target; mean per target, mean over targets (Chandrasekaran et al. 2024). Within one class (compound with
compound) and across classes (CRISPR with compound); by signed cosine, and by its absolute value, since an inhibitor and an
over-expressed gene may be opposite. Reported for all perturbations and for those that pass replicate detection.
Doses stand apart unless they are pooled. Another dose, or another name, of the query's own compound is no candidate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import ranking, schema, wells
from impasto.evaluation import baselines, inputs, replicates
from impasto.evaluation.inputs import SameAs, Statistic, Table
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score, interval
from impasto.schema import InputError, one_of

TASK = "sisters"
Protocol = Literal["all", "passing", "both"]
PROTOCOLS = get_args(Protocol)
ALL, PASSING = "all perturbations", "perturbations passing replicate detection"
Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sisters:
    """p perturbations, the labels each carries, its class (compound, crispr, orf...), and its compound as a code."""

    names: list[str]
    labels: list[frozenset[str]]
    kind: npt.NDArray[np.str_]
    compound: npt.NDArray[np.intp]

    def related(self) -> Flags:
        """(p, p), True where two perturbations share a label."""
        every = sorted(set().union(*self.labels))
        place = {label: number for number, label in enumerate(every)}
        holds = np.zeros((len(self.names), max(1, len(every))), dtype=np.float32)
        for number, labels in enumerate(self.labels):
            holds[number, [place[label] for label in labels]] = 1
        return (holds @ holds.T) > 0


def average_precisions(vectors: Floats, sisters: Sisters, /, *, across: bool, absolute: bool) -> pd.DataFrame:
    """One row a query and label: perturbation, label, kind, average_precision, chance, positives, negatives.

    `vectors`: unit rows (p, width). Candidates are the query's own class, or (`across`) all others; the query's own compound never is one.
    """
    related, rows = sisters.related(), []
    labelled = np.array([bool(labels) for labels in sisters.labels])
    for block, similarity in ranking.similarity_blocks(vectors, vectors):
        for number, query in enumerate(range(block.start, block.stop)):
            candidate = (sisters.kind != sisters.kind[query]) if across else (sisters.kind == sisters.kind[query])
            candidate &= sisters.compound != sisters.compound[query]
            # Perturbations without any label may well be sisters: they are no negatives.
            candidate &= labelled
            right, wrong = candidate & related[query], candidate & ~related[query]
            if not (right.any() and wrong.any()):
                continue
            scores = np.abs(similarity[number]) if absolute else similarity[number]
            precision = ranking.average_precision(scores[right], scores[wrong])
            chance = ranking.chance_average_precision(int(right.sum()), int(wrong.sum()))
            shared = sisters.labels[query] & frozenset().union(*(sisters.labels[i] for i in np.flatnonzero(right)))
            numbers = (precision, chance, int(right.sum()), int(wrong.sum()))
            rows += [(sisters.names[query], label, sisters.kind[query], *numbers) for label in sorted(shared)]
    return pd.DataFrame(rows, columns=["perturbation", "label", "kind", "average_precision", "chance", "positives", "negatives"])


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
    seed: int = 0,
) -> Result:
    """Sister matching within and across classes, beside the baselines and shuffled labels.

    Parameters
    ----------
    profiles
        One row a well.
    protocol
        All perturbations, those passing replicate detection (against plate controls, 5 % false discovery), or both.
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
    seed
        Of permutations, shuffled labels and bootstrap.

    Returns
    -------
    Scores: mAP by signed and by absolute cosine. `per_group`: one row a label and view. `tables`: `merged`.
    Raises InputError where no two perturbations share a label.

    """
    one_of(protocol, PROTOCOLS, what="protocol of sisters")
    profiles = inputs.as_profiles(profiles, task="sister matching")
    wells.require(profiles.obs, [schema.PERTURBATION], task="sister matching")
    profiles, merged = inputs.merged(profiles, same_as)
    codes, sisters, source = _gather(profiles.obs, by=by, pool_doses=pool_doses)
    views = {OWN: inputs.consensus(wells.finite(profiles, task="sister matching"), codes, statistic=statistic)}
    # A one-hot place has no useful median: the mean of a baseline is the share of its wells.
    views |= {name: inputs.consensus(v, codes, statistic="mean") for name, v in baselines.stand_ins(profiles)}
    ending = f"same {source}, {statistic}{inputs.dose_words(profiles.obs, pool_doses=pool_doses)}"
    scores: list[Score] = []
    details: list[pd.DataFrame] = []
    for population, kept in _populations(profiles, codes, protocol=protocol, pool_doses=pool_doses, draws=draws, seed=seed).items():
        for name, vectors in [*views.items(), (baselines.SHUFFLED, views[OWN])]:
            chosen = _choose(sisters, kept, shuffle=name == baselines.SHUFFLED, seed=seed)
            score, detail = _scored(ranking.unit(vectors[kept]), chosen, population=population, ending=ending, group=name, seed=seed)
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
        if passing is not None:
            populations[PASSING] = passing
        elif protocol == "passing":
            raise InputError("replicate detection cannot be tested here (no replicates or no plate controls); use --protocol all")
    return populations


def _scored(
    vectors: Floats, sisters: Sisters, *, population: str, ending: str, group: str, seed: int
) -> tuple[list[Score], list[pd.DataFrame]]:
    """Within and across classes, by signed and absolute cosine: the scores, and one row a label of each."""
    scores, details = [], []
    for across in (False, True):
        for absolute in (False, True):
            label = f"{population}, {'across classes' if across else 'within class'}, {ending}"
            metric = f"mAP {'absolute' if absolute else 'signed'} cosine"
            per_query = average_precisions(vectors, sisters, across=across, absolute=absolute)
            if not per_query.empty:
                per = per_query.groupby("label")[["average_precision", "chance"]].mean().reset_index()
                scores.append(_score(per, label, group, metric, seed=seed))
                details.append(per.assign(profiles=group, protocol=label, metric=metric))
    return scores, details


def _score(per: pd.DataFrame, protocol: str, group: str, metric: str, *, seed: int) -> Score:
    values = per["average_precision"].to_numpy()
    low, high = interval(values, seed=seed)
    return Score(TASK, protocol, group, metric, float(values.mean()), low, high, float(per["chance"].mean()), len(per))


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
    compound = pd.factorize(wells.compounds(obs).iloc[rows])[0].astype(np.intp)
    return codes, Sisters(names, [frozenset(every) for every in everywhere], kind.astype(str).to_numpy()[rows], compound), source


def _choose(sisters: Sisters, kept: Flags, *, shuffle: bool, seed: int) -> Sisters:
    """Some of the perturbations; with `shuffle` their labels shuffled over the compounds of each class."""
    indices = np.flatnonzero(kept)
    labelled_as = indices.copy()
    if shuffle:
        rng = np.random.default_rng(seed)
        for kind in np.unique(sisters.kind[kept]):
            rows = np.flatnonzero(sisters.kind[indices] == kind)
            compound, names = pd.factorize(sisters.compound[indices[rows]])
            first = np.unique(compound, return_index=True)[1]
            labelled_as[rows] = indices[rows[first[rng.permutation(len(names))]]][compound]
    return Sisters(
        [sisters.names[i] for i in indices], [sisters.labels[i] for i in labelled_as], sisters.kind[kept], sisters.compound[kept]
    )


def _passing(profiles: anndata.AnnData, codes: npt.NDArray[np.intp], *, pool_doses: bool, draws: int, seed: int) -> Flags | None:
    """Which perturbations differ from their plates' controls at 5 % false discovery; None where that cannot be asked."""
    try:
        result = replicates.evaluate(profiles, pool_doses=pool_doses, draws=draws, seed=seed, with_baselines=False)
    except InputError:
        return None
    per = result.per_group
    retrieved = set(per.loc[per["corrected_p_value"] < replicates.FALSE_DISCOVERY, schema.PERTURBATION])
    names = wells.replicates(profiles.obs, pool_doses=pool_doses)
    passing = np.zeros(codes.max() + 1, dtype=bool)
    passing[codes[(codes >= 0) & names.isin(retrieved).to_numpy()]] = True
    return passing
