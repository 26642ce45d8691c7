"""Neighbours by hand in double precision: cosines, the null of pseudo-compounds, p, q and the share of all pairs."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from tests.explorer import assay

from impasto.atlas.stacked import Stacked
from impasto.explorer import near
from impasto.explorer.contents import Contents


def unit(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


VALUES = unit(assay.profiles().X.astype(np.float64))
OBS = assay.profiles().obs.reset_index(drop=True)


def consensus(name: str, dose: float | None = None) -> np.ndarray:
    chosen = OBS["perturbation"] == name
    if dose is not None:
        chosen &= OBS["concentration"] == dose
    return unit(VALUES[chosen.to_numpy()].mean(axis=0))


def row(contents: Contents, name: str, dose: float | None = None) -> int:
    rows = contents.rows
    same = rows["concentration"].isna() if dose is None else np.isclose(rows["concentration"].to_numpy(float), dose)
    return int(np.flatnonzero((rows["perturbation"] == name) & same)[0])


def corrected(p: np.ndarray) -> np.ndarray:
    """Benjamini and Hochberg's step-up, written out."""
    order = np.argsort(p)
    q = np.empty(len(p))
    smallest = 1.0
    for rank in range(len(p), 0, -1):
        smallest = min(smallest, p[order[rank - 1]] * len(p) / rank)
        q[order[rank - 1]] = smallest
    return q


@pytest.mark.parametrize("dose", [None, 10.0])
def test_scores_are_cosines_of_consensus_profiles_of_one_level(contents: Contents, dose: float | None) -> None:
    got = near.near(contents, row(contents, "id-0", dose), space="profiles", top=200)
    query = consensus("id-0", dose)
    others = ["id-1", "id-2", "id-3"]
    candidates = {row(contents, name, d): consensus(name, d) for name in others for d in ([None] if dose is None else assay.DOSES)}
    scores = {place: float(vector @ query) for place, vector in candidates.items()}
    assert [one["row"] for one in got["rows"]] == sorted(scores, key=lambda place: -scores[place])
    for one in got["rows"]:
        assert one["score"] == pytest.approx(scores[one["row"]], abs=1e-6)


def test_a_query_of_more_wells_than_controls_takes_as_many_as_can_be_chosen(contents: Contents) -> None:
    # Eight wells and eight spared controls: one way to choose eight, eight to choose seven, 28 to choose six.
    got = near.near(contents, row(contents, "id-0"), space="profiles", top=1)
    assert got["null"]["kind"] == "28 queries of 6 spared control wells of all plates (the query has 8)"
    spared = np.flatnonzero(OBS["spared"].to_numpy(dtype=bool))
    null = [unit(VALUES[list(some)].mean(axis=0)) @ consensus("id-0") for some in itertools.combinations(spared, 6)]
    assert got["null"]["high"] == pytest.approx(float(np.quantile(null, 0.95)), abs=1e-6)


def test_the_null_is_of_spared_controls_of_the_same_plates(contents: Contents) -> None:
    place = row(contents, "id-0", 10.0)
    got = near.near(contents, place, space="profiles", top=200)
    query = consensus("id-0", 10.0)
    # 4 x 4 pairs of the two plates are fewer than 19, so pairs of all eight spared controls stand in: 28.
    spared = np.flatnonzero(OBS["spared"].to_numpy(dtype=bool))
    null = np.sort([unit(VALUES[list(pair)].mean(axis=0)) @ query for pair in itertools.combinations(spared, 2)])
    assert got["null"]["draws"] == len(null) == 28
    assert got["null"]["floor"] == pytest.approx(1 / 29)
    assert got["null"]["median"] == pytest.approx(float(np.median(null)), abs=1e-6)
    assert got["null"]["high"] == pytest.approx(float(np.quantile(null, 0.95)), abs=1e-6)
    p = {one["row"]: one["p"] for one in got["rows"]}
    by_hand = {one["row"]: (1 + int((null >= one["score"] - 1e-6).sum())) / 29 for one in got["rows"]}
    assert p == pytest.approx(by_hand)
    places = sorted(p)
    q = dict(zip(places, corrected(np.array([by_hand[place] for place in places])), strict=True))
    assert {one["row"]: one["q"] for one in got["rows"]} == pytest.approx(q)
    assert contents.rows["perturbation"][got["rows"][0]["row"]] == "id-1"
    assert got["query"] == "=cmd() 10 µM"


def test_the_share_of_all_pairs_is_counted(contents: Contents) -> None:
    got = near.near(contents, row(contents, "id-0"), space="profiles", top=200)
    names = ["id-0", "id-1", "id-2", "id-3"]
    pairs = np.array([consensus(a) @ consensus(b) for a, b in itertools.combinations(names, 2)])
    for one in got["rows"]:
        # Six pairs: between two of them the share is interpolated.
        low, high = (pairs > one["score"] + 1e-5).mean(), (pairs >= one["score"] - 1e-5).mean()
        assert low - 1e-3 <= one["beyond"] <= high + 1e-3


def test_a_well_is_asked_among_compounds(contents: Contents) -> None:
    at = int(np.flatnonzero((contents.well_rows["plate"] == "P2") & (contents.well_rows["well"] == "B04"))[0])
    got = near.near(contents, at, space="profiles", top=2, level="wells")
    assert got["query"] == "P2:B04"
    scores = {row(contents, name): float(consensus(name) @ VALUES[at]) for name in ("id-1", "id-2", "id-3")}
    assert [one["row"] for one in got["rows"]] == sorted(scores, key=lambda place: -scores[place])[:2]
    # Four spared controls on its plate are fewer than 19, and so are eight on both.
    assert got["null"]["kind"] == "8 queries of 1 spared control well of all plates"


def test_scores_and_null_are_of_the_space_that_is_asked_for(contents: Contents) -> None:
    # A second space: the first six features of the same wells.
    few = VALUES[:, :6].astype(np.float32)
    means = np.stack([few[contents.members(place)].mean(axis=0) for place in range(len(contents.rows))])
    spaces = {**contents.spaces, "other": Stacked([unit(few).astype(np.float32), unit(means).astype(np.float32)])}
    both = dataclasses.replace(contents, spaces=spaces, pairs=np.repeat(contents.pairs, 2, axis=0))
    got = near.near(both, row(contents, "id-0", 10.0), space="other", top=3)
    query = unit(means)[row(contents, "id-0", 10.0)]
    assert [one["score"] for one in got["rows"]] == pytest.approx([float(unit(means)[one["row"]] @ query) for one in got["rows"]], abs=1e-6)
    spared = np.flatnonzero(OBS["spared"].to_numpy(dtype=bool))
    null = [unit(unit(few)[list(pair)].mean(axis=0)) @ query for pair in itertools.combinations(spared, 2)]
    assert got["null"]["high"] == pytest.approx(float(np.quantile(null, 0.95)), abs=1e-6)
    assert got["space"] == "other"
