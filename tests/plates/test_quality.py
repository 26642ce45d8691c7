"""Quality: blur, emptiness, saturation and swapped channels are seen; good images are left alone; runs resume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from impasto.plates import quality
from impasto.plates.check import check
from impasto.plates.ingest import find, write
from impasto.plates.sites import Sites
from impasto.simulate import plates as simulated
from impasto.simulate.plan import Plan

PLAN = Plan(batches=1, plates=1, perturbations=8, controls=4, pixels=128, cells=10)


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("plates")
    simulated.write(PLAN.model_copy(update={"missing": 1, "corrupt": 2}), base / "sim", seed=3)
    write(find([base / "sim" / "images"], platemaps=[base / "sim" / "platemap.csv"]), base / "ingested")
    return base / "ingested"


def test_blur_lowers_focus() -> None:
    rng = np.random.default_rng(0)
    sharp = rng.random((128, 128)).astype(np.float32)
    slopes = [quality.focus_slope(gaussian_filter(sharp, s)) for s in (0.5, 1.0, 2.0)]
    assert slopes == sorted(slopes, reverse=True)


def test_measures_of_one_plane() -> None:
    flat = np.full((64, 64), 500, dtype=np.uint16)
    assert quality.measure(flat)["spread"] == 0
    burnt = np.random.default_rng(0).integers(100, 1000, (64, 64)).astype(np.uint16)
    burnt[:20] = 65535
    assert quality.measure(burnt)["saturated"] == pytest.approx(20 / 64)
    assert quality.measure(np.arange(4096, dtype=np.uint16).reshape(64, 64))["saturated"] == 0


def test_damage_is_quarantined_with_its_reason_and_counted(ingested: Path, tmp_path: Path) -> None:
    sites = Sites.read(ingested)
    check(sites, tmp_path / "c")
    bad = pd.read_csv(tmp_path / "c" / "quarantine.csv")
    damage = pd.read_csv(ingested.parent / "sim" / "damage.csv")
    assert len(bad) == len(damage) == 3
    assert bad["reason"].str.contains("is missing").sum() == 1
    told = pd.read_parquet(tmp_path / "c" / "plates.parquet")
    assert (told["sites"] == 12).all()
    assert (told["quarantined_sites"] == 3).all()
    assert (pd.read_parquet(tmp_path / "c" / "quality.parquet")["flags"] == "").all()


def test_a_blurred_and_a_swapped_site_are_flagged() -> None:
    rng = np.random.default_rng(0)
    rows = [
        {
            "name": f"s{i}",
            "plate": "P",
            "channel": c,
            "focus": f + 0.05 * rng.normal(),
            "saturated": 0.0,
            "spread": 5.0,
            "median": m * rng.uniform(0.95, 1.05),
        }
        for i in range(20)
        for c, f, m in (("DNA", -4.0, 500.0), ("Mito", -2.0, 3000.0))
    ]
    table = pd.DataFrame(rows)
    table.loc[0, "focus"] = -6.5
    swap = table.index[table["name"] == "s7"]
    table.loc[swap, ["focus", "median"]] = table.loc[swap[::-1], ["focus", "median"]].to_numpy()
    flagged = quality.flag(table)
    assert "out of focus" in flagged.loc[0, "flags"]
    assert flagged.loc[swap, "flags"].str.contains("channel swap suspected").all()
    assert (flagged.drop(index=[0, *swap])["flags"] == "").all()


def test_a_killed_check_ends_in_the_same_bytes(ingested: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(Sites.read(ingested), tmp_path / "whole")
    calls = {"n": 0}
    real = quality.flag

    def die(table: pd.DataFrame) -> pd.DataFrame:
        calls["n"] += 1
        if calls["n"] == 1:
            raise KeyboardInterrupt
        return real(table)

    monkeypatch.setattr(quality, "flag", die)
    with pytest.raises(KeyboardInterrupt):
        check(Sites.read(ingested), tmp_path / "killed")
    assert not (tmp_path / "killed" / "quality.parquet").exists()
    check(Sites.read(ingested), tmp_path / "killed")
    for name in ("quality.parquet", "plates.parquet", "quarantine.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
