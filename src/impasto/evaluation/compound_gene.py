"""Compound-gene: does a compound look like the knock-out of its known targets more than like that of random genes?

CWA-MSN, section 4.2, Table 2 and Fig. 3 (RxRx3-core; Celik et al. 2024). For each compound at each concentration, cosine with the
profiles of its targets (positives) and of random other genes (negatives, max(2 x positives, 20), drawn again for each seed); AUC and AP
per compound, mean over compounds (macro). sd is that of the macro mean over seeds, and z = (mean - random mean) / sqrt(sd^2 + random
sd^2), random = the same with scores drawn at random. It says how the drawing scatters; the interval says what other compounds and genes
would give.

Protocols: `rxrx3-core` ranks by |cosine| and leaves out a compound with too few genes to draw from; `signed` ranks by cosine and draws
those that there are. Truth: the profiles' own targets, or `truth`, a table with the columns compound, gene and (where known) activity in
micromolar: targets at or below 1 are positives, those above 1 and up to 10 are left out. Genes are drawn from all of the truth.
Each concentration is scored by itself. `highest` takes each compound's highest, `maximum` each gene's greatest score over the
concentrations of a compound, as EFAAR's benchmark does. A compound is one molecule, whatever its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import ranking, schema, wells
from impasto.evaluation import baselines, inputs, tidy, units
from impasto.evaluation.compound_gene_scores import METRICS, Compound, Macro
from impasto.evaluation.inputs import Statistic, Table
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score
from impasto.perturbations.gene_pairs import normal_symbol
from impasto.schema import InputError, one_of
from impasto.statistics.interval import none

TASK = "compound-gene"
READINGS = ("highest", "maximum")
"""What stands for a concentration where a compound counts once."""
Protocol = Literal["rxrx3-core", "signed"]
PROTOCOLS = get_args(Protocol)
GeneType = Literal["auto", "crispr", "orf", "sirna"]
ACTIVE, INACTIVE = 1.0, 10.0
"""In micromolar: active at or below the first, inactive above the second; between them nobody says."""
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
        Of the drawings and of groups of compounds and genes.

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
    known = {gene for targets in positive.values() for gene in targets} | (set() if truth is None else _listed(truth))
    usable = sorted(known & set(genes))
    if len(usable) < 3:
        raise InputError(f"{len(usable)} known targets of compounds have profiles of their own; compound-gene needs 3")
    columns = [genes.index(gene) for gene in usable]
    scores, details = [], []
    for name, values in [(OWN, wells.finite(profiles, task="compound-gene")), *baselines.stand_ins(profiles)]:
        chosen: Statistic = statistic if name == OWN else "mean"
        of_genes = ranking.unit(inputs.consensus(values, codes, statistic=chosen))[columns]
        of_compounds = ranking.unit(inputs.consensus(values, compound_codes, statistic=chosen))
        cosine = of_compounds @ of_genes.T
        similarity = np.abs(cosine) if protocol == "rxrx3-core" else cosine
        frame, similarity = _with_maximum(compounds, similarity)
        made = {
            row: compound
            for row, name_of in enumerate(frame["compound"])
            if (compound := drawn(similarity[row], name_of, usable, positive, excluded, seeds=seeds, seed=[seed, row], protocol=protocol))
        }
        if not made:
            raise InputError("no compound has both a target and random genes among the genes measured")
        ending = f"{protocol}, {len(usable)} genes, {seeds} seeds, {chosen}"
        for view, rows in _views(frame.loc[list(made)]).items():
            sampled = units.named(frame.loc[rows, "compound"].to_numpy(dtype=str), word="compound")
            macro = Macro([made[row] for row in rows], sampled, units.named(usable, word="gene"), seeds, seed)
            scored, detail = _summary(macro, f"{ending}, concentration={view}", name)
            scores += scored
            if view not in READINGS:
                where = {"concentration": frame.loc[rows, "concentration"].to_numpy(), "profiles": name, "protocol": protocol}
                details.append(detail.assign(compound=frame.loc[rows, "compound"].to_numpy(), **where))
    per = pd.concat(details, ignore_index=True)
    return Result.of(scores, per_group=per[["compound", "concentration", *per.columns.drop(["compound", "concentration"])]])


def drawn(
    similarity: Floats,
    compound: str,
    genes: list[str],
    positive: dict[str, set[str]],
    excluded: dict[str, set[str]],
    /,
    *,
    seeds: int,
    seed: Sequence[int],
    protocol: Protocol,
) -> Compound | None:
    """A compound with its targets and the random orders of other genes; None where it cannot be scored.

    Parameters
    ----------
    similarity
        (genes,) to each gene.
    compound
        Its name.
    genes
        Those that are measured and in the truth, sorted.
    positive, excluded
        Compound -> its targets, and the genes of which nobody says whether they are.
    seeds, seed
        How many drawings, and of what.
    protocol
        `rxrx3-core` asks for as many random genes as it says.

    """
    right = np.array([gene in positive.get(compound, ()) for gene in genes])
    wrong = np.flatnonzero(~right & ~np.array([gene in excluded.get(compound, ()) for gene in genes]))
    rng = np.random.default_rng(seed)
    order = rng.permuted(np.tile(wrong, (seeds, 1)), axis=1)
    made = Compound(similarity, np.flatnonzero(right), order, rng.random((seeds, len(genes))), protocol == "rxrx3-core")
    return made if made.size(np.ones(len(genes), dtype=bool))[0] else None


def _with_maximum(compounds: pd.DataFrame, similarity: Floats) -> tuple[pd.DataFrame, Floats]:
    """The compounds at each concentration, then each once more with the greatest similarity of each gene over its concentrations."""
    codes, names = pd.factorize(compounds["compound"], sort=True)
    greatest = np.full((len(names), similarity.shape[1]), -np.inf, dtype=np.float32)
    np.maximum.at(greatest, codes, similarity)
    over_all = pd.DataFrame({"compound": names, "concentration": np.nan, "over_all": True})
    frame = pd.concat([compounds.assign(over_all=False), over_all], ignore_index=True)
    return frame, np.concatenate([similarity, greatest])


def _views(frame: pd.DataFrame) -> dict[str, list[int]]:
    """Each concentration, the highest of each compound, and the greatest score over all: the rows of the frame that it takes."""
    single, over_all = frame[~frame["over_all"]], frame[frame["over_all"]]
    doses = single["concentration"]
    highest = doses.fillna(-1) == doses.fillna(-1).groupby(single["compound"]).transform("max")
    views = {f"{dose:g}": single.index[doses == dose].tolist() for dose in np.unique(doses.dropna())}
    nothing = {"unknown": single.index[doses.isna()].tolist()} if doses.isna().any() else {}
    return {**views, **nothing, "highest": single.index[highest].tolist(), "maximum": over_all.index.tolist()}


def _summary(macro: Macro, protocol: str, group: str) -> tuple[list[Score], pd.DataFrame]:
    """AUC and AP, their sd over seeds and their z; and one row a compound."""
    values, random = macro.by_seed(), macro.by_seed(random=True)
    intervals, n = macro.intervals(values), len(macro.compounds)
    sizes = [compound.size(np.ones(len(macro.genes), dtype=bool)) for compound in macro.compounds]
    chance = [ranking.chance_average_precision(*size) for size in sizes]
    detail = pd.DataFrame({"targets": [p for p, _ in sizes], "negatives": [q for _, q in sizes], "chance_AP": chance})
    digest = tidy.digest_of_units([*macro.sampled.names, *macro.genes.names])
    scores = []
    for metric in METRICS:
        own, by_chance = values[metric].mean(axis=0), random[metric].mean(axis=0)
        value, sd, of_random = float(own.mean()), float(own.std()), float(by_chance.std())
        spread = float(np.hypot(sd, of_random))
        # One seed has no spread to compare with.
        z = (value - float(by_chance.mean())) / spread if spread > 0 else float("nan")
        interval, parts = intervals[metric]
        known = 0.5 if metric == "AUC" else float(np.mean(chance))
        scores.append(tidy.score(TASK, protocol, group, metric, value, interval, chance=known, n=n, parts=parts, units=digest))
        why = none(unit="seed", clusters=macro.seeds, method="", why="how the drawing of random genes scatters")
        scores.append(tidy.score(TASK, protocol, group, f"{metric} sd", sd, why, chance=of_random, n=n))
        scores.append(tidy.score(TASK, protocol, group, f"{metric} z", z, why, chance=0.0, n=n))
        for kind, each in {"": values[metric], "random_": random[metric]}.items():
            detail[f"{kind}{metric}"], detail[f"{kind}{metric}_sd"] = each.mean(axis=1), each.std(axis=1)
    return scores, detail


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
        side = positive if active <= ACTIVE else excluded if active <= INACTIVE else None
        if side is not None:
            side.setdefault(by_name.get(name, name), set()).add(gene)
    return positive, excluded


def _listed(truth: str) -> set[str]:
    """All genes of a truth table."""
    return set(pd.read_csv(Path(truth), sep=None, engine="python")["gene"].map(normal_symbol))
