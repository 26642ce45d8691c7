"""Sister matching: are perturbations that share a target nearer to each other than to the rest?

Consensus profile per perturbation (Lu et al., CellCLIP, Eq. 13), then average precision of each perturbation over the others,
positives sharing a target; mean per target, mean over targets (Chandrasekaran et al. 2024). Within one class (compound with
compound) and across classes (CRISPR with compound); by signed cosine, and by its absolute value, since an inhibitor and an
over-expressed gene may be opposite. Reported for all perturbations and for those that pass replicate detection.
"""

from __future__ import annotations

from dataclasses import dataclass

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import profiles as tables
from impasto import ranking, schema
from impasto.evaluation import baselines, inputs, replicates
from impasto.evaluation.tidy import Score, interval
from impasto.schema import InputError, one_of

TASK = "sisters"
PROTOCOLS = ("all", "passing", "both")
Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sisters:
    """Perturbations, the labels each carries, and its class (compound, crispr, orf...)."""

    names: list[str]
    labels: list[frozenset[str]]
    kind: npt.NDArray[np.str_]

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

    `vectors`: unit rows (p, width). Candidates are the query's own class, or (`across`) all others; the query never is one.
    """
    related, rows = sisters.related(), []
    for block, similarity in ranking.similarity_blocks(vectors, vectors):
        for number, query in enumerate(range(block.start, block.stop)):
            candidate = (sisters.kind != sisters.kind[query]) if across else (sisters.kind == sisters.kind[query])
            candidate[query] = False
            # Perturbations without any label may well be sisters: they are no negatives.
            candidate &= np.array([bool(labels) for labels in sisters.labels])
            right, wrong = candidate & related[query], candidate & ~related[query]
            if not (right.any() and wrong.any()):
                continue
            scores = np.abs(similarity[number]) if absolute else similarity[number]
            precision = ranking.average_precision(scores[right], scores[wrong])
            chance = ranking.chance_average_precision(int(right.sum()), int(wrong.sum()))
            shared = sisters.labels[query] & frozenset().union(*(sisters.labels[i] for i in np.flatnonzero(right)))
            told = (precision, chance, int(right.sum()), int(wrong.sum()))
            rows += [(sisters.names[query], label, sisters.kind[query], *told) for label in sorted(shared)]
    return pd.DataFrame(rows, columns=["perturbation", "label", "kind", "average_precision", "chance", "positives", "negatives"])


def evaluate(
    profiles: anndata.AnnData,
    /,
    *,
    protocol: str = "both",
    by: str = "auto",
    statistic: str = "median",
    draws: int = 1000,
    seed: int = 0,
    group: str = "profiles",
) -> tuple[list[Score], dict[str, pd.DataFrame]]:
    """Sister matching within and across classes. `per_group`: one row a label and view.

    `protocol`: all perturbations, those passing replicate detection (against plate controls, 5 % false discovery), or both.
    Raises InputError where no two perturbations share a label.
    """
    one_of(protocol, PROTOCOLS, what="protocol of sisters")
    tables.require(profiles, schema.PERTURBATION, task="sister matching")
    values, codes, sisters, source = _gather(profiles, by=by)
    views = {group: inputs.consensus(values, codes, statistic=statistic)}
    views |= {name: inputs.consensus(v, codes, statistic="mean") for name, v in baselines.stand_ins(profiles)}
    populations: dict[str, Flags] = {"all perturbations": np.ones(len(sisters.names), dtype=bool)} if protocol != "passing" else {}
    if protocol != "all":
        passing = _passing(profiles, codes, draws=draws, seed=seed)
        if passing is not None:
            populations["perturbations passing replicate detection"] = passing
        elif protocol == "passing":
            raise InputError("replicate detection cannot be tested here (no replicates or no plate controls); use --protocol all")
    scores, details = [], []
    for population, kept in populations.items():
        for name, vectors in [*views.items(), ("shuffled labels", views[group])]:
            chosen = _choose(sisters, kept, shuffle=name == "shuffled labels", seed=seed)
            unit = ranking.unit(vectors[kept])
            for across in (False, True):
                for absolute in (False, True):
                    label = f"{population}, {'across classes' if across else 'within class'}, same {source}, {statistic}"
                    metric = f"mAP {'absolute' if absolute else 'signed'} cosine"
                    found = average_precisions(unit, chosen, across=across, absolute=absolute)
                    if not found.empty:
                        per = found.groupby("label")[["average_precision", "chance"]].mean().reset_index()
                        scores.append(_score(per, label, name, metric, seed=seed))
                        details.append(per.assign(profiles=name, protocol=label, metric=metric))
    if not scores:
        raise InputError(f"no two perturbations share a {source}; choose another column with --set by=COLUMN")
    return scores, {"per_group": pd.concat(details, ignore_index=True)}


def _score(per: pd.DataFrame, protocol: str, group: str, metric: str, *, seed: int) -> Score:
    values = per["average_precision"].to_numpy()
    return Score(TASK, protocol, group, metric, float(values.mean()), *interval(values, seed=seed), float(per["chance"].mean()), len(per))


def _gather(profiles: anndata.AnnData, *, by: str) -> tuple[Floats, npt.NDArray[np.intp], Sisters, str]:
    obs = profiles.obs
    key = tables.identity(obs)
    kind = obs[schema.PERTURBATION_TYPE].astype("string").fillna("any") if schema.PERTURBATION_TYPE in obs else pd.Series("any", obs.index)
    codes, names = inputs.groups((kind + " " + key).where(inputs.is_treated(obs)))
    labels, source = inputs.targets(obs, by=by)
    first = pd.Series(np.arange(len(codes)))[codes >= 0].groupby(codes[codes >= 0]).first().to_numpy()
    everywhere: list[set[str]] = [set() for _ in names]
    for code, found in zip(codes, labels, strict=True):
        if code >= 0:
            everywhere[code] |= found
    sisters = Sisters(names, [frozenset(found) for found in everywhere], kind.astype(str).to_numpy()[first])
    return inputs.finite(profiles), codes, sisters, source


def _choose(sisters: Sisters, kept: Flags, *, shuffle: bool, seed: int) -> Sisters:
    indices = np.flatnonzero(kept)
    dealt = indices.copy()
    if shuffle:
        rng = np.random.default_rng(seed)
        for kind in np.unique(sisters.kind[kept]):
            mine = np.flatnonzero(sisters.kind[indices] == kind)
            dealt[mine] = indices[rng.permutation(mine)]
    return Sisters([sisters.names[i] for i in indices], [sisters.labels[i] for i in dealt], sisters.kind[kept])


def _passing(profiles: anndata.AnnData, codes: npt.NDArray[np.intp], *, draws: int, seed: int) -> Flags | None:
    """Which perturbations are told from their plates' controls at 5 % false discovery; None where that cannot be asked."""
    try:
        _, details = replicates.evaluate(profiles, draws=draws, seed=seed, with_baselines=False)
    except InputError:
        return None
    per = details["per_group"]
    found = set(per.loc[per["corrected_p_value"] < 0.05, schema.PERTURBATION])
    passing = np.zeros(codes.max() + 1, dtype=bool)
    passing[codes[(codes >= 0) & profiles.obs[schema.PERTURBATION].astype(str).isin(found).to_numpy()]] = True
    return passing
