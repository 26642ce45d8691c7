"""Nulls of queries: control wells of the query's own plates, by hand; too few of them; sentences."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto.atlas import building, index, null, search, strangers
from impasto.atlas.index import Index
from impasto.statistics import discovery
from impasto.statistics.pool import Standing

WIDTH = 40


def _opened(folder: Path, *, controls: int = 8, spared: int = 8, effect: float = 3.0) -> Index:
    rng = np.random.default_rng(0)
    centres = effect * rng.normal(size=(6, WIDTH))
    rows, values = [], []
    for plate in range(3):
        for number in range(controls):
            rows.append((f"P{plate}", f"B{number + 1:02d}", "DMSO", "negcon", number < spared))
            values.append(rng.normal(size=WIDTH))
        for compound in range(6):
            rows.append((f"P{plate}", f"A{compound + 1:02d}", f"c{compound}", "trt", False))
            values.append(centres[compound] + rng.normal(size=WIDTH))
    obs = pd.DataFrame(rows, columns=["plate", "well", "perturbation", "control_type", "spared"]).rename(index=str)
    obs["perturbation_name"] = "name of " + obs["perturbation"]
    building.build(anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs), folder)
    return index.open_index(folder)


@pytest.fixture
def opened(tmp_path: Path, plain_maps: None) -> Index:
    return _opened(tmp_path / "index")


def _at(opened: Index, plate: str, kind: str) -> list[int]:
    rows = opened.rows
    return np.flatnonzero((rows["plate"] == plate) & (rows["control_type"] == kind) & (rows["level"] == "well")).tolist()


def test_made_up_queries_are_control_wells_of_the_same_plates(opened: Index) -> None:
    own = np.array([_at(opened, "P0", "trt")[2], _at(opened, "P1", "trt")[2]])
    got = null.of_wells(opened, own)
    expected = []
    for a, b in itertools.product(_at(opened, "P0", "negcon"), _at(opened, "P1", "negcon")):
        mean = (opened.vectors[a] + opened.vectors[b]) / 2
        expected.append(mean / np.linalg.norm(mean))
    np.testing.assert_allclose(got.vectors, expected, rtol=1e-5)
    assert got.what == "64 queries of 2 spared control wells of its plates"


def test_many_choices_are_drawn(opened: Index) -> None:
    own = np.array([_at(opened, f"P{p}", "trt")[i] for p in range(3) for i in (0, 1)])
    got = null.of_wells(opened, own)
    assert len(got.vectors) == 1000
    assert got.what == "1000 queries of 6 spared control wells of its plates"
    np.testing.assert_array_equal(got.vectors, null.of_wells(opened, own).vectors)


def test_a_plate_with_few_controls_borrows_those_of_all_plates(opened: Index) -> None:
    own = np.array(_at(opened, "P0", "trt")[:1])
    got = null.of_wells(opened, own)
    assert got.what == "24 queries of 1 spared control well of all plates"
    controls = [row for p in range(3) for row in _at(opened, f"P{p}", "negcon")]
    np.testing.assert_allclose(got.vectors, opened.vectors[controls], rtol=1e-5)
    # A control that asks does not judge itself.
    assert len(null.of_wells(opened, np.array(controls[:1])).vectors) == 23


@pytest.mark.parametrize(
    ("controls", "what"), [(19, "19 queries of 1 spared control well of its plate"), (18, "54 queries of 1 spared control well of all")]
)
def test_nineteen_controls_of_the_plate_are_enough_for_a_p_of_one_in_twenty(controls: int, what: str) -> None:
    """Three plates of so many controls, and the query on the first of them."""
    rows = pd.DataFrame({"control_type": ["negcon"] * 3 * controls + ["trt"], "spared": [True] * 3 * controls + [False]})
    made_index = SimpleNamespace(
        vectors=np.random.default_rng(0).normal(size=(len(rows), 4)).astype(np.float32),
        judges=np.arange(3 * controls),
        plate_of_row=np.append(np.repeat(np.arange(3), controls), 0),
        rows=rows,
    )
    assert null.of_wells(made_index, np.array([3 * controls])).what.startswith(what)  # type: ignore[arg-type]


@pytest.mark.parametrize(("wanted", "controls", "size"), [(1, 5, 1), (3, 6, 3), (2, 6, 1), (9, 7, 5), (2, 7, 2), (4, 40, 4)])
def test_a_query_has_fewer_controls_where_they_could_be_chosen_in_fewer_than_nineteen_ways(wanted: int, controls: int, size: int) -> None:
    """Six choose three is 20, six choose two 15; seven choose five is 21, seven choose six 7."""
    assert null._size(wanted, controls) == size


def test_only_spared_controls_judge_where_some_were_spared(tmp_path: Path, plain_maps: None) -> None:
    some = _opened(tmp_path / "some", spared=7)
    assert len(some.judges) == 21
    none = _opened(tmp_path / "none", spared=0)
    assert "control (none was spared) well of all plates" in null.of_wells(none, np.array(_at(none, "P0", "trt")[:1])).what


def test_rows_and_query_are_judged_by_the_null(opened: Index) -> None:
    ranking, sentence = search.search(opened, kind="name", query="C2", top=20)
    own = [_at(opened, f"P{p}", "trt")[2] for p in range(3)]
    query = opened.vectors[own].mean(axis=0)
    query = query / np.linalg.norm(query)
    made = null.of_wells(opened, np.array(own)).vectors
    assert len(made) == 512
    assert ranking.loc[ranking["perturbation"] == "DMSO", ["z", "p", "q"]].isna().all(axis=None)
    ranking = ranking[ranking["perturbation"] != "DMSO"]
    assert len(ranking) == 5
    for row in ranking.itertuples():
        vector = opened.vectors[row.row]
        assert row.score == pytest.approx(float(vector @ query), abs=1e-5)
        assert row.p == pytest.approx((1 + np.sum(made @ vector >= vector @ query - 1e-6)) / 513)
    assert "c2" not in set(ranking["perturbation"])
    np.testing.assert_allclose(ranking["q"], discovery.corrected(ranking["p"].to_numpy()))
    assert len(set(ranking["query_p"])) == 1
    assert sentence.startswith("profiles nearest to name of c2; ")
    assert "from a random query (p = " in sentence
    assert sentence.endswith("512 queries of 3 spared control wells of its plates, p >= 0.0019)")


def test_a_control_well_is_not_told_apart_and_a_lone_twin_is(tmp_path: Path, plain_maps: None) -> None:
    opened = _opened(tmp_path / "index", effect=40.0)
    _, sentence = search.search(opened, kind="well", query="P0:B01")
    assert "; not distinguished from a random query (p = " in sentence
    ranking, sentence = search.search(opened, kind="well", query="P0:A03", rank="wells")
    assert "; distinguished from a random query (p = 0.04" in sentence  # 1 / 25
    assert ranking["perturbation"].tolist()[:2] == ["c2", "c2"]


def test_few_controls_say_that_p_cannot_be_small(tmp_path: Path, plain_maps: None) -> None:
    opened = _opened(tmp_path / "index", controls=2, spared=2)
    _, sentence = search.search(opened, kind="well", query="P0:A01")
    assert "p cannot fall below 0.14)" in sentence  # 1 / 7


def test_without_controls_there_is_no_p(tmp_path: Path, plain_maps: None) -> None:
    opened = _opened(tmp_path / "index", controls=0, spared=0)
    ranking, sentence = search.search(opened, kind="well", query="P0:A01")
    assert sentence.endswith("; not compared with a random query: this index holds no control wells to compare with")
    assert not {"z", "p", "q", "query_p"} & set(ranking)


def test_an_index_of_before_says_how_to_get_a_null(opened: Index) -> None:
    got = null.of_form(opened, strangers.PHRASE)
    assert not got.there
    assert got.what == "this index keeps no null of phrases; make the index again to have one: impasto index PROFILES --out INDEX"


def test_a_kept_null_is_read_by_its_form(opened: Index) -> None:
    vectors = np.random.default_rng(0).normal(size=(5, WIDTH)).astype(np.float32)
    listed = pd.DataFrame({"form": ["prompt", "gene", "gene", "phrase", "gene"], "query": list("abcde")})
    strangers.write(opened.folder, vectors, listed)
    got = null.of_form(opened, strangers.GENE)
    np.testing.assert_allclose(got.vectors, vectors[[1, 2, 4]] / np.linalg.norm(vectors[[1, 2, 4]], axis=1, keepdims=True), rtol=1e-6)
    assert got.what == "3 genes that name nothing in this index"
    among = (opened.rows["level"] == "perturbation").to_numpy()
    judged = null.judge(opened, vectors[0], among, got)
    assert judged.rows.index.tolist() == np.flatnonzero(among).tolist()
    assert "p cannot fall below 0.25" in judged.sentence
    assert replace(got, vectors=got.vectors[:1]).there is False


@pytest.mark.parametrize(
    ("p", "words"), [(0.05, "distinguished"), (0.051, "not distinguished"), (0.4, "not distinguished"), (0.01, "distinguished")]
)
def test_a_query_is_told_apart_up_to_one_in_twenty(p: float, words: str) -> None:
    kept = null.Null(np.ones((300, 2), dtype=np.float32), "300 phrases that name nothing in this index")
    sentence = null._sentence(Standing(np.zeros(1), np.ones(1), p, 1 / 301), kept)
    assert sentence == f"{words} from a random query (p = {p:.2g}; 300 phrases that name nothing in this index, p >= 0.0033)"


def test_ties_count_and_p_has_a_floor() -> None:
    scores = np.array([0.1, 0.2, 0.2, 0.3])
    np.testing.assert_allclose(null.p_values(np.array([0.05, 0.2, 0.25, 0.9]), scores), [1.0, 4 / 5, 2 / 5, 1 / 5])


def test_two_made_up_queries_are_a_null_and_one_is_none() -> None:
    assert [null.Null(np.ones((count, 3), dtype=np.float32), "made up").there for count in (1, 2)] == [False, True]
