"""Plates in a bucket go through ingest, check and profile as those on the disk do, and every file is asked for once."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from tests.loopback import Server

from impasto import cli, profiles, remote
from impasto.plates.sites import Sites
from impasto.schema import InputError

CHANNELS = ("DNA", "ER", "RNA", "AGP", "Mito")
IMAGES = "cpg0016-jump/source_4/images/B1/images/BR1__2021-05-02T16_02_51-Measurement1/Images"


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """`impasto WORDS...`: its exit code."""
    monkeypatch.setattr(sys, "argv", ["impasto", *map(str, words)])
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def pixels(well: int, channel: int) -> np.ndarray:
    """Four smooth spots on a little noise, which no check finds fault with."""
    rng = np.random.default_rng(10 * well + channel)
    y, x = np.mgrid[:48, :64]
    spots = sum(3000 * np.exp(-((y - rng.uniform(8, 40)) ** 2 + (x - rng.uniform(8, 56)) ** 2) / 40) for _ in range(4))
    return (spots + rng.normal(300, 3, (48, 64))).astype(np.uint16)


def phenix(folder: Path, *, wells: int = 3) -> None:
    folder.mkdir(parents=True)
    for well in range(1, wells + 1):
        for channel in range(1, 6):
            tifffile.imwrite(folder / f"r01c{well:02d}f01p01-ch{channel}sk1fk1fl1.tiff", pixels(well, channel))


def index(folder: Path) -> None:
    entries = "".join(f"<Entry><ChannelID>{n}</ChannelID><ChannelName>{c}</ChannelName></Entry>" for n, c in enumerate(CHANNELS, start=1))
    (folder / "Index.idx.xml").write_text(f'<E xmlns="http://www.perkinelmer.com/V6">{entries}</E>')


@pytest.fixture
def gallery(server: Server, tmp_path: Path) -> Path:
    """A plate of the Cell Painting Gallery in the bucket, and its LoadData with s3:// URLs here."""
    phenix(server.root / "gallery" / IMAGES)
    rows = []
    for well in range(1, 4):
        urls = {f"URL_Orig{c}": f"s3://gallery/{IMAGES}/r01c{well:02d}f01p01-ch{n}sk1fk1fl1.tiff" for n, c in enumerate(CHANNELS, start=1)}
        place = {
            "Metadata_Source": "source_4",
            "Metadata_Batch": "B1",
            "Metadata_Plate": "BR1",
            "Metadata_Well": f"A{well:02d}",
            "Metadata_Site": 1,
        }
        rows.append(urls | place)
    pd.DataFrame(rows).to_parquet(tmp_path / "load_data.parquet")
    return tmp_path / "load_data.parquet"


def test_the_gallery_goes_through_ingest_check_and_profile(
    gallery: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingested, checked, profiled = tmp_path / "out", tmp_path / "checked", tmp_path / "p.parquet"
    assert run(monkeypatch, "ingest", gallery, "--out", ingested) == 0
    assert server.log == []  # the table alone says what there is
    sites = Sites.read(ingested)
    assert sites.plates() == ["source_4/B1/BR1"]
    assert run(monkeypatch, "check", ingested, "--out", checked) == 0
    assert len(pd.read_csv(checked / "quarantine.csv")) == 0
    assert run(monkeypatch, "profile", ingested, "--encoder", "intensity", "--out", profiled) == 0
    assert profiles.read(profiled).obs["well"].tolist() == ["A01", "A02", "A03"]
    np.testing.assert_array_equal(sites.image(1, channels=list(CHANNELS)), [pixels(2, n) for n in range(1, 6)])
    assert sorted(server.log) == sorted(
        ("GET", f"gallery/{IMAGES}/r01c{w:02d}f01p01-ch{n}sk1fk1fl1.tiff") for w in range(1, 4) for n in range(1, 6)
    )


def test_a_file_that_is_not_there_is_quarantined_with_its_reason(
    gallery: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (server.root / "gallery" / IMAGES / "r01c02f01p01-ch3sk1fk1fl1.tiff").unlink()
    assert run(monkeypatch, "ingest", gallery, "--out", tmp_path / "out") == 0
    assert run(monkeypatch, "check", tmp_path / "out", "--out", tmp_path / "checked") == 0
    bad = pd.read_csv(tmp_path / "checked" / "quarantine.csv")
    assert bad["well"].tolist() == ["A02"]
    assert "r01c02f01p01-ch3sk1fk1fl1.tiff: is not there (404); check the table that names it" in bad["reason"][0]


def test_a_cache_that_is_filled_elsewhere(
    gallery: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listed, out = tmp_path / "list.txt", tmp_path / "out"
    assert run(monkeypatch, "ingest", gallery, "--out", out, "--fetch-list", listed) == 0
    assert len(listed.read_text().splitlines()) == 15
    # Without network: one sentence, not fifteen images in quarantine.
    capsys.readouterr()
    assert run(monkeypatch, "check", out, "--out", tmp_path / "checked", "--offline") == 2
    assert "--offline is set; on a machine without network fill" in capsys.readouterr().err
    assert run(monkeypatch, "fetch", listed, "--cache", tmp_path / "elsewhere") == 0
    assert len(server.log) == 15
    shutil.copytree(tmp_path / "elsewhere", tmp_path / "carried")
    assert run(monkeypatch, "check", out, "--out", tmp_path / "checked", "--offline", "--cache", tmp_path / "carried") == 0
    assert len(pd.read_csv(tmp_path / "checked" / "quarantine.csv")) == 0
    assert len(server.log) == 15


def test_a_list_is_never_written_over_another_file(gallery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "thesis.txt").write_text("my thesis\n")
    assert run(monkeypatch, "ingest", gallery, "--out", tmp_path / "out", "--fetch-list", tmp_path / "thesis.txt") == 2
    assert (tmp_path / "thesis.txt").read_text() == "my thesis\n"


@pytest.mark.parametrize("kind", ["bucket", "zip", "zip in a bucket"])
def test_a_plate_of_named_images_with_its_index(server: Server, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    phenix(server.root / "gallery" / IMAGES, wells=2)
    index(server.root / "gallery" / IMAGES)
    source: object = "s3://gallery/cpg0016-jump/source_4/images/B1"
    if kind != "bucket":
        packed = (tmp_path if kind == "zip" else server.root / "gallery") / "plates.zip"
        with zipfile.ZipFile(packed, "w") as file:
            for path in sorted((server.root / "gallery" / IMAGES).iterdir()):
                file.write(path, f"BR1__2021-05-02T16_02_51-Measurement1/Images/{path.name}")
        source = packed if kind == "zip" else "s3://gallery/plates.zip"
    assert run(monkeypatch, "ingest", source, "--out", tmp_path / "out") == 0
    sites = Sites.read(tmp_path / "out")
    assert sites.table[["plate", "well"]].to_numpy().tolist() == [["BR1", "A01"], ["BR1", "A02"]]
    np.testing.assert_array_equal(sites.image(1, channels=["Mito", "DNA"]), [pixels(2, 5), pixels(2, 1)])


def test_tables_of_profiles_and_platemaps_may_be_remote(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.DataFrame({"Metadata_Plate": ["P1"] * 2, "Metadata_Well": ["A01", "A02"], "Cells_AreaShape_Area": [1.5, 2.5]})
    table.to_parquet(server.root / "gallery" / "profiles.parquet")
    (server.root / "gallery" / "map.csv").write_text("plate,well,compound\nP1,A01,aspirin\nP1,A02,DMSO\n")
    words = ["ingest", "s3://gallery/profiles.parquet", "--platemap", "s3://gallery/map.csv", "--out", tmp_path / "out"]
    assert run(monkeypatch, *words) == 0
    read = profiles.read(tmp_path / "out" / "profiles.parquet")
    assert read.to_df()["Cells_AreaShape_Area"].tolist() == [1.5, 2.5]
    assert read.obs["perturbation_name"].tolist() == ["aspirin", "DMSO"]
    assert len(server.log) == 2
    assert profiles.read(f"{server.url}/gallery/profiles.parquet").n_obs == 2


def test_a_remote_source_that_is_not_there_is_a_sentence(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for source, sentence in (
        ("s3://gallery/none.csv", "s3://gallery/none.csv is not there (404)"),
        ("s3://gallery/none/", "no file lies below it"),
        ("gs://gallery/a.csv", "gs:// is not read; s3:// and https:// are"),
    ):
        assert run(monkeypatch, "ingest", source, "--out", tmp_path / "out") == 2
        assert sentence in " ".join(capsys.readouterr().err.split())


def stacks(folder: Path) -> None:
    """Two stacks of two pages and the CSV that says what they are."""
    folder.mkdir(parents=True)
    for well in (1, 2):
        tifffile.imwrite(folder / f"s{well}.tif", np.stack([pixels(well, 1), pixels(well, 2)]))
    (folder / "index.csv").write_text("file,well,channels,compound\ns1.tif,B07,DNA|ER,aspirin\ns2.tif,C08,DNA|ER,DMSO\n")


def ome_tiffs(folder: Path) -> None:
    folder.mkdir(parents=True)
    for well, name in ((1, "B07"), (2, "C08")):
        planes = np.stack([pixels(well, 1), pixels(well, 2)])
        tifffile.imwrite(folder / f"{name}.ome.tif", planes, metadata={"axes": "CYX", "Channel": {"Name": ["DAPI", "ConA"]}})


def yokogawa(folder: Path) -> None:
    """One plane a channel; the list says that a third is an error of the camera."""
    folder.mkdir(parents=True)
    records = []
    for well, name in ((1, "B07"), (2, "C08")):
        for channel in (1, 2):
            file = f"X_{name}_T0001F001L01A01Z01C{channel:02d}.tif"
            tifffile.imwrite(folder / file, pixels(well, channel))
            records.append(f'<bts:MeasurementRecord bts:Type="IMG" bts:Row="1" bts:Column="1">{file}</bts:MeasurementRecord>')
    tifffile.imwrite(folder / "X_D09_T0001F001L01A01Z01C01.tif", pixels(3, 1))
    records.append('<bts:MeasurementRecord bts:Type="ERR">X_D09_T0001F001L01A01Z01C01.tif</bts:MeasurementRecord>')
    body = "".join(records)
    (folder / "MeasurementData.mlf").write_text(
        f'<bts:MeasurementData xmlns:bts="http://www.yokogawa.co.jp/BTS">{body}</bts:MeasurementData>'
    )


@pytest.mark.parametrize("kind", ["bucket", "zip", "zip in a bucket"])
@pytest.mark.parametrize(("made", "options"), [(stacks, ()), (ome_tiffs, ()), (yokogawa, ("--channel", "C1=DNA", "--channel", "C2=ER"))])
def test_what_lies_beside_the_images_is_read_in_a_zip_and_in_a_bucket(
    server: Server, tmp_path: Path, kind: str, made: Callable[[Path], None], options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = server.root / "gallery" / "data" / "P 9"
    made(folder)
    source: object = "s3://gallery/data/P 9"
    if kind != "bucket":
        packed = (tmp_path if kind == "zip" else server.root / "gallery") / "P 9.zip"
        with zipfile.ZipFile(packed, "w") as file:
            for path in sorted(folder.iterdir()):
                file.write(path, path.name)
        source = packed if kind == "zip" else "s3://gallery/P 9.zip"
    assert run(monkeypatch, "ingest", source, *options, "--out", tmp_path / "out") == 0
    sites = Sites.read(tmp_path / "out")
    assert sites.table[["plate", "well"]].to_numpy().tolist() == [["P 9", "B07"], ["P 9", "C08"]]
    for number in (0, 1):
        np.testing.assert_array_equal(sites.image(number, channels=["ER", "DNA"]), [pixels(number + 1, 2), pixels(number + 1, 1)])


def test_a_folder_in_a_bucket_is_read_again_where_a_file_in_it_is_another(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = server.root / "gallery" / "plate"
    phenix(folder, wells=2)
    index(folder)

    def ingest(*options: object) -> str:
        assert run(monkeypatch, "ingest", "s3://gallery/plate/", "--out", tmp_path / "out", *options) == 0
        return json.loads((tmp_path / "out" / "run.json").read_text())["key"]

    first = ingest()
    assert ingest() == first
    assert "already there:" in capsys.readouterr().out
    before = Sites.read(tmp_path / "out").image(1, ["DNA"])[0]
    tifffile.imwrite(folder / "r01c02f01p01-ch1sk1fk1fl1.tiff", pixels(9, 9))
    changed = ingest()
    assert changed != first, "same name and size, other content"
    np.testing.assert_array_equal(before, pixels(2, 1))
    np.testing.assert_array_equal(Sites.read(tmp_path / "out").image(1, ["DNA"])[0], pixels(9, 9), "not the copy of what was there before")
    (folder / "r01c02f01p01-ch2sk1fk1fl1.tiff").unlink()
    assert ingest() not in (first, changed)
    asked = len(server.log)
    assert ingest("--offline") == ingest("--offline"), "as it was listed last"
    assert len(server.log) == asked


def test_the_listing_of_a_whole_bucket_and_of_a_prefix_are_kept_apart(server: Server) -> None:
    for key in ("P1/a b#1.tif", "P2/c.tif"):
        (server.root / "gallery" / key).parent.mkdir(exist_ok=True, parents=True)
        (server.root / "gallery" / key).write_bytes(key.encode())
    whole = remote.inputs([Path("s3://gallery"), Path("s3://gallery/P1/"), Path("s3://gallery/a.zarr"), Path("https://host/folder")])
    assert [len(path.read_text().splitlines()) for path in whole] == [2, 1]
    with remote.settings(offline=True):
        assert remote.listing("s3://gallery/P1") == ["s3://gallery/P1/a b#1.tif"]
        with pytest.raises(InputError, match=r"s3://gallery/P2/ cannot be listed, since --offline is set"):
            remote.listing("s3://gallery/P2/")
