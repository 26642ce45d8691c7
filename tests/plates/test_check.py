"""Check, by hand: which sites are quarantined with which words, and the medians of a plate and channel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from impasto.plates import check, quality

TOLD = next(iter(quality.TOLD_ONLY))


def flagged(**changes: list[object]) -> pd.DataFrame:
    usual = {
        "source": "",
        "batch": "",
        "plate": "P1",
        "well": ["A01", "A01", "A02"],
        "site": "1",
        "channel": ["DNA", "ER", "DNA"],
        "flags": "",
    }
    return pd.DataFrame(
        usual | {"focus": [1.0, 5.0, 3.0], "contrast": 2.0, "noise": 1.0, "median": 7.0, check._LIGHT: [0.8, 0.9, 0.8]} | changes
    )


COUNTS = pd.DataFrame({"source": [""], "batch": [""], "plate": ["P1"], "sites": [2]})


def test_a_site_is_left_out_with_every_channel_that_is_wrong() -> None:
    unreadable = pd.DataFrame(
        {"source": "", "batch": "", "plate": ["P1"], "well": ["A00"], "site": ["1"], "reason": ["cut"], "focus": [1.0]}
    )
    bad = check.quarantine(unreadable, flagged(flags=[f"out of focus; {TOLD}", "blank", TOLD]))
    assert list(bad) == ["source", "batch", "plate", "well", "site", "reason"]
    assert bad["well"].tolist() == ["A00", "A01"]
    assert bad["reason"].tolist() == ["cut", "DNA: out of focus, ER: blank"]


def test_a_row_a_plate_and_channel_with_medians_and_counts() -> None:
    bad = pd.DataFrame({"source": [""], "batch": [""], "plate": ["P1"], "well": ["A01"], "site": ["1"], "reason": ["x"]})
    rows = check.summary(COUNTS, flagged(flags=["saturated", "", "brightness unlike the plate; saturated"]), bad)
    assert rows["channel"].tolist() == ["DNA", "ER"]
    assert rows["focus"].tolist() == [2.0, 5.0]
    assert rows["saturated_sites"].tolist() == [2, 0]
    assert rows["unlike_in_brightness"].tolist() == [1, 0]
    assert rows["readable_sites"].tolist() == [2, 1]
    assert rows["sites"].tolist() == [2, 2]
    assert rows["quarantined_sites"].tolist() == [1, 1]
    assert rows[check._LIGHT].tolist() == [0.8, 0.9]
    assert "source" not in rows
    none = check.summary(COUNTS, flagged(batch="B1"), bad[:0])
    assert none["quarantined_sites"].isna().sum() == 0
    assert none["batch"].tolist() == ["B1", "B1"]


def test_three_tables_are_written_and_a_finished_plate_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    for n in range(2):
        tifffile.imwrite(tmp_path / f"{n}.tif", rng.integers(100, 900, (32, 32)).astype(np.uint16))
    (tmp_path / "2.tif").write_bytes(b"II*\0")
    planes = flagged()[["source", "batch", "plate", "well", "site", "channel"]].assign(
        path=[f"{tmp_path}/{n}.tif" for n in range(3)], page=0
    )
    planes.to_parquet(tmp_path / "images.parquet")
    out = tmp_path / "out"
    out.mkdir()
    check.check(tmp_path, out)
    measured = pd.read_parquet(out / "quality.parquet")
    assert measured["channel"].tolist() == ["DNA", "ER"]
    pixels = tifffile.imread(tmp_path / "1.tif")
    assert measured["median"].tolist()[1] == pytest.approx(np.median(pixels), rel=0.05)
    bad = pd.read_csv(out / "quarantine.csv")
    assert "A02" in bad["well"].tolist()
    assert (out / "plates.parquet").exists()
    assert [p.name for p in out.iterdir() if p.name.startswith(".plates")] == []
    plate = pd.read_parquet(out / "plates.parquet")
    # Fewer sites than a lamp's field needs give no number.
    assert plate[check._LIGHT].isna().all()
