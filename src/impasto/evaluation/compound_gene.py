"""Compound-gene: does a compound look like the knock-out of its known targets more than like that of random genes?

CWA-MSN, section 4.2, Table 2 and Fig. 3 (RxRx3-core; Kraus et al. 2025). Each compound at each concentration is compared by cosine with
the profiles of its targets (positives) and of random other genes (`compound_gene_draws`). AUC and AP per compound are averaged over
compounds (macro), then over seeds. z = (mean - random mean) / sqrt(sd^2 + random sd^2). The random mean and sd are those of scores drawn
at random.

Protocols: `rxrx3-core` is the code of EFAAR's benchmark. It ranks by |cosine|, leaves out a compound with too few genes to draw from, and
takes sd over the seeds' macro means. `cwa-msn` is the text of the paper: the same but for sd, which is taken over compounds. The sd and z
of the two are on different scales. `signed` ranks by cosine and draws those genes that there are; sd is over seeds.

Truth: the profiles' own targets, or `truth`, a table with the columns compound, gene and (where known) activity in micromolar. EFAAR's own
table of RxRx3-core (treatment, gene_symbol, nM_value) is read as it is published. Targets at or below 1 are positives. Those above 1 and up
to 10, and those without a number, are left out. Genes are drawn from all of the truth.

Each concentration is scored by itself. Two readings of "the maximum concentration" stand beside them. `highest` takes each compound's
highest concentration, as the paper's text says. `maximum` takes each gene's greatest score over the concentrations, as EFAAR's code does,
and ranks those. A compound is one molecule, whatever its name. Each sd divides by the number of values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import ranking, schema, wells
from impasto.evaluation import baselines, compound_gene_draws, inputs, protocols, tidy, units
from impasto.evaluation.compound_gene_draws import Drawn
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
Protocol = protocols.CompoundGene
PROTOCOLS = get_args(Protocol)
GeneType = Literal["auto", "crispr", "orf", "sirna"]
ACTIVE, INACTIVE = 1.0, 10.0
"""In micromolar: active at or below the first, inactive above the second; between them nobody says."""
_PUBLISHED = {"treatment": "compound", "gene_symbol": "gene", "nM_value": "activity"}
"""The columns of EFAAR's compound_gene_interactions.csv; its activity is in nanomolar."""
Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]


def evaluate(
    profiles: Table,
    /,
    *,
    protocol: Protocol = "rxrx3-core",
    truth: str | Path | None = None,
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
        `rxrx3-core`, `cwa-msn` or `signed` (see the module).
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
    Result
        `per_group`: one row a compound and concentration. `tables`: `compounds`, the targets of each, the genes that nobody knows of, and
        whether it was scored.

    Raises
    ------
    InputError
        No compounds, no edited genes, fewer than three known targets among them, or no compound that can be scored.

    """
    one_of(protocol, PROTOCOLS, what="protocol of compound-gene")
    if seeds < 1:
        raise InputError(f"seeds is {seeds}; compound-gene needs one drawing of random genes or more: --set seeds=100")
    profiles = inputs.as_profiles(profiles, task="compound-gene")
    wells.require(profiles.obs, [schema.PERTURBATION, schema.PERTURBATION_TYPE, schema.GENE], task="compound-gene")
    codes, genes = _genes(profiles.obs, gene_type)
    compounds, compound_codes = _compounds(profiles.obs)
    positive, excluded = _truth(profiles.obs, truth)
    known = {gene for targets in positive.values() for gene in targets} | (set() if truth is None else set(_read(truth)["gene"]))
    usable = sorted(known & set(genes))
    if len(usable) < 3:
        raise InputError(f"{len(usable)} known targets of compounds have profiles of their own; compound-gene needs 3")
    drawn = _drawn(compounds["compound"], usable, positive, excluded, protocol=protocol, seeds=seeds, seed=seed)
    columns = [genes.index(gene) for gene in usable]
    scores, details = [], []
    for name, values in [(OWN, wells.finite(profiles, task="compound-gene")), *baselines.stand_ins(profiles)]:
        chosen: Statistic = statistic if name == OWN else "mean"
        of_genes = ranking.unit(inputs.consensus(values, codes, statistic=chosen))[columns]
        of_compounds = ranking.unit(inputs.consensus(values, compound_codes, statistic=chosen))
        cosine = of_compounds @ of_genes.T
        frame, similarity = _with_maximum(compounds, cosine if protocol == "signed" else np.abs(cosine))
        made = {row: Compound(similarity[row], drawn[c], (seed, row)) for row, c in enumerate(frame["compound"]) if c in drawn}
        ending = f"{protocol}, {len(usable)} genes, {seeds} seeds, {chosen}"
        for view, rows in _views(frame.loc[list(made)]).items():
            sampled = units.named(frame.loc[rows, "compound"].to_numpy(dtype=str), word="compound")
            macro = Macro([made[row] for row in rows], sampled, units.named(usable, word="gene"), seeds, seed)
            scored, detail = _summary(macro, f"{ending}, concentration={view}", name, over="compound" if protocol == "cwa-msn" else "seed")
            scores += scored
            if view not in READINGS:
                where = {"concentration": frame.loc[rows, "concentration"].to_numpy(), "profiles": name, "protocol": protocol}
                details.append(detail.assign(compound=frame.loc[rows, "compound"].to_numpy(), **where))
    per = pd.concat(details, ignore_index=True)
    per = per[["compound", "concentration", *per.columns.drop(["compound", "concentration"])]]
    return Result.of(scores, per_group=per, tables={"compounds": _listing(compounds["compound"], usable, positive, excluded, drawn)})


def _drawn(
    compounds: pd.Series,
    genes: list[str],
    positive: dict[str, set[str]],
    excluded: dict[str, set[str]],
    *,
    protocol: Protocol,
    seeds: int,
    seed: int,
) -> dict[str, Drawn]:
    """Compound -> the genes it is ranked among, of those that can be scored."""
    all_drawn, all_genes = protocol != "signed", np.ones(len(genes), dtype=bool)
    drawn = {
        name: made
        for name in compounds.unique()
        if not positive.get(name, set()).isdisjoint(genes)
        and (
            made := compound_gene_draws.draw(genes, positive[name], excluded.get(name, set()), seeds=seeds, seed=seed, all_drawn=all_drawn)
        ).size(all_genes)[0]
    }
    if not drawn:
        fewest = compound_gene_draws.FEWEST_NEGATIVES
        asks = f"; {protocol} asks for {fewest} random genes or more, --protocol signed takes those that there are" if all_drawn else ""
        raise InputError(
            f"no compound has both a target and random genes among the {len(genes)} genes with profiles and in the truth{asks}"
        )
    return drawn


def _listing(
    compounds: pd.Series, genes: list[str], positive: dict[str, set[str]], excluded: dict[str, set[str]], drawn: dict[str, Drawn]
) -> pd.DataFrame:
    """One row a compound: how many of the genes are targets, of how many nobody says, and whether the compound was scored."""
    rows = []
    for name in sorted(compounds.unique()):
        targets = positive.get(name, set()) & set(genes)
        rows.append((name, len(targets), len((excluded.get(name, set()) & set(genes)) - targets), name in drawn))
    return pd.DataFrame(rows, columns=["compound", "targets", "left out", "scored"])


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


def _summary(macro: Macro, protocol: str, group: str, *, over: Literal["seed", "compound"]) -> tuple[list[Score], pd.DataFrame]:
    """AUC and AP, their sd over seeds or compounds and their z; and one row a compound."""
    values, random = macro.by_seed(), macro.by_seed(random=True)
    intervals, n = macro.intervals(values), len(macro.compounds)
    sizes = [compound.drawn.size(np.ones(len(macro.genes), dtype=bool)) for compound in macro.compounds]
    chance = [ranking.chance_average_precision(*size) for size in sizes]
    detail = pd.DataFrame({"targets": [p for p, _ in sizes], "negatives": [q for _, q in sizes], "chance_AP": chance})
    digest = tidy.digest_of_units([*macro.sampled.names, *macro.genes.names])
    scores = []
    for metric in METRICS:
        # Macro means, one a seed; or the means over seeds, one a compound.
        own, by_chance = (each[metric].mean(axis=0 if over == "seed" else 1) for each in (values, random))
        value, sd, of_random = float(own.mean()), float(own.std()), float(by_chance.std())
        spread = float(np.hypot(sd, of_random))
        # One seed, or one compound, has no spread to compare with.
        z = (value - float(by_chance.mean())) / spread if spread > 0 and len(own) > 1 else float("nan")
        interval, parts = intervals[metric]
        known = 0.5 if metric == "AUC" else float(np.mean(chance))
        scores.append(tidy.score(TASK, protocol, group, metric, value, interval, chance=known, n=n, parts=parts, units=digest))
        scatters = "the drawing of random genes scatters" if over == "seed" else "compounds scatter"
        why = none(unit=over, clusters=len(own), method="", why=f"how {scatters}")
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


def _truth(obs: pd.DataFrame, truth: str | Path | None) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
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
    table = _read(truth)
    # A compound bought twice goes by the first of its names; the table may use any of them.
    by_name = dict(zip(obs[schema.PERTURBATION].astype(str), names.astype(str), strict=True))
    for name, gene, active in zip(table["compound"].astype(str), table["gene"], table["activity"], strict=True):
        # Not a number is neither active nor inactive.
        side = positive if active <= ACTIVE else None if active > INACTIVE else excluded
        if side is not None:
            side.setdefault(by_name.get(name, name), set()).add(gene)
    return positive, excluded


def _read(truth: str | Path) -> pd.DataFrame:
    """A truth table: compound, gene by its symbol, activity in micromolar (0 where the table has no such column).

    EFAAR's published table has other words, and nanomolar.
    """
    if not Path(truth).is_file():
        raise InputError(f"there is no file {truth}; truth is a table of compound, gene and, where known, activity: --set truth=TABLE")
    table = pd.read_csv(Path(truth), sep=None, engine="python")
    if set(_PUBLISHED) <= set(table.columns):
        table = table.rename(columns=_PUBLISHED)
        table["activity"] = table["activity"] / 1000
    if missing := {"compound", "gene"} - set(table.columns):
        raise InputError(f"{truth} has no column {sorted(missing)[0]!r}; a truth table has compound, gene and, where known, activity")
    activity = pd.to_numeric(table["activity"], errors="coerce") if "activity" in table else pd.Series(0.0, index=table.index)
    wrong = table.loc[activity.isna() & table["activity"].notna(), "activity"] if "activity" in table else activity[:0]
    if len(wrong):
        raise InputError(f"{truth}: the activity {wrong.iloc[0]!r} is not a number of micromolar ({len(wrong)} such rows); leave it empty")
    return table.assign(gene=table["gene"].map(normal_symbol), activity=activity)
