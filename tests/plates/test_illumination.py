"""Illumination: the field is the least-squares surface of the average site, a planted one is found, and light is even after it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from scipy.ndimage import gaussian_filter
from tests.terminal import impasto
from typer.testing import CliRunner

from impasto import identity
from impasto.cli import app
from impasto.plates import illumination
from impasto.plates.check import check
from impasto.plates.ingest import Found, find, write
from impasto.plates.sites import Sites
from impasto.profiling import deep
from impasto.profiling.intensity import Intensity
from impasto.schema import InputError

HEIGHT, WIDTH = 96, 120


def lamp(*, dim: float, y: float, x: float) -> np.ndarray:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    field = 1 - dim * ((2 * rows / HEIGHT - 1 - y) ** 2 + (2 * columns / WIDTH - 1 - x) ** 2)
    return field / field.mean()


LAMPS = {"P1": {"DNA": lamp(dim=0.15, y=0.1, x=-0.2), "ER": lamp(dim=0.2, y=0.3, x=0.1)}, "P2": {"DNA": lamp(dim=0.05, y=0, x=0)}}
LAMPS["P2"]["ER"] = LAMPS["P2"]["DNA"]


def plates(folder: Path, *, sites: int = 48, names: tuple[str, ...] = ("P1", "P2")) -> Path:
    """Sites of blobs that lie anywhere, the border too, under a known lamp; a sheet that lists them."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    rows = []
    for plate in names:
        for number in range(sites):
            for channel in ("DNA", "ER"):
                cells = gaussian_filter((rng.random((HEIGHT, WIDTH)) < 0.03).astype(float), 3, mode="wrap")
                path = folder / f"{plate}_{number}_{channel}.tif"
                tifffile.imwrite(path, (30000 * cells * LAMPS[plate][channel] + 0.5).astype(np.uint16))
                rows.append((path.name, channel, plate, f"{'ABCDEFGH'[number // 12]}{number % 12 + 1:02d}", 1))
    pd.DataFrame(rows, columns=["path", "channel", "plate", "well", "site"]).to_csv(folder / "sheet.csv", index=False)
    return folder / "sheet.csv"


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("light")
    write(find([plates(base / "images")]), base / "ingested")
    return base / "ingested"


# ---------------------------------------------------------------- the equation
def test_blocks_are_means_of_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 65535, (2, 130, 64)).astype(np.uint16)
    found = illumination.blocks(image)
    starts = [i * 130 // 64 for i in range(65)]
    for channel in range(2):
        for row in (0, 17, 63):
            for column in (0, 40):
                naive = image[channel, starts[row] : starts[row + 1], column].astype(float).mean()
                assert found[channel, row, column] == pytest.approx(naive, rel=1e-12)


def test_an_image_smaller_than_the_grid_is_repeated() -> None:
    image = np.arange(32 * 32, dtype=np.uint16).reshape(1, 32, 32)
    np.testing.assert_array_equal(illumination.blocks(image)[0], np.repeat(np.repeat(image[0], 2, axis=0), 2, axis=1))


def test_the_field_is_the_least_squares_surface() -> None:
    """By the normal equations, pixel by pixel, in float64."""
    size = illumination.GRID
    mean = 1 + 0.2 * np.random.default_rng(1).random((size, size))
    gram, right = np.zeros((6, 6)), np.zeros(6)
    for row in range(size):
        for column in range(size):
            y, x = (2 * row + 1) / size - 1, (2 * column + 1) / size - 1
            terms = np.array([1, x, y, x * x, x * y, y * y])
            gram += np.outer(terms, terms)
            right += terms * mean[row, column]
    naive = np.linalg.solve(gram, right)
    # The mean of x^2 over the centres of n pixels is (1 - 1 / n^2) / 3; odd terms have none.
    scale = naive[0] + (naive[3] + naive[5]) * (1 - 1 / size**2) / 3
    np.testing.assert_allclose(illumination.fit(mean).terms, naive / scale, rtol=1e-9, atol=1e-12)


def test_each_site_is_divided_by_its_own_mean_before_the_average() -> None:
    """A site ten times as bright counts once: the average of two by hand, in float64; a black one counts as even."""
    rng = np.random.default_rng(2)
    dim, bright = (
        1 + rng.random((1, illumination.GRID, illumination.GRID)),
        10 * (1 + rng.random((1, illumination.GRID, illumination.GRID))),
    )
    average = illumination.Average()
    for site in (dim, bright, np.zeros_like(dim)) * illumination.LEAST:
        average.add(site)
    by_hand = (dim[0] / dim.mean() + bright[0] / bright.mean() + 1.0) / 3
    field = average.fields(["DNA"])["DNA"]
    np.testing.assert_allclose(field.terms, illumination.fit(by_hand).terms, rtol=1e-9, atol=1e-12)
    assert field.sites == 3 * illumination.LEAST


def test_a_surface_of_second_order_comes_back_at_every_size() -> None:
    planted = illumination.Field((1.1, 0.1, -0.05, -0.2, 0.03, -0.1), 1)
    found = illumination.fit(illumination.blocks(planted.values(640, 640)[np.newaxis])[0])
    wanted = planted.values(31, 57)
    np.testing.assert_allclose(found.values(31, 57), wanted / planted.values(640, 640).mean(), rtol=2e-3)


def test_a_field_is_nowhere_too_small_to_divide_by() -> None:
    steep = illumination.Field((1.6, 0.0, 0.0, -0.9, 0.0, -0.9), 1)
    assert steep.values(50, 50).min() == np.float32(illumination.FLOOR)


# ---------------------------------------------------------------- plates
def test_a_planted_lamp_is_found(ingested: Path) -> None:
    sites = Sites.read(ingested)
    for plate, planted in LAMPS.items():
        for channel, field in illumination.estimate(sites, plate, sites.channels).items():
            wrong = field.values(HEIGHT, WIDTH) / planted[channel] - 1
            assert np.abs(wrong).mean() < 0.03, (plate, channel)
            assert np.abs(wrong).max() < 0.10, (plate, channel)


def test_light_is_even_after_the_division(ingested: Path, tmp_path: Path) -> None:
    sites = Sites.read(ingested)
    even = illumination.estimated(sites, "P1", sites.channels, kept=tmp_path / "f.parquet", seed=0, skip=frozenset())
    mine = np.flatnonzero(sites.table["plate"] == "P1")
    before, after = illumination.Average(), illumination.Average()
    for number in map(int, mine):
        pixels = sites.image(number)
        before.add(illumination.blocks(pixels))
        after.add(illumination.blocks(even(number, pixels)))
    for channel in sites.channels:
        assert before.fields(sites.channels)[channel].corner_to_centre < 0.80
        assert after.fields(sites.channels)[channel].corner_to_centre == pytest.approx(1, abs=0.03)


def opened(found: Found, folder: Path) -> Sites:
    write(found, folder)
    return Sites.read(folder)


def test_an_estimate_is_of_the_seed_and_the_plate_alone(ingested: Path, tmp_path: Path) -> None:
    sites = Sites.read(ingested)
    one, again, other = (illumination.estimate(sites, "P1", ["DNA"], most=20, seed=seed)["DNA"] for seed in (0, 0, 1))
    assert one == again != other
    assert one.sites == 20
    alone = find([plates(ingested.parent / "alone", names=("P1",))])
    assert illumination.estimate(opened(alone, tmp_path / "alone"), "P1", ["DNA"], most=20)["DNA"] == one


def test_too_few_sites_leave_light_as_it_is(ingested: Path, tmp_path: Path) -> None:
    sites = Sites.read(ingested)
    most = frozenset(sites.name(i) for i in range(len(sites) // 2) if i >= 15)
    even = illumination.estimated(sites, "P1", ["DNA"], kept=tmp_path / "f.parquet", seed=0, skip=most)
    pixels = sites.image(0, channels=["DNA"])
    np.testing.assert_array_equal(even(0, pixels), pixels)
    told = pd.read_parquet(tmp_path / "f.parquet").iloc[0]
    assert (told["sites"], told["corner_to_centre"]) == (15, 1.0)


def test_a_site_that_cannot_be_read_is_not_averaged(tmp_path: Path) -> None:
    sheet = plates(tmp_path / "i", sites=20, names=("P1",))
    (tmp_path / "i" / "P1_3_ER.tif").write_bytes(b"")
    found = find([sheet])
    sites = opened(found, tmp_path / "kept")
    assert illumination.estimate(sites, "P1", sites.channels)["ER"].sites == 19
    profiles = deep.profile(sites, Intensity(), shards=tmp_path / "s", how=deep.Extraction(illumination="estimate"))
    assert (profiles.n_obs, len(profiles.uns["quarantine"])) == (19, 1)
    assert identity.of(profiles).encoder["illumination"] == "estimate"


def test_check_tells_the_corners_from_the_centre(ingested: Path, tmp_path: Path) -> None:
    check(ingested, tmp_path / "c")
    told = pd.read_parquet(tmp_path / "c" / "plates.parquet").set_index(["plate", "channel"])["corner_to_centre"]
    for plate, planted in LAMPS.items():
        for channel, field in planted.items():
            wanted = illumination.fit(illumination.blocks(field[np.newaxis])[0]).corner_to_centre
            assert told[plate, channel] == pytest.approx(wanted, abs=0.08)
    few = find([plates(tmp_path / "few", sites=10, names=("P1",))])
    write(few, tmp_path / "few_ingested")
    said = CliRunner().invoke(app, ["check", str(tmp_path / "few_ingested"), "--out", str(tmp_path / "d"), "--json"])
    assert [row["corner_to_centre"] for row in json.loads(said.stdout)] == [None, None]
    assert "NaN" not in said.stdout


# ---------------------------------------------------------------- extraction
def test_a_plate_is_the_same_shard_whoever_writes_it_and_when(ingested: Path, tmp_path: Path) -> None:
    sites = Sites.read(ingested)
    deep.profile(sites, Intensity(), shards=tmp_path / "a", how=deep.Extraction(illumination="estimate"))
    for plate in reversed(sites.plates()):
        deep.write_plate(sites, plate, Intensity(), shards=tmp_path / "b", how=deep.Extraction(per_batch=3, illumination="estimate"))
    deep.shard(sites, "P2", tmp_path / "b").unlink()  # killed between the field and the shard
    deep.write_plate(sites, "P2", Intensity(), shards=tmp_path / "b", how=deep.Extraction(illumination="estimate"))
    names = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert names == ["0000.json", "0000.light.parquet", "0000.parquet", "0001.json", "0001.light.parquet", "0001.parquet"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    plain = deep.profile(sites, Intensity(), shards=tmp_path / "c")
    assert identity.of(plain).encoder["illumination"] == "none"
    assert not np.allclose(plain.X, deep.profile(sites, Intensity(), shards=tmp_path / "a", how=deep.Extraction(illumination="estimate")).X)


def test_a_killed_run_ends_in_the_same_bytes(ingested: Path, tmp_path: Path) -> None:
    words = ["profile", str(ingested), "--encoder", "intensity", "--illumination", "estimate", "--out"]
    impasto(*words, tmp_path / "whole.parquet")
    command = [sys.executable, "-m", "impasto", *words, str(tmp_path / "killed.parquet")]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(2000):
        time.sleep(0.01)
        if any(tmp_path.glob(".killed.parquet.work-*/0000.light.parquet")):
            break
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "killed.parquet").exists()
    impasto(*words, tmp_path / "killed.parquet")
    for name in ("{}.parquet", "{}.parquet.illumination.parquet"):
        assert (tmp_path / name.format("killed")).read_bytes() == (tmp_path / name.format("whole")).read_bytes()


# ---------------------------------------------------------------- functions that a LoadData table names
def loaddata(folder: Path, function: str = "lamp.npy") -> Sites:
    sheet = pd.read_csv(plates(folder, sites=3, names=("P1",)))
    np.save(folder / "lamp.npy", LAMPS["P1"]["DNA"].astype(np.float32))
    tifffile.imwrite(folder / "lamp.tif", LAMPS["P1"]["DNA"].astype(np.float32))
    np.save(folder / "zero.npy", np.zeros((HEIGHT, WIDTH)))
    np.save(folder / "small.npy", np.ones((5, 5)))
    dna = sheet[sheet["channel"] == "DNA"]
    columns = {"Metadata_Plate": dna["plate"], "Metadata_Well": dna["well"], "FileName_OrigDNA": dna["path"], "FileName_IllumDNA": function}
    pd.DataFrame(columns).to_csv(folder / "load_data.csv", index=False)
    found = find([folder / "load_data.csv"])
    assert any("applied by impasto profile --illumination files only" in note for note in found.notes)
    write(found, folder / "ingested")
    return Sites.read(folder / "ingested")


@pytest.mark.parametrize("function", ["lamp.npy", "lamp.tif"])
def test_functions_of_a_table_are_divided_by(function: str, tmp_path: Path) -> None:
    sites = loaddata(tmp_path, function)
    even = illumination.from_files(sites, "P1", ["DNA"], kept=tmp_path / "none", seed=0, skip=frozenset())
    pixels = sites.image(1)
    np.testing.assert_allclose(even(1, pixels)[0], pixels[0] / LAMPS["P1"]["DNA"], rtol=1e-5)


_USELESS = [("zero.npy", "positive numbers"), ("small.npy", "is .5, 5."), ("gone.npy", "cannot be read")]


@pytest.mark.parametrize(("function", "said"), _USELESS)
def test_a_function_that_cannot_be_used_quarantines_its_sites(function: str, said: str, tmp_path: Path) -> None:
    sites = loaddata(tmp_path, function)
    with pytest.raises(InputError, match=f"none of the 3 sites could be read.*{said}"):
        deep.profile(sites, Intensity(), shards=tmp_path / "s", how=deep.Extraction(illumination="files"))


def test_no_functions_and_functions_of_no_channel_are_sentences(ingested: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names no illumination functions"):
        deep.profile(Sites.read(ingested), Intensity(), shards=tmp_path / "s", how=deep.Extraction(illumination="files"))
    (tmp_path / "load.csv").write_text("Metadata_Plate,Metadata_Well,FileName_OrigDNA,FileName_IllumER\nP1,A01,a.tif,e.npy\n")
    with pytest.raises(InputError, match="illumination functions of ER belong to no channel"):
        find([tmp_path / "load.csv"])
