"""Quality: blur, emptiness, saturation and swapped channels are seen; good images are left alone; runs resume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from impasto.plates import quality
from impasto.plates.check import check, quarantine
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
    flat = quality.measure(np.full((64, 64), 500, dtype=np.uint16))
    assert (flat["contrast"], flat["noise"], flat["saturated"], flat["type"], flat["size"]) == (0, 0, 0, "uint16", "64x64")
    burnt = np.random.default_rng(0).integers(100, 1000, (64, 64)).astype(np.uint16)
    burnt[:20] = 65535
    assert quality.measure(burnt)["saturated"] == pytest.approx(20 / 64)
    assert quality.measure(np.arange(4096, dtype=np.uint16).reshape(64, 64))["saturated"] == 0


def test_noise_and_contrast_against_an_oracle() -> None:
    """In float64, pixel by pixel, as the docstring says."""
    plane = np.random.default_rng(1).normal(1000, 30, (40, 50)) + 500 * np.hypot(*np.mgrid[-1:1:40j, -1:1:50j])
    found = quality.measure(plane.astype(np.float32))
    laplacian = [
        4 * plane[i, j] - plane[i - 1, j] - plane[i + 1, j] - plane[i, j - 1] - plane[i, j + 1] for i in range(1, 39) for j in range(1, 49)
    ]
    deviation = np.median(np.abs(np.array(laplacian) - np.median(laplacian)))
    assert found["noise"] == pytest.approx(1.4826 * deviation / 20**0.5, rel=1e-4)
    assert found["noise"] == pytest.approx(30, rel=0.1)
    assert found["contrast"] == pytest.approx(np.percentile(plane, 99) - np.percentile(plane, 1), rel=1e-5)


def plate_of_cells(rng: np.random.Generator) -> list[tuple[str, str, np.ndarray]]:
    """20 sites of two channels: blobs on a background; DNA of s3 has none, ER of s4 is blurred."""
    planes = []
    for site in range(20):
        for channel, width, light in (("DNA", 2.0, 900.0), ("ER", 4.0, 2500.0)):
            cells = gaussian_filter((rng.random((96, 96)) > 0.985).astype(float), width)
            clean = 400 + light * rng.uniform(0.9, 1.1) * cells / cells.max()
            if (site, channel) == (3, "DNA"):
                clean = np.full_like(clean, 400)
            plane = rng.normal(clean, np.sqrt(clean) / 2)
            planes.append((f"s{site}", channel, gaussian_filter(plane, 6) if (site, channel) == (4, "ER") else plane))
    return planes


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1 / 65535, 0.0), (1.0, 32768.0), (0.1, -20.0), (40.0, 5.0)])
def test_what_is_flagged_does_not_depend_on_scale_or_offset(scale: float, offset: float) -> None:
    rows = [
        {"plate": "P", "site": site, "channel": channel, **quality.measure((plane * scale + offset).astype(np.float32))}
        for site, channel, plane in plate_of_cells(np.random.default_rng(0))
    ]
    flagged = quality.flag(pd.DataFrame(rows))
    wrong = flagged[flagged["flags"] != ""].set_index(["site", "channel"])["flags"].to_dict()
    assert set(wrong) == {("s3", "DNA"), ("s4", "ER")}
    assert wrong["s3", "DNA"].startswith("empty")
    assert "out of focus" in wrong["s4", "ER"]


def rows_of(types: list[str], *, median: list[float] | None = None) -> pd.DataFrame:
    median = median or [100.0 + i % 3 for i in range(len(types))]
    return pd.DataFrame(
        {
            "plate": "P",
            "channel": "DNA",
            "focus": -3.0,
            "saturated": 0.0,
            "contrast": 50.0,
            "noise": 1.0,
            "median": median,
            "type": types,
            "size": "8x8",
        }
    )


def test_another_type_than_three_quarters_of_the_plate_is_wrong() -> None:
    flags = quality.flag(rows_of(["uint16"] * 3 + ["uint32"]))["flags"].tolist()
    assert flags == ["", "", "", "another type"]
    assert set(quality.flag(rows_of(["uint16"] * 2 + ["uint32"]))["flags"]) == {""}, "two of three are no three quarters"
    sizes = rows_of(["uint16"] * 8).assign(size=["8x8"] * 7 + ["9x8"])
    assert quality.flag(sizes)["flags"].tolist() == [""] * 7 + ["another size"]


def test_brightness_unlike_its_plate_is_told_only() -> None:
    table = rows_of(["uint16"] * 10, median=[100.0 + i % 3 for i in range(9)] + [900.0])
    flagged = quality.flag(table)
    assert flagged["flags"].tolist() == [""] * 9 + ["unlike its plate in brightness"]
    assert flagged["median_z"].iloc[-1] == pytest.approx((900 - 101) / max(1.4826 * 1, 0.05 * 50))
    place = {"source": "", "batch": "", "plate": "P", "well": "A01", "site": [str(i) for i in range(10)]}
    assert quarantine(pd.DataFrame(columns=[*place, "reason"]), flagged.assign(**place)).empty


def test_scanr_pixels_lose_their_offset(tmp_path: Path) -> None:
    cells = np.random.default_rng(0).integers(0, 4096, (8, 8)).astype(np.uint16)
    for well, offset in (("A1--W00001", 32768), ("B12--W00024", 32768)):
        path = tmp_path / "scan" / "data" / f"{well}--P00001--Z00000--T00000--DAPI.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, cells + np.uint16(offset))
    found = find([tmp_path / "scan"])
    assert "plate scan: all pixels lie above 32768: it is subtracted on reading (column offset)" in found.notes
    write(found, tmp_path / "out")
    assert pd.read_parquet(tmp_path / "out" / "images.parquet")["offset"].tolist() == [32768, 32768]
    sites = Sites.read(tmp_path / "out")
    np.testing.assert_array_equal(sites.image(0)[0], cells)
    assert sites.table["well"].tolist() == ["A01", "B12"]


def test_damage_is_quarantined_with_its_reason_and_counted(ingested: Path, tmp_path: Path) -> None:
    sites = Sites.read(ingested)
    check(sites.folder, tmp_path / "c")
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
            "contrast": contrast * rng.uniform(0.95, 1.05),
            "noise": 5.0,
            "median": 500.0,
            "type": "uint16",
            "size": "64x64",
        }
        for i in range(20)
        for c, f, contrast in (("DNA", -4.0, 500.0), ("Mito", -2.0, 3000.0))
    ]
    table = pd.DataFrame(rows)
    table.loc[0, "focus"] = -6.5
    swap = table.index[table["name"] == "s7"]
    table.loc[swap, ["focus", "contrast"]] = table.loc[swap[::-1], ["focus", "contrast"]].to_numpy()
    flagged = quality.flag(table)
    assert "out of focus" in flagged.loc[0, "flags"]
    assert flagged.loc[swap, "flags"].str.contains("channel swap suspected").all()
    assert (flagged.drop(index=[0, *swap])["flags"] == "").all()


def test_a_killed_check_ends_in_the_same_bytes(ingested: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(ingested, tmp_path / "whole")
    calls = {"n": 0}
    real = quality.flag

    def die(table: pd.DataFrame) -> pd.DataFrame:
        calls["n"] += 1
        if calls["n"] == 1:
            raise KeyboardInterrupt
        return real(table)

    monkeypatch.setattr(quality, "flag", die)
    with pytest.raises(KeyboardInterrupt):
        check(ingested, tmp_path / "killed")
    assert not (tmp_path / "killed" / "quality.parquet").exists()
    check(ingested, tmp_path / "killed")
    for name in ("quality.parquet", "plates.parquet", "quarantine.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e-8])
def test_channels_of_one_focus_are_told_apart_by_their_contrast_on_any_scale(scale: float) -> None:
    rng = np.random.default_rng(1)
    rows = [
        {"name": f"s{i}", "plate": "P", "channel": channel, "focus": -3.0, "contrast": scale * contrast * rng.uniform(0.95, 1.05)}
        for i in range(20)
        for channel, contrast in (("DNA", 1.0), ("Mito", 50.0))
    ]
    table = pd.DataFrame(rows)
    swap = table.index[table["name"] == "s7"]
    table.loc[swap, "contrast"] = table.loc[swap[::-1], "contrast"].to_numpy()
    assert np.flatnonzero(quality._swapped(table)).tolist() == list(swap)
    table.loc[0, "contrast"] = 0.0  # black is far from its own channel, and not near to another
    assert np.flatnonzero(quality._swapped(table)).tolist() == list(swap)
