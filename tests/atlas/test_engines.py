"""Engines agree with the exact one, whatever its blocks."""

from __future__ import annotations

from pathlib import Path

import anndata
import pandas as pd
import pytest

from impasto.atlas import engines, index, search


def test_blocks_change_nothing(opened: index.Index, monkeypatch: pytest.MonkeyPatch) -> None:
    before = search.search(opened, kind="well", query="P0:A01", rank="wells")[0]
    monkeypatch.setattr(engines.Exact, "BLOCK", 5)
    pd.testing.assert_frame_equal(search.search(opened, kind="well", query="P0:A01", rank="wells")[0], before)


@pytest.mark.parametrize("engine", ["faiss", "lance"])
def test_other_engines_agree_with_the_exact_one(profiles: anndata.AnnData, tmp_path: Path, engine: str) -> None:
    pytest.importorskip({"lance": "lancedb"}.get(engine, engine))
    index.build(profiles, tmp_path / "exact")
    index.build(profiles, tmp_path / engine, engine=engine)
    one, other = (search.search(index.open_index(tmp_path / e), kind="well", query="P0:A01", rank="wells")[0] for e in ("exact", engine))
    assert one["row"].tolist() == other["row"].tolist()
