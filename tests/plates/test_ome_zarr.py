"""OME-Zarr plates: every plane is that of its named axes, wherever the store lies; what is no plate says what it is."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.loopback import Server
from tests.plates import zarr_plates

from impasto import remote
from impasto.plates import ome_zarr
from impasto.plates.listing import Listing
from impasto.plates.reader import Asked, Found
from impasto.schema import InputError

SIZES = {"t": 2, "c": 3, "z": 4, "y": 6, "x": 8}
LABELS = ("DAPI", "ER", "AGP")


def numbered(axes: str) -> np.ndarray[Any, Any]:
    """Pixels whose value says where they are: t, c, z, y and x are its digits."""
    shape = tuple(SIZES[axis] for axis in axes)
    value = np.zeros(shape, dtype=np.uint16)
    for number, axis in enumerate(axes):
        value += (
            (np.arange(SIZES[axis]) * 10 ** "xyzct".index(axis))
            .astype(np.uint16)
            .reshape([-1 if k == number else 1 for k in range(len(axes))])
        )
    return value


def expected(at: dict[str, int]) -> np.ndarray[Any, Any]:
    """The plane at t, c, z, written from the digits."""
    y, x = np.mgrid[: SIZES["y"], : SIZES["x"]]
    return (x + 10 * y + 100 * at.get("z", 0) + 1000 * at.get("c", 0) + 10000 * at.get("t", 0)).astype(np.uint16)


def found(path: Path | str, **asked: Any) -> Found:
    listing = Listing(str(path), (), (str(path),))
    assert ome_zarr.fits(listing) > 0
    return ome_zarr.planes(listing, Asked(**asked))


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("axes", ["yx", "cyx", "zyx", "tyx", "tcyx", "czyx", "zcyx", "tczyx", "cyxz", "cxy"])
def test_planes_by_the_names_of_axes(tmp_path: Path, axes: str, version: str) -> None:
    plate = zarr_plates.plate(tmp_path / "P1.zarr", {"B/03": [{"path": "0"}]}, version=version)
    zarr_plates.image(plate / "B" / "03" / "0", numbered(axes), axes, version=version, labels=LABELS if "c" in axes else LABELS[:1])
    planes = found(plate).planes
    assert len(planes) == np.prod([SIZES[axis] for axis in axes if axis in "tcz"], dtype=int)
    assert set(planes["well"]) == {"B03"}
    assert set(planes["plate"]) == {"P1"}
    for row in planes.to_dict(orient="records"):
        at = {"c": LABELS.index(row["channel"]), "z": int(row["depth"] or 0), "t": int(row["time"] or 0)}
        np.testing.assert_array_equal(ome_zarr.pixels(row["path"], [row["at"]])[0], expected(at))
    assert (planes["depth"] == "").all() == ("z" not in axes)
    assert (planes["time"] == "").all() == ("t" not in axes)


def test_a_full_place_reads_as_it_says(tmp_path: Path) -> None:
    plate = zarr_plates.plate(tmp_path / "P1.zarr", {"A/1": [{"path": "0"}]})
    zarr_plates.image(plate / "A" / "1" / "0", numbered("tczyx"), "tczyx", labels=LABELS)
    planes = found(plate).planes
    assert planes.loc[(planes["time"] == "1") & (planes["channel"] == "AGP") & (planes["depth"] == "3"), "at"].tolist() == ["t1c2z3"]
    with pytest.raises(IndexError, match="2 planes along t, of which none is named"):
        ome_zarr.pixels(str(plate / "A/1/0"), ["c1z0"])
    with pytest.raises(IndexError, match="no z4: there are 4 along z"):
        ome_zarr.pixels(str(plate / "A/1/0"), ["t0c1z4"])


def test_shards_are_read(tmp_path: Path) -> None:
    plate = zarr_plates.plate(tmp_path / "P1.zarr", {"A/1": [{"path": "0"}]})
    zarr_plates.image(plate / "A" / "1" / "0", numbered("cyx"), "cyx", labels=LABELS, shards=(3, 6, 8))
    for number, at in enumerate(found(plate).planes["at"]):
        np.testing.assert_array_equal(ome_zarr.pixels(str(plate / "A/1/0"), [at])[0], expected({"c": number}))


def test_versions_before_axes_had_names(tmp_path: Path) -> None:
    plate = zarr_plates.plate(tmp_path / "P1.zarr", {"A/1": [{"path": "0"}]}, version="0.4")
    zarr_plates.image(plate / "A" / "1" / "0", numbered("tczyx"), "tczyx", version="0.4", labels=LABELS)
    attributes = json.loads((plate / "A/1/0/.zattrs").read_text())
    for axes in (None, list("tczyx")):  # 0.1 and 0.2 say none, 0.3 says letters
        attributes["multiscales"][0].pop("axes", None)
        if axes:
            attributes["multiscales"][0]["axes"] = axes
        (plate / "A/1/0/.zattrs").write_text(json.dumps(attributes))
        assert len(found(plate).planes) == 24
        np.testing.assert_array_equal(ome_zarr.pixels(str(plate / "A/1/0"), ["t1c2z3"])[0], expected({"t": 1, "c": 2, "z": 3}))


def test_wells_and_fields_that_are_listed_but_absent_are_told(tmp_path: Path) -> None:
    plate = zarr_plates.plate(tmp_path / "P1.zarr", {w: [{"path": "0"}, {"path": "1"}] for w in ("A/01", "A/02", "B/01")}, version="0.4")
    for field in ("A/01/0", "A/01/1", "B/01/1"):
        zarr_plates.image(plate / field, numbered("cyx"), "cyx", version="0.4", labels=LABELS)
    shutil.rmtree(plate / "A" / "02")
    result = found(plate)
    assert sorted({(row["well"], row["site"]) for row in result.planes.to_dict(orient="records")}) == [
        ("A01", "0"),
        ("A01", "1"),
        ("B01", "1"),
    ]
    assert result.notes == (f"{plate}: 1 of 3 listed wells are not there (first: A/02)",)
    shutil.rmtree(plate / "A")
    shutil.rmtree(plate / "B")
    with pytest.raises(InputError, match=r"none of the 3 wells that it lists is there \(first: A/01\)"):
        found(plate)


def test_channels_without_omero(tmp_path: Path) -> None:
    plate = zarr_plates.plate(tmp_path / "P1.zarr", {"A/1": [{"path": "0"}]})
    zarr_plates.image(plate / "A" / "1" / "0", numbered("czyx")[:, :1], "czyx")
    assert found(plate).planes[["channel", "number", "at"]].to_numpy().tolist() == [
        ["channel 1", "1", "c0z0"],
        ["channel 2", "2", "c1z0"],
        ["channel 3", "3", "c2z0"],
    ]
    assert found(plate, order=("DNA", "ER", "Mito")).planes["channel"].tolist() == ["DNA", "ER", "Mito"]
    with pytest.raises(InputError, match=r"2 channels are named \(DNA, ER\), but it holds 3"):
        found(plate, order=("DNA", "ER"))
    zarr_plates.plate(plate, {"A/1": [{"path": "0"}]}, channels_metadata={"channels": [{"label": name} for name in LABELS]})
    assert found(plate).planes["channel"].tolist() == list(LABELS)


def test_labels_beside_a_field_are_no_channels(tmp_path: Path) -> None:
    plate = zarr_plates.plate(tmp_path / "P1.zarr", {"A/1": [{"path": "0"}]})
    field = zarr_plates.image(plate / "A" / "1" / "0", numbered("cyx"), "cyx", labels=LABELS)
    zarr_plates.attributes(field / "labels", {"labels": ["nuclei"]}, version="0.5")
    zarr_plates.image(field / "labels" / "nuclei", numbered("yx"), "yx")
    assert found(plate).planes["channel"].tolist() == list(LABELS)


def test_acquisitions_are_joined_by_position(tmp_path: Path) -> None:
    images = [
        {"path": "0", "acquisition": 0},
        {"path": "1", "acquisition": 0},
        {"path": "2", "acquisition": 1},
        {"path": "3", "acquisition": 1},
    ]
    plate = zarr_plates.plate(tmp_path / "P1.zarr", {"A/1": images})
    for number, labels in enumerate([("DAPI", "ER"), ("DAPI", "ER"), ("DAPI", "Mito"), ("DAPI", "Mito")]):
        zarr_plates.image(plate / "A" / "1" / str(number), numbered("cyx")[:2] + number, "cyx", labels=labels)
    result = found(plate)
    assert sorted(result.planes[["site", "channel", "path"]].itertuples(index=False, name=None)) == sorted(
        (site, channel, f"{plate}/A/1/{field}")
        for site, channel, field in [
            ("0", "DAPI", 0), ("0", "ER", 0), ("0", "Mito", 2), ("1", "DAPI", 1), ("1", "ER", 1), ("1", "Mito", 3),
        ]
    )  # fmt: skip
    assert any("2 acquisitions are joined by the position" in note for note in result.notes)
    assert any("DAPI stand in several acquisitions; the first is read" in note for note in result.notes)


@pytest.mark.parametrize(
    ("axes", "sentence"),
    [("yxc", None), ("cayx", "its axes are c, a, y, x; t, c, z, y and x are read"), ("cyy", "its axes are|is named")],
)
def test_axes_of_other_names(tmp_path: Path, axes: str, sentence: str | None) -> None:
    plate = zarr_plates.plate(tmp_path / "P1.zarr", {"A/1": [{"path": "0"}]})
    pixels = np.zeros((3, 2, 6, 8)[: len(axes)], dtype=np.uint16) if sentence else np.moveaxis(numbered("cyx"), 0, 2)
    zarr_plates.image(plate / "A" / "1" / "0", pixels, axes, labels=LABELS)
    if sentence is None:
        np.testing.assert_array_equal(ome_zarr.pixels(str(plate / "A/1/0"), ["c2"])[0], expected({"c": 2}))
    else:
        with pytest.raises(InputError, match=sentence):
            found(plate)


def test_as_many_axes_as_the_array_has(tmp_path: Path) -> None:
    plate = zarr_plates.plate(tmp_path / "P1.zarr", {"A/1": [{"path": "0"}]})
    zarr_plates.image(plate / "A" / "1" / "0", numbered("czyx"), "cyx", labels=LABELS)
    with pytest.raises(InputError, match=r"its array has 4 axes, but 3 are named \(c, y, x\)"):
        found(plate)


@pytest.mark.parametrize("path", ["A", "A/1/2", "1/A", "A/x", ""])
def test_what_is_no_well_is_refused(tmp_path: Path, path: str) -> None:
    zarr_plates.attributes(tmp_path / "P1.zarr", {"plate": {"wells": [{"path": path}]}}, version="0.5")
    with pytest.raises(InputError, match="is no well; a plate's wells are named row/column"):
        found(tmp_path / "P1.zarr")


def test_rows_beyond_z(tmp_path: Path) -> None:
    plate = zarr_plates.plate(tmp_path / "P1.zarr", {"AF/048": [{"path": "0"}]})
    zarr_plates.image(plate / "AF" / "048" / "0", numbered("yx"), "yx", labels=["DNA"])
    assert found(plate).planes["well"].tolist() == ["AF48"]


def test_what_is_no_plate_says_what_it_is(tmp_path: Path) -> None:
    zarr_plates.image(tmp_path / "one.zarr", numbered("cyx"), "cyx", labels=LABELS)
    with pytest.raises(InputError, match=r"one\.zarr is one OME-Zarr image, not a plate; list it in a sheet"):
        found(tmp_path / "one.zarr")
    zarr_plates.attributes(tmp_path / "raw.zarr", {"bioformats2raw.layout": 3}, version="0.4")
    with pytest.raises(InputError, match=r"raw\.zarr is a store of OME-Zarr images, not a plate"):
        found(tmp_path / "raw.zarr")
    (tmp_path / "sdata.zarr").mkdir()
    (tmp_path / "sdata.zarr" / "zarr.json").write_text(
        json.dumps({"node_type": "group", "attributes": {"spatialdata_attrs": {"version": "0.2"}}})
    )
    with pytest.raises(InputError, match=r"sdata\.zarr is a SpatialData store; its tables are profiles: give one of them, .*/tables/NAME"):
        found(tmp_path / "sdata.zarr")
    (tmp_path / "ad.zarr").mkdir()
    (tmp_path / "ad.zarr" / ".zattrs").write_text(json.dumps({"encoding-type": "anndata"}))
    assert ome_zarr.fits(Listing("x", (), (str(tmp_path / "ad.zarr"),))) == 0


def test_one_image_among_plates_is_told(tmp_path: Path) -> None:
    plate = zarr_plates.plate(tmp_path / "P1.zarr", {"A/1": [{"path": "0"}]})
    zarr_plates.image(plate / "A" / "1" / "0", numbered("yx"), "yx", labels=["DNA"])
    zarr_plates.image(tmp_path / "one.zarr", numbered("yx"), "yx", labels=["DNA"])
    result = ome_zarr.planes(Listing(str(tmp_path), (), (str(plate), str(tmp_path / "one.zarr"))), Asked())
    assert len(result.planes) == 1
    assert "one OME-Zarr image, not a plate" in result.notes[0]


def test_damaged_metadata_is_a_sentence(tmp_path: Path) -> None:
    plate = zarr_plates.plate(tmp_path / "P1.zarr", {"A/1": [{"path": "0"}]})
    (plate / "A" / "1" / "zarr.json").write_text('{"node_type": "gr')
    with pytest.raises(InputError, match=r"A/1/zarr\.json is damaged: it is no JSON"):
        found(plate)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("inside", ["", "P9.zarr/"])
def test_a_zipped_plate(tmp_path: Path, version: str, inside: str) -> None:
    plate = zarr_plates.plate(tmp_path / "raw" / "P9.zarr", {"C/04": [{"path": "0"}]}, version=version)
    zarr_plates.image(plate / "C" / "04" / "0", numbered("cyx"), "cyx", version=version, labels=LABELS)
    packed = tmp_path / "P1.ozx"
    with zipfile.ZipFile(packed, "w") as file:
        for member in sorted(p for p in plate.rglob("*") if p.is_file()):
            file.write(member, inside + member.relative_to(plate).as_posix())
    planes = found(packed).planes
    assert set(planes["plate"]) == {"P1"}
    assert planes["path"].unique().tolist() == [f"{packed}/C/04/0"]
    np.testing.assert_array_equal(ome_zarr.pixels(f"{packed}/C/04/0", ["c2"])[0], expected({"c": 2}))


def test_a_cut_zip_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "P1.ozx").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(InputError, match=r"P1\.ozx is no whole zip"):
        ome_zarr.fits(Listing("x", (), (str(tmp_path / "P1.ozx"),)))


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_remote_plate_is_read_where_it_lies(server: Server, version: str) -> None:
    plate = zarr_plates.plate(server.root / "gallery" / "P1.zarr", {"A/1": [{"path": "0"}], "A/2": [{"path": "0"}]}, version=version)
    zarr_plates.image(plate / "A" / "1" / "0", numbered("cyx"), "cyx", version=version, labels=LABELS)
    for url in ("s3://gallery/P1.zarr", f"{server.url}/gallery/P1.zarr"):
        result = found(url)
        assert result.planes["well"].tolist() == ["A01"] * 3
        assert "1 of 2 listed wells are not there (first: A/2)" in result.notes[0]
        np.testing.assert_array_equal(ome_zarr.pixels(f"{url}/A/1/0", ["c1"])[0], expected({"c": 1}))
    with remote.settings(offline=True), pytest.raises(InputError, match="say a copy on this machine"):
        found("s3://gallery/P1.zarr")


def test_a_remote_zip_is_fetched_once(server: Server, tmp_path: Path) -> None:
    plate = zarr_plates.plate(tmp_path / "raw", {"A/1": [{"path": "0"}]})
    zarr_plates.image(plate / "A" / "1" / "0", numbered("cyx"), "cyx", labels=LABELS)
    with zipfile.ZipFile(server.root / "gallery" / "P1.ozx", "w") as file:
        for member in sorted(p for p in plate.rglob("*") if p.is_file()):
            file.write(member, member.relative_to(plate).as_posix())
    assert found("s3://gallery/P1.ozx").planes["path"].tolist() == ["s3://gallery/P1.ozx/A/1/0"] * 3
    np.testing.assert_array_equal(ome_zarr.pixels("s3://gallery/P1.ozx/A/1/0", ["c1"])[0], expected({"c": 1}))
    assert server.log == [("GET", "gallery/P1.ozx")]
