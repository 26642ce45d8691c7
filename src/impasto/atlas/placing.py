"""New plates on a map: corrected by its fit, compared with its perturbations, and marked where they lie outside of it.

    corrected = the map's fitted steps; a new plate is learned from its own rows, what plates share stays as it was fitted
    a perturbation asks with the unit mean of its wells; p is among queries of as many spared controls of its own plates
    outside_p of a well = (1 + #{wells of the map whose nearest well of another plate is no nearer than its nearest}) / (n + 1)

A well with outside_p at or below .01 is farther from the map than 99 % of the map's own wells are from each other's plates: what is near to
it there says little. Single spared controls are asked too: how often they find something at .05 is the calibration of these plates.
"""

from __future__ import annotations

from dataclasses import dataclass

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import identity, progress, ranking, schema, wells
from impasto.atlas import consensus, layout, null
from impasto.atlas.consensus import LEVEL, MODALITY, PROFILE, TREATED_AS, TREATMENT
from impasto.atlas.index import Index
from impasto.atlas.map_folder import Map
from impasto.atlas.stacked import Stacked
from impasto.correction import spared
from impasto.correction.steps import correct
from impasto.evaluation import baselines, tidy
from impasto.evaluation.tidy import Score
from impasto.schema import InputError
from impasto.statistics import interval
from impasto.statistics.pool import TIE

TASK = "place"
OUTSIDE = 0.01
CALLED = 0.05
MOST_CALIBRATED = 200
_BLOCK = 1024
Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Placed:
    """New wells on a map.

    Attributes
    ----------
    profiles
        The corrected wells.
    vectors
        (n, width) of unit length.
    positions
        (n, 2) on the map.
    wells
        One row a well: its place, `nearest` (cosine to the nearest well of the map), `outside_p`, `outside`.
    neighbours
        One row a perturbation and neighbour: rank, neighbour, score, z, p, q, query_p, itself.
    scores
        Tidy: how many perturbations find themselves, beside chance and position; wells outside; spared controls that find something.

    """

    profiles: anndata.AnnData
    vectors: Floats
    positions: Floats
    wells: pd.DataFrame
    neighbours: pd.DataFrame
    scores: list[Score]


def place(on: Map, profiles: anndata.AnnData, /, *, top: int = 10, spare: spared.Share = "auto", seed: int = 0) -> Placed:
    """Place new wells on a map.

    Parameters
    ----------
    on
        The map.
    profiles
        The wells, not corrected: as those of the map were before correction.
    top
        Neighbours of a perturbation.
    spare
        Share of the controls of each new plate that its correction does not learn from; they judge.
    seed
        Of the spared controls, and of what is drawn.

    Returns
    -------
    Placed
        The wells on the map.

    Raises
    ------
    InputError
        Another encoder or other corrections made the profiles, or features of the map are missing.

    """
    _refuse_other(on, profiles)
    corrected, _, _ = correct(profiles, (), fitted=on.fitted, spare=spare, seed=seed)
    if on.features and list(corrected.var_names) != on.features:
        raise InputError(
            f"the map {on.folder} has {len(on.features)} features, and these profiles, corrected as the map was, have other ones "
            f"({len(corrected.var_names)}); give profiles of the same measurements"
        )
    if corrected.n_vars != on.index.vectors.shape[1]:
        raise InputError(f"the map {on.folder} is {on.index.vectors.shape[1]} wide, and these profiles are {corrected.n_vars} wide")
    vectors = ranking.unit(wells.finite(corrected, task="placing"))
    of_wells, positions = _positions(on, vectors, corrected.obs)
    asking = _asking(on, vectors, corrected.obs)
    members = consensus.of_wells(asking.rows)
    chosen = [number for number, level in enumerate(members.rows[LEVEL]) if level == TREATMENT and not _is_control(members, number)]
    queries = ranking.unit(members.mean(vectors)[chosen]) if chosen else np.empty((0, vectors.shape[1]), dtype=np.float32)
    names = members.rows.iloc[chosen].reset_index(drop=True)
    rows = [members.members[number] for number in chosen]
    neighbours = _neighbours(on, asking, queries, names, rows, top=top, seed=seed)
    scores = [*_themselves(on, queries, names, corrected.obs, rows), *_outside(of_wells), *_calibration(on, asking, vectors, seed=seed)]
    return Placed(corrected, vectors, positions, of_wells, neighbours, scores)


def _refuse_other(on: Map, profiles: anndata.AnnData) -> None:
    given = identity.of(profiles)
    done, expected = ([str(step.get("method")) for step in made.steps] for made in (given, on.made))
    if done != expected:
        raise InputError(
            f"the new profiles are corrected by {' -> '.join(done) or 'nothing'}, those of the map {on.folder} were by "
            f"{' -> '.join(expected) or 'nothing'} before its own correction; give them as those were"
        )
    identity.check(on.made, given, of_expected=f"the map {on.folder}", of_given="the new profiles")


def _positions(on: Map, vectors: Floats, obs: pd.DataFrame) -> tuple[pd.DataFrame, Floats]:
    """How near the map is to each well, and where it stands there: in the middle of its 15 nearest wells, the nearer the more."""
    index = on.index
    flat = index.rows.iloc[on.wells][["x", "y"]].to_numpy(dtype=np.float32)
    positions, best = np.empty((len(vectors), 2), dtype=np.float32), np.empty(len(vectors), dtype=np.float32)
    of_map = np.asarray(index.vectors[on.wells])
    for start in range(0, len(vectors), _BLOCK):
        here = slice(start, start + _BLOCK)
        near, cosine = ranking.top_k(vectors[here], of_map, k=layout.BESIDE)
        positions[here] = layout.in_the_middle(flat, near, cosine)
        best[here] = cosine[:, 0]
    no_nearer = np.searchsorted(on.reach, best + TIE, side="right")
    outside = (1 + no_nearer) / (len(on.reach) + 1)
    keys = [word for word in (*wells.SITE_KEYS, schema.PERTURBATION, schema.CONTROL_TYPE, schema.SPARED) if word in obs]
    table = obs[keys].reset_index(drop=True).assign(nearest=best, outside_p=outside, outside=outside <= OUTSIDE)
    return table.assign(x=positions[:, 0], y=positions[:, 1]), positions


def _asking(on: Map, vectors: Floats, obs: pd.DataFrame) -> Index:
    """The new wells as an index of their own, whose spared controls make the null."""
    rows = obs.reset_index(drop=True).assign(**{LEVEL: "well", MODALITY: PROFILE})
    return Index(on.folder, Stacked([vectors]), rows, None, "exact")


def _is_control(members: consensus.Consensus, number: int) -> bool:
    return bool(wells.negative(members.rows.iloc[[number]])[0])


def _candidates(on: Map) -> npt.NDArray[np.bool_]:
    """The perturbations of the map that are ranked."""
    rows = on.index.rows
    return ((rows[LEVEL] == TREATMENT) & (rows[MODALITY] == PROFILE)).to_numpy(dtype=bool) & ~wells.negative(rows)


def _neighbours(on: Map, asking: Index, queries: Floats, names: pd.DataFrame, members: list[Rows], *, top: int, seed: int) -> pd.DataFrame:
    among = _candidates(on)
    called = on.index.rows[TREATED_AS] if TREATED_AS in on.index.rows else on.index.rows[schema.PERTURBATION]
    tables, unjudged = [], ""
    for number, query in enumerate(queries):
        judged = null.judge(on.index, query, among, null.of_wells(asking, members[number], seed=seed))
        ranked = on.index.nearest(query, top=top, among=among)
        at = ranked["row"].to_numpy()
        made = pd.DataFrame(
            {
                schema.PERTURBATION: names[TREATED_AS].iloc[number],
                "wells": len(members[number]),
                "rank": np.arange(1, len(ranked) + 1),
                "neighbour": called.iloc[at].to_numpy(),
                "score": ranked["score"].to_numpy(),
            }
        )
        if schema.PERTURBATION_NAME in ranked:
            made["name"] = ranked[schema.PERTURBATION_NAME].to_numpy()
        for word in ("z", "p", "q"):
            made[word] = judged.rows[word].reindex(at).to_numpy() if judged.p is not None else np.nan
        unjudged = unjudged or ("" if judged.p is not None else judged.sentence)
        tables.append(made.assign(query_p=np.nan if judged.p is None else judged.p, itself=made["neighbour"] == made[schema.PERTURBATION]))
    if unjudged:
        progress.say(unjudged)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _themselves(on: Map, queries: Floats, names: pd.DataFrame, obs: pd.DataFrame, members: list[Rows]) -> list[Score]:
    """How many perturbations that the map has find themselves, by their profile and by their position alone."""
    rows = on.index.rows
    among = np.flatnonzero(_candidates(on))
    called = (rows[TREATED_AS] if TREATED_AS in rows else rows[schema.PERTURBATION]).iloc[among].astype(str)
    place = pd.Index(called).get_indexer(names[TREATED_AS].astype(str)) if len(names) and called.is_unique else np.full(len(names), -1)
    shared = np.flatnonzero(place >= 0)
    if not len(shared):
        return []
    matches = (np.arange(len(shared)), place[shared].astype(np.intp))
    views = {"profiles": (queries[shared], np.asarray(on.index.vectors[among]))}
    by_position = _by_position(on, obs, [members[number] for number in shared], called)
    if by_position is not None:
        views["position only"] = by_position
    scores = []
    for group, (asked, offered) in views.items():
        ranks = ranking.rank_of_match(asked, offered, matches)
        for most in (1, 10):
            flags = ranks <= most
            around = interval.wilson(int(flags.sum()), len(flags), unit="perturbation")
            chance = min(1.0, most / len(among))
            protocol = f"{len(shared)} perturbations of the map, among {len(among)}"
            scores.append(
                tidy.score(
                    TASK, protocol, group, f"find themselves within {most}", float(flags.mean()), around, chance=chance, n=len(flags)
                )
            )
    return scores


def _by_position(on: Map, obs: pd.DataFrame, members: list[Rows], called: pd.Series) -> tuple[Floats, Floats] | None:
    """Unit means of the one-hot positions of wells: of the perturbations that ask, and of those of the map in the order of `called`."""
    of_map = on.index.rows.iloc[on.wells].reset_index(drop=True)
    if schema.WELL not in of_map or schema.WELL not in obs:
        return None
    both = pd.concat([of_map[[schema.WELL]], obs[[schema.WELL]].reset_index(drop=True)], ignore_index=True)
    places = baselines.position_only(both)
    if places is None:
        return None
    groups = consensus.of_wells(of_map)
    number = pd.Index(groups.rows[TREATED_AS].astype(str)).get_indexer(called.astype(str))
    if (number < 0).any() or not groups.rows[TREATED_AS].is_unique:
        return None
    means = groups.mean(places[: len(of_map)])[number]
    asked = np.stack([places[len(of_map) + own].mean(axis=0) for own in members])
    return ranking.unit(asked), ranking.unit(means)


def _outside(of_wells: pd.DataFrame) -> list[Score]:
    flags = of_wells["outside"].to_numpy(dtype=bool)
    around = interval.none(unit="well", clusters=len(flags), method="counted", why="counted, of these wells")
    metric = f"wells outside of the map (outside_p <= {OUTSIDE:g})"
    return [tidy.score(TASK, "nearest well of the map", "profiles", metric, float(flags.mean()), around, chance=OUTSIDE, n=len(flags))]


def _calibration(on: Map, asking: Index, vectors: Floats, *, seed: int) -> list[Score]:
    """How often a single spared control of the new plates finds something on the map at .05."""
    judges = asking.judges
    if len(judges) < null.FEWEST:
        return []
    if len(judges) > MOST_CALIBRATED:
        judges = np.sort(np.random.default_rng(seed).choice(judges, MOST_CALIBRATED, replace=False))
    among = _candidates(on)
    p = [null.judge(on.index, vectors[row], among, null.of_wells(asking, np.array([row]), seed=seed)).p for row in judges]
    flags = np.array([value is not None and value <= CALLED for value in p])
    around = interval.wilson(int(flags.sum()), len(flags), unit="control well")
    return [
        tidy.score(
            TASK,
            "spared controls of the new plates",
            "controls",
            f"share with p <= {CALLED:g}",
            float(flags.mean()),
            around,
            chance=CALLED,
            n=len(flags),
        )
    ]
