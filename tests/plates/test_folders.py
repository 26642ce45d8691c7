"""Folders of every known kind become the same table of planes; what is wrong is said with file and place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from impasto import schema
from impasto.plates import folders, imagexpress, phenix, read
from impasto.plates.ingest import find, write
from impasto.plates.sites import Sites
from impasto.schema import InputError

PIXELS = np.arange(64, dtype=np.uint16).reshape(8, 8)


def image(path: Path, value: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, PIXELS + value)


def phenix_plate(folder: Path, *, xml: bool = True, channels: int = 2) -> Path:
    for row, column, field in ((1, 1, 1), (1, 1, 2), (16, 24, 1)):
        for channel in range(1, channels + 1):
            image(folder / f"r{row:02d}c{column:02d}f{field:02d}p01-ch{channel}sk1fk1fl1.tiff", value=channel)
    if xml:
        names = ("HOECHST 33342", "Concanavalin A", "SYTO 14")
        entries = "".join(
            f"<Entry><ChannelID>{i}</ChannelID><ChannelName>{n}</ChannelName></Entry>" for i, n in enumerate(names[:channels], 1)
        )
        (folder / "Index.idx.xml").write_text(f'<E xmlns="http://www.perkinelmer.com/V6">{entries}</E>')
    return folder


def test_a_phenix_folder_names_its_channels_in_its_xml(tmp_path: Path) -> None:
    planes, _, kind = folders.read(phenix_plate(tmp_path / "BR001"), channels={})
    assert "Phenix" in kind
    assert sorted(planes["channel"].unique()) == ["DNA", "ER"]
    assert sorted(planes["well"].unique()) == ["A01", "P24"]
    assert set(planes["plate"]) == {"BR001"}
    assert len(planes) == 6


def test_without_xml_the_user_names_them(tmp_path: Path) -> None:
    plate = phenix_plate(tmp_path / "BR001", xml=False)
    with pytest.raises(InputError, match="channel 'ch1' is not the name of a stain; say which it is with --channels ch1=NAME"):
        folders.read(plate, channels={})
    planes, _, _ = folders.read(plate, channels={"ch1": "DNA", "ch2": "Mito"})
    assert sorted(planes["channel"].unique()) == ["DNA", "Mito"]


def test_depths_and_times_are_never_mixed_in_silence(tmp_path: Path) -> None:
    plate = phenix_plate(tmp_path / "deep")
    image(plate / "r01c01f01p02-ch1sk1fk1fl1.tiff")
    with pytest.raises(InputError, match="2 planes in depth"):
        folders.read(plate, channels={})
    assert len(folders.read(plate, channels={}, depth=1)[0]) == 6
    image(plate / "r01c01f01p01-ch1sk2fk1fl1.tiff")
    with pytest.raises(InputError, match="2 time points"):
        folders.read(plate, channels={}, depth=1)


def test_a_folder_of_plates(tmp_path: Path) -> None:
    for name in ("P2", "P1"):
        phenix_plate(tmp_path / name / "Images")
    planes, _, kind = folders.read(tmp_path, channels={})
    assert sorted(planes["plate"].unique()) == ["P1", "P2"]
    assert "2 plates" in kind


@given(st.integers(1, 32), st.integers(1, 48), st.integers(1, 99), st.integers(1, 9))
def test_phenix_names(row: int, column: int, field: int, channel: int) -> None:
    found = phenix.NAME.match(f"r{row:02d}c{column:02d}f{field:02d}p01-ch{channel}sk1fk1fl1.tiff")
    assert found is not None
    assert (int(found["row"]), int(found["column"]), int(found["field"]), int(found["channel"])) == (row, column, field, channel)


@given(st.from_regex(r"[A-Za-z0-9-]{1,12}", fullmatch=True), st.integers(0, 15), st.integers(0, 23), st.integers(1, 9), st.integers(1, 5))
def test_imagexpress_names(prefix: str, row: int, column: int, site: int, channel: int) -> None:
    found = imagexpress.NAME.match(f"{prefix}_{schema.format_well(row, column)}_s{site}_w{channel}AB12CD.TIF")
    assert found is not None
    assert (found["prefix"], found["well"], found["site"], found["channel"]) == (
        prefix,
        schema.format_well(row, column),
        str(site),
        str(channel),
    )


def test_imagexpress_folders_leave_thumbnails_out(tmp_path: Path) -> None:
    for name in ("plate7_A01_s1_w1.TIF", "plate7_A01_s1_w2.TIF", "plate7_A01_s1_w1_thumb0123.TIF"):
        image(tmp_path / "TimePoint_1" / name)
    planes, _, _ = folders.read(tmp_path, channels={"w1": "DNA", "w2": "AGP"})
    assert planes[["plate", "well", "site", "channel"]].to_numpy().tolist() == [
        ["plate7", "A01", "1", "AGP"],
        ["plate7", "A01", "1", "DNA"],
    ]


def test_a_sheet_and_a_loaddata_table_say_the_same(tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        image(tmp_path / name)
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("path,channel,plate,well,site\na.tif,DNA,P1,a1,1\nb.tif,ER,P1,a1,1\n")
    load = tmp_path / "load_data.csv"
    load.write_text(
        "Metadata_Plate,Metadata_Well,Metadata_Site,FileName_OrigDNA,PathName_OrigDNA,FileName_OrigER,PathName_OrigER,FileName_IllumDNA\n"
        f"P1,A01,1,a.tif,{tmp_path},b.tif,{tmp_path},illum.npy\n"
    )
    one = folders.read(sheet, channels={})[0]
    with pytest.warns(UserWarning, match=r"illumination functions \(FileName_IllumDNA\) are applied by"):
        other = folders.read(load, channels={})[0]
    pd.testing.assert_frame_equal(one, other.drop(columns="illumination"))
    assert other["illumination"].tolist() == [str(tmp_path / "illum.npy"), ""]


def test_a_sheet_without_a_column_is_a_sentence(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("path,channel,plate\na.tif,DNA,P1\n")
    with pytest.raises(InputError, match="the sheet has no column 'well'"):
        folders.read(sheet, channels={})


def ome_zarr_plate(folder: Path, *, version: str) -> Path:
    import zarr

    def attributes(path: Path, value: dict[str, object]) -> None:
        path.mkdir(parents=True, exist_ok=True)
        if version == "0.5":
            (path / "zarr.json").write_text(
                json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"version": "0.5", **value}}})
            )
        else:
            (path / ".zgroup").write_text(json.dumps({"zarr_format": 2}))
            (path / ".zattrs").write_text(json.dumps(value))

    attributes(folder, {"plate": {"wells": [{"path": "B/3"}]}})
    attributes(folder / "B" / "3", {"well": {"images": [{"path": "0"}]}})
    field = folder / "B" / "3" / "0"
    attributes(field, {"multiscales": [{"datasets": [{"path": "full"}]}], "omero": {"channels": [{"label": "DNA"}, {"label": "Mito"}]}})
    array = zarr.create_array(field / "full", shape=(1, 2, 1, 8, 8), dtype="uint16", zarr_format=3 if version == "0.5" else 2)
    array[0, 0, 0], array[0, 1, 0] = PIXELS, PIXELS + 1000
    return folder


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_plates_of_both_versions(tmp_path: Path, version: str) -> None:
    plate = ome_zarr_plate(tmp_path / "plate.zarr", version=version)
    write(find([plate]), tmp_path / "out")
    sites = Sites.read(tmp_path / "out")
    assert sites.table[["plate", "well", "site"]].to_numpy().tolist() == [["plate", "B03", "0"]]
    np.testing.assert_array_equal(sites.image(0, channels=["Mito", "DNA"]), [PIXELS + 1000, PIXELS])


def test_stacks_take_their_channels_from_the_file_the_sidecar_or_the_user(tmp_path: Path) -> None:
    stack = np.stack([PIXELS, PIXELS + 1])
    for name, metadata in (("inside", {"axes": "CYX", "channels": ["DNA", "ER"]}), ("outside", None)):
        folder = tmp_path / name
        folder.mkdir()
        tifffile.imwrite(folder / "x_B02.tif", stack, photometric="minisblack", metadata=metadata)
        (folder / "wells.csv").write_text("file,plate,compound\nx_B02.tif,P1,aspirin\n")
    planes, _, _ = folders.read(tmp_path / "inside", channels={})
    assert planes[["well", "channel", "page"]].to_numpy().tolist() == [["B02", "DNA", 0], ["B02", "ER", 1]]
    with pytest.raises(InputError, match=r"\(2 pages\) does not name its channels"):
        folders.read(tmp_path / "outside", channels={})
    with pytest.raises(InputError, match="has 2 pages, but 3 channels are named"):
        folders.read(tmp_path / "outside", channels={}, order=["DNA", "ER", "RNA"])
    assert folders.read(tmp_path / "outside", channels={}, order=["Mito", "AGP"])[0]["channel"].tolist() == ["AGP", "Mito"]


def test_two_files_for_one_site_and_channel_are_named(tmp_path: Path) -> None:
    image(tmp_path / "a.tif")
    image(tmp_path / "b.tif")
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("path,channel,plate,well\na.tif,DNA,P1,A01\nb.tif,dapi,P1,a1\n")
    with pytest.raises(
        InputError, match=r"two images for plate P1, well A01, site 1, channel DNA: .*a\.tif \(page 0\) and .*b\.tif \(page 0\)"
    ):
        folders.read(sheet, channels={})


def test_an_unknown_folder_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match="cannot tell what kind of folder this is"):
        folders.read(tmp_path, channels={})
    with pytest.raises(InputError, match="does not exist"):
        folders.read(tmp_path / "none", channels={})


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", r"empty \(0 bytes\)"), (b"II*\x00garbage", "page 0 is missing"), (b"nonsense", "truncated or damaged")]
)
def test_damaged_images_say_why(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(content)
    with pytest.raises(read.BadImage, match=reason):
        read.plane(path)


def test_every_cut_of_a_tiff_is_either_whole_or_bad(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, np.random.default_rng(0).integers(0, 60000, (40, 40), dtype=np.uint16), compression="zstd")
    whole = path.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(read.BadImage):
            read.plane(path)


def test_real_folders_of_stacks(shared_data: Path, tmp_path: Path) -> None:
    write(find([shared_data / "images" / "cpjump1_fields"]), tmp_path / "out")
    sites = Sites.read(tmp_path / "out")
    assert len(sites) == 8
    assert sites.channels == ["AGP", "DNA", "ER", "Mito", "RNA"]
    assert sites.image(0).shape == (5, 768, 768)
    assert set(sites.table["control_type"]) == {"negcon", "poscon", "trt"}


def test_pages_far_into_a_stack_are_those_of_the_file(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 2**16, (70, 8, 9), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "stack.tif", pixels, compression="zlib", photometric="minisblack")
    found = read.planes(tmp_path / "stack.tif", [69, 3, 40])
    np.testing.assert_array_equal(np.stack(found), pixels[[69, 3, 40]])
    for missing in (70, 200):
        with pytest.raises(read.BadImage, match=f"page {missing} is missing: the file has 70"):
            read.planes(tmp_path / "stack.tif", [missing])
    tifffile.imwrite(tmp_path / "stack.tif", pixels[:50], compression="zlib", photometric="minisblack")
    with pytest.raises(read.BadImage, match="the file has 50"):
        read.planes(tmp_path / "stack.tif", [60])


def test_batch_and_source_may_come_from_the_platemap(tmp_path: Path) -> None:
    phenix_plate(tmp_path / "P1")
    phenix_plate(tmp_path / "P2")
    rows = [{"plate": p, "well": w, "perturbation": "x", "batch": b} for p, b in (("P1", "late"), ("P2", "early")) for w in ("A01", "P24")]
    pd.DataFrame(rows).to_csv(tmp_path / "map.csv", index=False)
    write(find([tmp_path / "P1", tmp_path / "P2"], platemaps=[tmp_path / "map.csv"]), tmp_path / "out")
    sites = Sites.read(tmp_path / "out")
    assert sites.table[["batch", "plate"]].drop_duplicates().to_numpy().tolist() == [["early", "P2"], ["late", "P1"]]
    assert set(sites.table["perturbation"]) == {"x"}
    assert sites.image(0).shape[0] == 2
