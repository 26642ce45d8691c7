"""Replicate detection: are the wells of a perturbation nearer to each other than to what they should differ from?

For each treated well, the other wells of its perturbation (positives) are ranked among negatives by cosine; average precision of
each ranking, mean per perturbation, mean over perturbations. Lu et al., CellCLIP, Eq. 12; Chandrasekaran et al. 2024; Kalinin et
al. 2025. The query is never in its own ranking.

Which positives: `level` any other well, or only wells of another batch, another source, or at another position.
Which negatives: `protocol` plate-controls (negative controls of the query's plate), plate-others (other perturbations of the
plate), all-others (other perturbations anywhere), copairs (plate-controls with that package's ties and null, number for number).
Replicates share their dose, unless doses are pooled. Wells of the query's compound are never negatives, whatever their dose or name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal, get_args

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from impasto import mapped, ranking, schema, wells
from impasto.evaluation import baselines, copairs, cpjump1, inputs, permutation, protocols, samples, tidy, units
from impasto.evaluation.inputs import SameAs, Table
from impasto.evaluation.layout import LEVELS, Layout, Level, Rows, Together, layout, together
from impasto.evaluation.replicate_scores import ReplicateScore
from impasto.evaluation.result import OWN, Result, joined
from impasto.evaluation.retrieved import Retrieved
from impasto.evaluation.tidy import Score
from impasto.schema import InputError, one_of
from impasto.statistics import discovery
from impasto.statistics.shuffles import MOST_SHUFFLES

TASK = "replicates"
Protocol = protocols.Replicates
PROTOCOLS = get_args(Protocol)
_PLACE = (
    *(schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL),
    *(schema.PERTURBATION, schema.PERTURBATION_NAME, schema.CONCENTRATION, schema.CONTROL_TYPE),
)
Floats = npt.NDArray[np.float32]


def average_precisions(vectors: Floats, where: Layout, /, *, protocol: protocols.Ranked, device: str | None = None) -> pd.DataFrame:
    """The average precision of every query that has a positive and a negative.

    Parameters
    ----------
    vectors
        Unit rows (n, width); for `copairs` the rows as they are.
    where
        Who stands where.
    protocol
        Which wells are negatives.
    device
        Where wells are compared; see `ranking`.

    Returns
    -------
    pd.DataFrame
        One row a query: row, perturbation, average_precision, chance, positives, negatives.

    """
    if protocol == "copairs":
        return copairs.average_precisions(vectors, where)
    precision, positives, negatives = np.full(len(vectors), np.nan), np.zeros(len(vectors), int), np.zeros(len(vectors), int)
    for pairs in together(vectors, where):
        for name, part in pairs.by_plate(where.plate) if protocol != "all-others" else [("", pairs)]:
            pool = where.negatives(name, others=protocol != "plate-controls")
            if not len(pool):
                continue
            queries, rows = np.unique(part.query, return_inverse=True)
            right = part.are_right(where)
            left_out = _left_out(part, rows, pool, size=len(vectors))
            precision[queries] = ranking.pool_average_precisions(
                vectors[queries], mapped.take(vectors, pool), rows[right], part.similarity[right], left_out=left_out, device=device
            )
            positives[queries] = np.bincount(rows[right], minlength=len(queries))
            negatives[queries] = len(pool) - np.bincount(left_out[0], minlength=len(queries))
    rankable = np.flatnonzero((positives > 0) & (negatives > 0))
    shapes, which = np.unique(np.stack([positives[rankable], negatives[rankable]]), axis=1, return_inverse=True)
    chance = np.array([ranking.chance_average_precision(int(p), int(q)) for p, q in shapes.T], dtype=float)
    columns = {
        "row": rankable,
        schema.PERTURBATION: where.perturbation[rankable],
        "average_precision": precision[rankable],
        "chance": chance[which.ravel()],
        "positives": positives[rankable],
        "negatives": negatives[rankable],
    }
    return pd.DataFrame(columns)


def _left_out(pairs: Together, rows: Rows, pool: Rows, *, size: int) -> tuple[Rows, Rows]:
    """Which wells of the pool are of the query's own compound: pairs of (number of the query, place in the pool), in order."""
    place = np.full(size, -1)
    place[pool] = np.arange(len(pool))
    column = place[pairs.partner]
    rows, column = rows[column >= 0], column[column >= 0]
    order = np.argsort(rows, kind="stable")
    return rows[order], column[order]


def evaluate(
    profiles: Table,
    /,
    *,
    protocol: Protocol = "plate-controls",
    level: Literal["any", "batch", "source", "position", "all"] = "any",
    pool_doses: bool = False,
    same_as: SameAs = "name",
    draws: int = 1000,
    shuffles: Annotated[int, Field(ge=0)] = MOST_SHUFFLES,
    seed: int = 0,
    with_baselines: bool = True,
    device: str | None = None,
    null: copairs.NullName = "copairs",
    exact: bool = False,
) -> Result:
    """Replicate detection beside its baselines: position only, cell count only, shuffled labels.

    Parameters
    ----------
    profiles
        One row a well.
    protocol
        Which wells are negatives (see the module); `cpjump1-replicability` is the score of CPJUMP1's notebooks
        (`cpjump1.replicability`), which takes no other setting than `seed`.
    level
        Which wells of the perturbation are positives; `all` gives every level that the table can be ranked at.
    pool_doses
        Whether all doses of a perturbation are one.
    same_as
        Whether perturbations are the same by `name`, or by `inchikey` where they have one.
    draws
        Permutations of the p-values of perturbations.
    shuffles
        How often labels are shuffled within plates at most to ask whether the score is above chance; 0 for never. Where negatives are
        other perturbations, the mean of the shuffles is the chance.
    seed
        Of permutations, shuffled labels and groups of units.
    with_baselines
        Whether baselines are scored too.
    device
        Where wells are compared, such as `cuda`; on the processor by default.
    null
        How `protocol="copairs"` draws its rankings.
    exact
        Whether all wells are queries in a table of any size. Else a perturbation of more than 256 wells is asked by 256 of them, and
        `all-others` by whole perturbations of about 20,000 wells; the protocol says so.

    Returns
    -------
    Result
        Scores: mAP; where negatives are controls also the fraction of perturbations that differ from them at 5 % false discovery.
        `per_group`: one row a perturbation (mean average precision, p, corrected p, chance, queries). `per_well`: one row a well (its place
        and average precision). `tables`: `levels_not_ranked`, and why; `merged`, the names that `same_as` merged.

    Raises
    ------
    InputError
        Where nothing can be ranked.

    """
    one_of(protocol, PROTOCOLS, what="protocol of replicates")
    if protocol == "cpjump1-replicability":
        return cpjump1.replicability(profiles, seed=seed)
    one_of(level, (*LEVELS, "all"), what="level")
    profiles = inputs.as_profiles(profiles, task="replicate detection")
    wells.require(profiles.obs, [schema.PERTURBATION], task="replicate detection")
    profiles, listing = inputs.merged(profiles, same_as)
    chosen = Chosen(protocol, pool_doses, draws, shuffles, seed, with_baselines, device, null, exact)
    if level != "all":
        return replace(_at(profiles, level, chosen), tables={} if listing.empty else {"merged": listing})
    results: list[Result] = []
    not_ranked: list[dict[str, str]] = []
    for each in LEVELS:
        try:
            results.append(_at(profiles, each, chosen))
        except InputError as error:
            not_ranked.append({"profiles": OWN, "level": each, "reason": str(error)})
    if not results:
        raise InputError(not_ranked[0]["reason"])
    further = {"levels_not_ranked": pd.DataFrame(not_ranked), "merged": listing}
    return replace(joined(results), tables={name: table for name, table in further.items() if not table.empty})


@dataclass(frozen=True)
class Chosen:
    """How to rank and test, whatever the level.

    Attributes
    ----------
    protocol
        Which wells are negatives.
    pool_doses
        Whether all doses of a perturbation are one.
    draws
        Permutations of the p-values of perturbations.
    shuffles
        How often labels are shuffled at most.
    seed
        Of permutations, shuffled labels and groups of units.
    with_baselines
        Whether baselines are scored too.
    device
        Where wells are compared.
    null
        How `copairs` draws its rankings.
    exact
        Whether nothing is drawn.

    """

    protocol: protocols.Ranked
    pool_doses: bool
    draws: int
    shuffles: int
    seed: int
    with_baselines: bool
    device: str | None
    null: copairs.NullName
    exact: bool = False


def _asked(profiles: anndata.AnnData, level: Level, chosen: Chosen) -> tuple[Layout, str]:
    """Who stands where, and what the protocol says of wells that were drawn."""
    where = layout(
        profiles.obs, level=level, pool_doses=chosen.pool_doses, exact=chosen.exact or chosen.protocol == "copairs", seed=chosen.seed
    )
    words = "" if where.drawn is None else f", {samples.MOST_REPLICATES} wells drawn of a perturbation with more"
    rows = np.flatnonzero(where.asked)
    if chosen.protocol != "all-others" or len(rows) <= samples.MOST_ROWS:
        return where, words
    if chosen.exact:
        samples.say_price(len(rows), int(where.treated.sum()), profiles.n_vars, what="ranking among all other wells")
        return where, words
    # Whole perturbations in the order of their names: a query has all of its answers, and the order of the rows draws nothing.
    named = np.unique(where.perturbation[rows], return_inverse=True)[1].ravel()
    asked = np.zeros(profiles.n_obs, dtype=bool)
    asked[rows] = samples.of_groups(named, most=samples.MOST_ROWS, seed=chosen.seed)
    return replace(where, drawn=asked), words + samples.words(int(asked.sum()), len(rows), what="queries")


def _at(profiles: anndata.AnnData, level: Level, chosen: Chosen) -> Result:
    """The result at one level."""
    protocol = chosen.protocol
    where, drawn = _asked(profiles, level, chosen)
    values = wells.finite(profiles, task="replicate detection")
    vectors = ranking.unit(values)
    name = f"{protocol}, level={level}{inputs.dose_words(profiles.obs, pool_doses=chosen.pool_doses)}{drawn}"
    # copairs scales rows itself, with its own roundings.
    detail = average_precisions(values if protocol == "copairs" else vectors, where, protocol=protocol, device=chosen.device)
    if detail.empty:
        raise InputError(
            f"{name}: none of the {int(where.treated.sum())} treated wells has both a replicate at that level and a negative to be ranked "
            "against; choose another --protocol or --level, or mark the negative controls"
        )
    per = _per_perturbation(detail)
    scored = of_detail(detail, vectors, where, profiles.obs, protocol=protocol, seed=chosen.seed)
    scores = [score_of(scored, name, OWN, shuffles=chosen.shuffles)]
    # A control that takes a treated well's place has a position of its own, so the test has no meaning between positions.
    if protocol == "copairs" or (protocol == "plate-controls" and level != "position"):
        per = _tested(per, detail, vectors, where, chosen)
        # copairs draws its null from no control of the table.
        draws = 0 if protocol == "copairs" else chosen.draws
        scores.append(Retrieved(scored, per["p_value"].to_numpy(dtype=np.float64), draws).row(TASK, name, OWN))
    if chosen.with_baselines:
        scores += _baselines(profiles, where, name, chosen, vectors=vectors, of=scores[0], among=per[schema.PERTURBATION])
    places = profiles.obs.iloc[detail["row"]][[c for c in _PLACE if c in profiles.obs]].reset_index(drop=True)
    per_well = pd.concat([places, detail.drop(columns=["row", schema.PERTURBATION])], axis=1)
    described = {"profiles": OWN, "protocol": name}
    return Result.of(scores, per_group=per.assign(**described), per_well=per_well.assign(**described))


def _tested(per: pd.DataFrame, detail: pd.DataFrame, vectors: Floats, where: Layout, chosen: Chosen) -> pd.DataFrame:
    """The table of perturbations with p-values, and those corrected for the number of perturbations."""
    names = per[schema.PERTURBATION].astype(str)
    if chosen.protocol == "copairs":
        p = copairs.p_values(detail, draws=chosen.draws, seed=chosen.seed, null=chosen.null).reindex(names).to_numpy()
    else:
        p = permutation.p_values(vectors, where, names.tolist(), draws=chosen.draws, seed=chosen.seed)
    return per.assign(p_value=p, corrected_p_value=discovery.corrected(p))


def _per_perturbation(detail: pd.DataFrame) -> pd.DataFrame:
    grouped = detail.groupby(schema.PERTURBATION, sort=True)
    per = grouped[["average_precision", "chance"]].mean().rename(columns={"average_precision": "mean_average_precision"})
    return per.assign(queries=grouped.size(), positives=grouped["positives"].mean(), negatives=grouped["negatives"].mean()).reset_index()


def of_detail(
    detail: pd.DataFrame, vectors: Floats, where: Layout, obs: pd.DataFrame, /, *, protocol: protocols.Ranked, seed: int
) -> ReplicateScore:
    """The score of queries that `average_precisions` ranked, which knows how sure it is.

    Parameters
    ----------
    detail
        Of `average_precisions`.
    vectors
        Unit rows (n, width).
    where
        Who stands where.
    obs
        The annotation of the n wells.
    protocol
        Which wells are negatives.
    seed
        Of groups of units and shuffles.

    Returns
    -------
    ReplicateScore
        The score.

    """
    others = protocol in ("plate-others", "all-others")
    word = units.kind_of(obs[where.treated])
    return ReplicateScore(vectors, where, detail, others, protocol != "all-others", seed, word)


def score_of(
    scored: ReplicateScore,
    protocol: str,
    group: str,
    /,
    *,
    shuffles: int,
    task: str = TASK,
    metric: str = "mAP",
    chance: float | None = None,
) -> Score:
    """The row of one score.

    Parameters
    ----------
    scored
        The score.
    protocol, group, task, metric
        As in `Score`.
    shuffles
        How often labels are shuffled at most.
    chance
        Instead of the chance of random rankings or of shuffles.

    Returns
    -------
    Score
        The row, with interval and chance.

    """
    interval, parts = scored.interval()
    shuffled = scored.chance(shuffles)
    per = scored.detail.groupby(schema.PERTURBATION)["chance"].mean()
    if chance is None:
        chance = shuffled.mean if shuffled is not None and scored.others else float(per.mean())
    p = None if shuffled is None else shuffled.p
    row = (task, protocol, group, metric, scored.value, interval)
    return tidy.score(*row, chance=chance, n=len(per), p_chance=p, parts=parts, units=scored.sampled.digest)


def _baselines(
    profiles: anndata.AnnData, where: Layout, name: str, chosen: Chosen, *, vectors: Floats, of: Score, among: pd.Series
) -> list[Score]:
    """Position only, cell count only, and the same profiles under shuffled labels: the three answers to "compared with what?".

    Scored over the same perturbations: where few have wells at other positions, shuffled labels would give all of them some.
    """
    stand_ins = [(group, ranking.unit(values), where) for group, values in baselines.stand_ins(profiles)]
    stand_ins.append((baselines.SHUFFLED, vectors, _shuffled(where, seed=chosen.seed)))
    scores = []
    for group, unit, spots in stand_ins:
        detail = average_precisions(unit, spots, protocol=chosen.protocol, device=chosen.device)
        detail = detail[detail[schema.PERTURBATION].isin(among)]
        if not detail.empty:
            scored = of_detail(detail, unit, spots, profiles.obs, protocol=chosen.protocol, seed=chosen.seed)
            scores.append(score_of(scored, name, group, shuffles=0, chance=of.chance))
    return scores


def _shuffled(where: Layout, *, seed: int) -> Layout:
    """The same wells with their perturbations shuffled within each plate."""
    rng = np.random.default_rng(seed)
    drawn = np.arange(len(where.plate))
    for rows in where.treated_on.values():
        drawn[rows] = rng.permutation(rows)
    return replace(where, perturbation=where.perturbation[drawn], compound=where.compound[drawn])
