"""Engines agree with the exact one, whatever its blocks."""

from __future__ import annotations

import sys
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
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


@pytest.mark.parametrize(("engine", "module", "extra"), [("faiss", "faiss", "faiss"), ("lance", "lancedb", "lance")])
def test_an_engine_that_is_not_installed_names_its_extra(
    profiles: anndata.AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"needs {module}, which is not installed; run: pip install 'impasto\[{extra}\]'"):
        building.build(profiles, tmp_path / "index", engine=engine)
    assert not (tmp_path / "index").exists()
