"""New plates on a map: found again by what they look like, judged by their own spared controls, refused where they are of another kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.atlas.plates_on_maps import COMPOUNDS, corrected, plates

from impasto import identity
from impasto.atlas import layout, map_folder, placing
from impasto.correction.steps import correct
from impasto.ranking import unit
from impasto.schema import InputError


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> map_folder.Map:
    where = tmp_path_factory.mktemp("map")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(layout, "has_umap", lambda: False)
        corrected(plates(3, seed=0), where)
    map_folder.pack(where / "run" / "index", where / "run" / "c.fitted", where / "map", licence="CC0-1.0")
    return map_folder.open_map(where / "map")


@pytest.fixture(scope="module")
def placed(on: map_folder.Map) -> placing.Placed:
    return placing.place(on, plates(3, seed=5, name="N", moved=True), top=3)


def test_compounds_find_themselves_by_their_looks_and_not_by_their_place(placed: placing.Placed) -> None:
    scores = {(s.group, s.metric): s for s in placed.scores}
    own, place = (scores[group, "find themselves within 1"] for group in ("profiles", "position only"))
    assert own.value >= 0.75
    assert own.chance == pytest.approx(1 / COMPOUNDS)
    assert place.value == 0
    assert own.n == COMPOUNDS
    first = placed.neighbours[placed.neighbours["rank"] == 1]
    assert first["itself"].mean() == own.value
    assert (first["query_p"] <= 0.05).mean() >= 0.75


def test_on_the_same_platemap_position_finds_all(on: map_folder.Map) -> None:
    scores = {(s.group, s.metric): s.value for s in placing.place(on, plates(2, seed=6, name="N")).scores}
    assert scores["position only", "find themselves within 1"] == 1


def test_the_wells_are_corrected_by_the_fit_of_the_map(on: map_folder.Map, placed: placing.Placed) -> None:
    by_hand, _, _ = correct(plates(3, seed=5, name="N", moved=True), (), fitted=on.fitted, spare="auto", seed=0)
    np.testing.assert_array_equal(placed.vectors, unit(by_hand.X))


def test_scores_and_positions_by_hand(on: map_folder.Map, placed: placing.Placed) -> None:
    rows = on.index.rows
    of_map = np.asarray(on.index.vectors[on.wells])
    well = placed.vectors[3]
    cosine = of_map @ well
    near = np.argsort(-cosine, kind="stable")[:15]
    weight = cosine[near] - cosine[near].min() + 1e-6
    flat = rows.iloc[on.wells][["x", "y"]].to_numpy(dtype=float)[near]
    np.testing.assert_allclose(placed.positions[3], (flat * weight[:, None]).sum(axis=0) / weight.sum(), atol=1e-4)
    assert placed.wells["nearest"].iloc[3] == pytest.approx(cosine.max(), abs=1e-6)
    assert placed.wells["outside_p"].iloc[3] == pytest.approx((1 + (on.reach <= cosine.max() + 1e-6).sum()) / (len(on.reach) + 1))
    own = placed.profiles.obs["perturbation"].astype(str).to_numpy() == "c2"
    query = unit(placed.vectors[own].mean(axis=0, keepdims=True))[0]
    line = placed.neighbours[(placed.neighbours["perturbation"] == "c2") & (placed.neighbours["rank"] == 1)].iloc[0]
    at = np.flatnonzero((rows["level"] == "perturbation") & (rows["perturbation"] == "c2"))[0]
    assert line["score"] == pytest.approx(float(on.index.vectors[int(at)] @ query), abs=1e-5)
    assert line["wells"] == 3


def test_what_looks_like_nothing_on_the_map_lies_outside(on: map_folder.Map) -> None:
    far = placing.place(on, plates(1, seed=8, name="F", far=True))
    treated = far.wells["control_type"].to_numpy() == "trt"
    near = placing.place(on, plates(1, seed=8, name="F"))
    assert far.wells["nearest"][treated].mean() < near.wells["nearest"][treated].mean()
    assert far.wells["outside_p"][treated].min() < near.wells["outside_p"][treated].min()


def test_spared_controls_find_no_more_than_chance(placed: placing.Placed) -> None:
    share = next(s for s in placed.scores if s.group == "controls")
    assert share.value <= 0.15
    assert not placed.neighbours["perturbation"].eq("DMSO").any()
    assert not placed.neighbours["neighbour"].eq("DMSO").any()


def test_another_encoder_is_refused(on: map_folder.Map, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "has_umap", lambda: False)
    known = plates(3, seed=0)
    identity.record_encoder(known, {"name": "first", "sha256": "aa"})
    corrected(known, tmp_path)
    map_folder.pack(tmp_path / "run" / "index", tmp_path / "run" / "c.fitted", tmp_path / "map", licence="x")
    other = plates(1, seed=1)
    identity.record_encoder(other, {"name": "second", "sha256": "bb"})
    with pytest.raises(InputError, match=r"the encoder of the map .* is first \(aa\), that of the new profiles is second \(bb\)"):
        placing.place(map_folder.open_map(tmp_path / "map"), other)


def test_corrected_profiles_are_refused(on: map_folder.Map) -> None:
    done, _, _ = correct(plates(1, seed=1), ["clip"])
    with pytest.raises(InputError, match=r"the new profiles are corrected by clip, those of the map .* were by nothing before"):
        placing.place(on, done)


def test_other_features_are_refused(on: map_folder.Map) -> None:
    other = plates(1, seed=1)
    other.var_names = [f"x{i}" for i in range(6)]
    with pytest.raises(InputError, match="feature"):
        placing.place(on, other)
    with pytest.raises(InputError, match="feature"):
        placing.place(on, plates(1, seed=1)[:, :4].copy())


def test_plates_without_controls_or_of_one_well_have_neighbours_and_no_p(on: map_folder.Map, capsys: pytest.CaptureFixture[str]) -> None:
    new = plates(1, seed=1)
    bare = placing.place(on, new[(new.obs["control_type"] == "trt").to_numpy()].copy())
    assert bare.neighbours["query_p"].isna().all()
    assert bare.neighbours["score"].notna().all()
    assert "not compared with a random query: this index holds no control wells" in capsys.readouterr().out
    assert len(placing.place(on, new[:1].copy()).wells) == 1


def test_compounds_that_the_map_does_not_have_get_neighbours_and_no_share(on: map_folder.Map) -> None:
    new = plates(1, seed=2)
    new.obs["perturbation"] = new.obs["perturbation"].replace({f"c{i}": f"n{i}" for i in range(COMPOUNDS)})
    found = placing.place(on, new)
    assert not [s for s in found.scores if "themselves" in s.metric]
    assert len(found.neighbours) == COMPOUNDS * min(10, COMPOUNDS)
    assert not found.neighbours["itself"].any()
    assert isinstance(found.neighbours, pd.DataFrame)
