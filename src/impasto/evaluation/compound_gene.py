"""Compound-gene: does a compound look like the knock-out of its known targets more than like that of random genes?

CWA-MSN, section 4.2, Table 2 and Fig. 3 (RxRx3-core; Celik et al. 2024). For each compound at each concentration, cosine with the
profiles of its targets (positives) and of random other genes that are somebody's target (negatives, max(2 x positives, 20), drawn again
for each seed); AUC and AP per compound, mean over compounds (macro). z = (mean - random mean) / sqrt(sd^2 + random sd^2), sd over
compounds and seeds, random = the same with scores drawn at random.

Protocols: `rxrx3-core` ranks by |cosine|, `signed` by cosine. Truth: the profiles' own targets, or `truth`, a table with the columns
compound, gene and (where known) activity in micromolar: targets at or below 1 are positives, 1 to 10 are left out.
Each concentration is a row of its own, and `maximum` takes each compound's highest. A compound is one molecule, whatever its name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import ranking, schema, wells
from impasto.evaluation import baselines, inputs
from impasto.evaluation.inputs import Statistic, Table
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score, interval
from impasto.perturbations.gene_pairs import normal_symbol
from impasto.schema import InputError, one_of

TASK = "compound-gene"
Protocol = Literal["rxrx3-core", "signed"]
PROTOCOLS = get_args(Protocol)
GeneType = Literal["auto", "crispr", "orf", "sirna"]
ACTIVE, INACTIVE = 1.0, 10.0
"""In micromolar: active at or below the first, inactive from the second on; between them nobody says."""
NEGATIVES_EACH, FEWEST_NEGATIVES = 2, 20
"""So many random genes for each target, and at least so many."""
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


def evaluate(
    profiles: Table,
    /,
    *,
    protocol: Protocol = "rxrx3-core",
    truth: str | None = None,
    gene_type: GeneType = "auto",
    statistic: Statistic = "median",
    seeds: int = 100,
    seed: int = 0,
) -> Result:
    """AUC, AP and their z at each concentration, beside the baselines.

    Parameters
    ----------
    profiles
        One row a well, compounds and edited genes in one table.
    protocol
        `rxrx3-core` ranks by |cosine|, `signed` by cosine.
    truth
        A table of compound, gene and, where known, activity in micromolar; the profiles' own targets by default.
    gene_type
        The class of perturbations that are genes; `auto` takes the first of crispr, orf, sirna that is there.
    statistic
        How the wells of a gene, and of a compound and dose, are averaged.
    seeds
        Drawings of random genes.
    seed
        Of the drawings and the bootstrap.

    Returns
    -------
    The scores. `per_group`: one row a compound and concentration. Raises InputError where either side is missing.

    """
    one_of(protocol, PROTOCOLS, what="protocol of compound-gene")
    profiles = inputs.as_profiles(profiles, task="compound-gene")
    wells.require(profiles.obs, [schema.PERTURBATION, schema.PERTURBATION_TYPE, schema.GENE], task="compound-gene")
    codes, genes = _genes(profiles.obs, gene_type)
    compounds, compound_codes = _compounds(profiles.obs)
    positive, excluded = _truth(profiles.obs, truth)
    usable = sorted({gene for targets in positive.values() for gene in targets} & set(genes))
    if len(usable) < 3:
        raise InputError(f"{len(usable)} known targets of compounds have profiles of their own; compound-gene needs 3")
    columns = [genes.index(gene) for gene in usable]
    scores, details = [], []
    for name, values in [(OWN, wells.finite(profiles, task="compound-gene")), *baselines.stand_ins(profiles)]:
        chosen: Statistic = statistic if name == OWN else "mean"
        of_genes = ranking.unit(inputs.consensus(values, codes, statistic=chosen))[columns]
        of_compounds = ranking.unit(inputs.consensus(values, compound_codes, statistic=chosen))
        similarity = of_compounds @ of_genes.T
        per = per_compound(
            np.abs(similarity) if protocol == "rxrx3-core" else similarity,
            compounds["compound"].tolist(),
            usable,
            positive,
            excluded,
            seeds=seeds,
            seed=seed,
        )
        if per.empty:
            raise InputError("no compound has both a target and random genes among the genes measured")
        per = pd.concat([compounds, per.set_index("row")], axis=1, join="inner").reset_index(drop=True)
        scores += _summaries(per, f"{protocol}, {len(usable)} genes, {seeds} seeds, {chosen}", name, seed=seed)
        details.append(per.assign(profiles=name, protocol=protocol))
    return Result.of(scores, per_group=pd.concat(details, ignore_index=True))


def per_compound(
    similarity: Floats,
    compounds: list[str],
    genes: list[str],
    positive: dict[str, set[str]],
    excluded: dict[str, set[str]],
    /,
    *,
    seeds: int,
    seed: int,
) -> pd.DataFrame:
    """One row a usable compound: AUC and AP (mean and sd over seeds), those of random scores, and the number of targets."""
    rows = []
    for row, compound in enumerate(compounds):
        right = np.array([gene in positive.get(compound, ()) for gene in genes])
        wrong = np.flatnonzero(~right & ~np.array([gene in excluded.get(compound, ()) for gene in genes]))
        p = int(right.sum())
        q = min(len(wrong), max(NEGATIVES_EACH * p, FEWEST_NEGATIVES))
        if not p or not q:
            continue
        rng = np.random.default_rng([seed, row])
        drawn = np.stack([rng.choice(wrong, q, replace=False) for _ in range(seeds)])
        positives = np.repeat(similarity[row, right][None], seeds, axis=0)
        chance = rng.random((seeds, p + q))
        answer = {"row": row, "targets": p, "negatives": q, "chance_AP": ranking.chance_average_precision(p, q)}
        for kind, (a, b) in {"": (positives, similarity[row, drawn]), "random_": (chance[:, :p], chance[:, p:])}.items():
            auc, ap = area_under_curve(a, b), ranking.average_precisions(a, b)
            answer |= {f"{kind}AUC": auc.mean(), f"{kind}AUC_sd": auc.std(), f"{kind}AP": ap.mean(), f"{kind}AP_sd": ap.std()}
        rows.append(answer)
    return pd.DataFrame(rows)


def area_under_curve(positives: npt.NDArray[np.floating], negatives: npt.NDArray[np.floating], /) -> Numbers:
    """The share of pairs (n, p) x (n, q) that are ranked rightly, ties a half: (n,).

    The same as scikit-learn's `roc_auc_score`, which takes one ranking a call: here are some ten thousand a table.
    """
    above = positives[:, :, None] > negatives[:, None, :]
    equal = positives[:, :, None] == negatives[:, None, :]
    return np.asarray((above + 0.5 * equal).mean(axis=(1, 2)))


def _genes(obs: pd.DataFrame, gene_type: GeneType) -> tuple[npt.NDArray[np.intp], list[str]]:
    kind = obs[schema.PERTURBATION_TYPE].astype(str)
    known = [schema.CRISPR, schema.ORF, schema.SIRNA]
    chosen = next((k for k in known if (kind == k).any()), "") if gene_type == "auto" else one_of(gene_type, known, what="gene_type")
    rows = (kind == chosen).to_numpy() & wells.treated(obs)
    if not rows.any():
        raise InputError(
            f"no perturbations of type {gene_type if gene_type != 'auto' else ', '.join(known)}; compound-gene needs genes edited"
        )
    symbols = obs[schema.GENE].map(normal_symbol).astype(object)
    return inputs.groups(symbols.where((symbols != "").to_numpy() & rows, None))


def _compounds(obs: pd.DataFrame) -> tuple[pd.DataFrame, npt.NDArray[np.intp]]:
    """One row a compound and concentration, and the code of each row of the profiles."""
    rows = (obs[schema.PERTURBATION_TYPE].astype(str) == schema.COMPOUND).to_numpy() & wells.treated(obs)
    if not rows.any():
        raise InputError("no perturbations of type compound; compound-gene needs both compounds and genes")
    dose = (
        pd.to_numeric(obs[schema.CONCENTRATION], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        if schema.CONCENTRATION in obs
        else np.full(len(obs), np.nan)
    )
    names = wells.compounds(obs).astype(str).to_numpy()
    frame = pd.DataFrame({"compound": names, "concentration": dose})[rows]
    codes = np.full(len(obs), -1, dtype=np.intp)
    codes[rows] = frame.groupby(["compound", "concentration"], dropna=False, sort=True).ngroup().to_numpy()
    unique = frame.assign(code=codes[rows]).drop_duplicates("code").sort_values("code")
    return unique[["compound", "concentration"]].reset_index(drop=True), codes


def _truth(obs: pd.DataFrame, truth: str | None) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Compound -> its active genes, and compound -> genes that are neither active nor clearly inactive."""
    positive: dict[str, set[str]] = {}
    excluded: dict[str, set[str]] = {}
    names = wells.compounds(obs)
    if truth is None:
        are_compounds = (obs[schema.PERTURBATION_TYPE].astype(str) == schema.COMPOUND) & names.notna()
        labels, _ = inputs.targets(obs[are_compounds])
        for name, genes in zip(names[are_compounds].astype(str), labels, strict=True):
            positive.setdefault(name, set()).update(normal_symbol(gene) for gene in genes)
        return positive, excluded
    table = pd.read_csv(Path(truth), sep=None, engine="python")
    if missing := {"compound", "gene"} - set(table.columns):
        raise InputError(f"{truth} has no column {sorted(missing)[0]!r}; a truth table has compound, gene and, where known, activity")
    activity = table["activity"].astype(float) if "activity" in table else pd.Series(0.0, index=table.index)
    # A compound bought twice goes by the first of its names; the table may use any of them.
    by_name = dict(zip(obs[schema.PERTURBATION].astype(str), names.astype(str), strict=True))
    for name, gene, active in zip(table["compound"].astype(str), table["gene"].map(normal_symbol), activity, strict=True):
        side = positive if active <= ACTIVE else excluded if active < INACTIVE else None
        if side is not None:
            side.setdefault(by_name.get(name, name), set()).add(gene)
    return positive, excluded


def _summaries(per: pd.DataFrame, protocol: str, group: str, *, seed: int) -> list[Score]:
    scores = []
    doses = per["concentration"]
    views = {f"{dose:g}": per[doses == dose] for dose in np.unique(doses.dropna())}
    highest = doses.fillna(-1) == doses.fillna(-1).groupby(per["compound"]).transform("max")
    views["maximum"] = per[highest]
    for dose, some in views.items():
        for metric, chance in (("AUC", 0.5), ("AP", float(some["chance_AP"].mean()))):
            values = some[metric].to_numpy()
            # Over compounds and seeds: between compounds, plus the mean within.
            sd = np.sqrt(values.var() + (some[f"{metric}_sd"] ** 2).mean())
            of_random = np.sqrt(some[f"random_{metric}"].var(ddof=0) + (some[f"random_{metric}_sd"] ** 2).mean())
            spread = float(np.sqrt(sd**2 + of_random**2))
            # One compound under one seed has no spread to compare with.
            z = (values.mean() - some[f"random_{metric}"].mean()) / spread if spread > 0 else np.nan
            named = f"{protocol}, concentration={dose}"
            low, high = interval(values, seed=seed)
            scores.append(Score(TASK, named, group, metric, float(values.mean()), low, high, chance, len(some)))
            scores.append(Score(TASK, named, group, f"{metric} sd", float(sd), None, None, float(of_random), len(some)))
            scores.append(Score(TASK, named, group, f"{metric} z", float(z), None, None, 0.0, len(some)))
    return scores
