"""Engines agree with the exact one, whatever its blocks."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from impasto.atlas import building, engines, index, search
from impasto.schema import InputError

pytestmark = pytest.mark.usefixtures("plain_maps")


def test_blocks_change_nothing(opened: index.Index, monkeypatch: pytest.MonkeyPatch) -> None:
    before = search.search(opened, kind="well", query="P0:A01", rank="wells")[0]
    monkeypatch.setattr(engines.Exact, "BLOCK", 5)
    pd.testing.assert_frame_equal(search.search(opened, kind="well", query="P0:A01", rank="wells")[0], before)


@pytest.mark.parametrize("engine", ["faiss", "lance"])
def test_other_engines_agree_with_the_exact_one(profiles: anndata.AnnData, tmp_path: Path, engine: str) -> None:
    pytest.importorskip({"lance": "lancedb"}.get(engine, engine))
    building.build(profiles, tmp_path / "exact")
    building.build(profiles, tmp_path / engine, engine=engine)
    one, other = (search.search(index.open_index(tmp_path / e), kind="well", query="P0:A01", rank="wells")[0] for e in ("exact", engine))
    assert one["row"].tolist() == other["row"].tolist()


def test_rows_of_one_score_keep_their_order() -> None:
    vectors = np.array([[1, 0], [0, 1], [1, 0], [1, 0]], dtype=np.float32)
    exact = engines.Exact(Path(), vectors)
    rows, scores = exact.nearest(np.array([1, 0], dtype=np.float32), top=3, among=np.array([True, True, True, False]))
    assert rows.tolist() == [0, 2, 1]
    assert scores.tolist() == [1, 1, 0]


class FakeLance(types.ModuleType):
    """LanceDB's calls in memory: tables by folder, a search by cosine distance over all rows."""

    def __init__(self) -> None:
        super().__init__("lancedb")
        self.tables, self.limits, self.of = dict[tuple[str, str], pa.Table](), list[int](), ("", "")

    def connect(self, folder: str) -> FakeLance:
        self.of = (folder, "")
        return self

    def create_table(self, name: str, table: pa.Table) -> None:
        self.tables[self.of[0], name] = table

    def open_table(self, name: str) -> FakeLance:
        self.of = (self.of[0], name)
        return self

    def search(self, query: np.ndarray) -> FakeLance:
        self.query = query
        return self

    def distance_type(self, kind: str) -> FakeLance:
        assert kind == "cosine"
        return self

    def limit(self, rows: int) -> FakeLance:
        self.limits.append(rows)
        return self

    def to_arrow(self) -> pa.Table:
        table = self.tables[self.of]
        vectors = np.stack(table["vector"].to_numpy(zero_copy_only=False))
        distance = 1 - vectors @ self.query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(self.query)
        order = np.argsort(distance, kind="stable")[: self.limits[-1]]
        return pa.table({"row": table["row"].take(pa.array(order)), "_distance": pa.array(distance[order].astype(np.float32))})


@pytest.fixture
def lance(monkeypatch: pytest.MonkeyPatch) -> FakeLance:
    fake = FakeLance()
    monkeypatch.setitem(sys.modules, "lancedb", fake)
    return fake


def random_units(count: int) -> np.ndarray[Any, Any]:
    vectors = np.random.default_rng(0).normal(size=(count, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_lance_asks_for_ever_more_rows_until_enough_are_allowed(lance: FakeLance, tmp_path: Path) -> None:
    vectors = random_units(200)
    engines.Lance.build(tmp_path, vectors)
    built, exact = engines.Lance(tmp_path, vectors), engines.Exact(tmp_path, vectors)
    nearest_first = np.argsort(-(vectors @ vectors[7]), kind="stable")
    allowed = np.ones(200, dtype=bool)
    allowed[nearest_first[:30]] = False  # none of the first 20, and of the first 80 fifty
    for among, limits in ((np.ones(200, dtype=bool), [20]), (allowed, [20, 80])):
        lance.limits.clear()
        rows, scores = built.nearest(vectors[7], top=10, among=among)
        expected, values = exact.nearest(vectors[7], top=10, among=among)
        assert rows.tolist() == expected.tolist()
        np.testing.assert_allclose(scores, values, atol=1e-6)
        assert lance.limits == limits


def test_few_rows_that_are_allowed_are_compared_one_by_one(lance: FakeLance, tmp_path: Path) -> None:
    vectors = random_units(200)
    engines.Lance.build(tmp_path, vectors)
    built, exact = engines.Lance(tmp_path, vectors), engines.Exact(tmp_path, vectors)
    fewest = int(np.ceil(engines.FEW * 200))
    for allowed, asked in ((fewest - 1, False), (fewest, True)):
        among = np.arange(200) < allowed
        lance.limits.clear()
        assert built.nearest(vectors[7], top=3, among=among)[0].tolist() == exact.nearest(vectors[7], top=3, among=among)[0].tolist()
        assert bool(lance.limits) is asked


@pytest.mark.parametrize("installed", [True, False])
def test_rows_are_compared_one_by_one_below_the_size_for_which_lists_pay(
    installed: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda _: object() if installed else None)
    assert engines.chosen_for(engines.MOST_EXACT - 1) == "exact"
    assert capsys.readouterr().out == ""
    assert engines.chosen_for(engines.MOST_EXACT) == ("faiss" if installed else "exact")
    assert ("pip install 'impasto[faiss]'" in capsys.readouterr().out) is not installed


@pytest.mark.parametrize(("engine", "module", "extra"), [("faiss", "faiss", "faiss"), ("lance", "lancedb", "lance")])
def test_an_engine_that_is_not_installed_names_its_extra(
    profiles: anndata.AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"needs {module}, which is not installed; run: pip install 'impasto\[{extra}\]'"):
        building.build(profiles, tmp_path / "index", engine=engine)
    assert not (tmp_path / "index").exists()
