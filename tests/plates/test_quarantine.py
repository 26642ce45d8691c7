"""A quarantine means a whole place: of two batches with a plate P1, only the one that it names."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from impasto.plates import quarantine
from impasto.plates.sites import Sites
from impasto.schema import InputError


def sites() -> Sites:
    rows = [
        {"source": "", "batch": b, "plate": "P1", "well": w, "site": s, "channel": "DNA", "path": "x", "page": 0}
        for b in ("B1", "B2")
        for w in ("A01", "A02")
        for s in ("1", "2")
    ]
    return Sites(pd.DataFrame(rows), pd.DataFrame(), folder=Path("f"))


def test_sites_by_all_keys_that_the_table_has() -> None:
    whole = pd.DataFrame({"batch": ["B2"], "plate": ["P1"], "well": ["A01"], "site": ["2"], "reason": ["dark"]})
    assert quarantine.sites_of(sites(), whole) == {"batch B2, plate P1, well A01, site 2"}
    by_well = pd.DataFrame({"plate": ["P1"], "well": ["A02"], "reason": ["dark"]})
    assert len(quarantine.sites_of(sites(), by_well)) == 4


def test_a_file_is_text_and_needs_wells(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.csv"
    path.write_text("plate,well,site,reason\n001,A01,01,NA\n,A02,2,dim\n")
    read = quarantine.read(path)
    assert read["plate"].tolist() == ["001", ""]
    assert read["reason"].tolist() == ["NA", "dim"]
    named = quarantine.named(read)
    assert named["site"].tolist() == ["plate 001, well A01, site 01", "well A02, site 2"]
    assert named["reason"].tolist() == ["NA", "dim"]
    path.write_text("plate,reason\n1,x\n")
    with pytest.raises(InputError, match="has no column 'well'"):
        quarantine.read(path)


def test_a_file_with_an_open_quote_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "quarantine.csv").write_text('plate,well,site,reason\nP1,"A01,1,dim\n')
    with pytest.raises(InputError, match=r"cannot be read as a quarantine .*write it again with impasto check DIR"):
        quarantine.read(tmp_path / "quarantine.csv")
