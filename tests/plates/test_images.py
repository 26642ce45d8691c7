"""Folders of every known kind become the same table of planes; what is wrong is said with file and place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from impasto.plates import images, read, summary
from impasto.plates.images import Choices, Images
from impasto.plates.ingest import find, write
from impasto.plates.planes import paths
from impasto.plates.reader import Asked
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


def read_images(*sources: Path, channels: dict[str, str] | None = None, asked: Asked | None = None, **choices: object) -> Images:
    """What `images.read` finds, for small folders."""
    return images.read(sources, asked or Asked(), Choices(channels or {}, **choices))  # type: ignore[arg-type]


def rows(found: Images, *words: str) -> list[list[object]]:
    """Those columns of the planes as plain lists."""
    return [[str(value) if isinstance(value, str) else value for value in row] for row in found.planes[list(words)].to_numpy()]


def test_a_phenix_folder_names_its_channels_in_its_xml(tmp_path: Path) -> None:
    found = read_images(phenix_plate(tmp_path / "BR001"))
    assert found.sources[0].reader == "phenix"
    assert not found.problems
    assert sorted(set(found.planes["channel"])) == ["DNA", "ER"]
    assert sorted(set(found.planes["well"])) == ["A01", "P24"]
    assert set(found.planes["plate"]) == {"BR001"}
    assert len(found.planes) == 6


def test_the_planes_that_a_plate_lacks_are_counted(tmp_path: Path) -> None:
    folder = phenix_plate(tmp_path / "P1", channels=3)
    (folder / "r01c01f02p01-ch3sk1fk1fl1.tiff").unlink()
    found = images.read([folder], Asked(), Choices())
    (plate,) = images.told_plates(found.planes, found.looks)
    assert (plate["wells"], plate["sites"], plate["missing"]) == (2, 3, 1)


def test_without_xml_the_user_names_them(tmp_path: Path) -> None:
    plate = phenix_plate(tmp_path / "BR001", xml=False)
    sentence = read_images(plate).problems[0].sentence
    assert "2 channels are no stain's name: 'ch1', 'ch2'. Say what each is: --channel ch1=STAIN --channel ch2=STAIN" in sentence
    found = read_images(plate, channels={"ch1": "DNA", "w2": "Mito"})
    assert sorted(set(found.planes["channel"])) == ["DNA", "Mito"]


def test_depths_and_times_are_never_mixed_in_silence(tmp_path: Path) -> None:
    plate = phenix_plate(tmp_path / "deep")
    image(plate / "r01c01f01p02-ch1sk1fk1fl1.tiff")
    assert read_images(plate).problems[0].sentence == f"{plate}: 2 planes in depth (1, 2); choose one with --depth 2"
    found = read_images(plate, depth="1")
    assert (len(found.planes), found.problems) == (6, ())
    image(plate / "r01c01f01p01-ch1sk2fk1fl1.tiff")
    assert (
        "2 time points (1 to 2); choose one with --time 1, or ingest each into its own folder"
        in read_images(plate, depth="1").problems[0].sentence
    )
    assert len(read_images(plate, depth="1", time="1").planes) == 6
    assert "there is no time point 5; it has 1, 2" in read_images(plate, depth="1", time="5").problems[0].sentence


def test_projections_are_read_beside_their_slices(tmp_path: Path) -> None:
    plate = tmp_path / "9987"
    for step, value in (("", 7), ("ZStep_1/", 1), ("ZStep_2/", 2)):
        image(plate / f"TimePoint_1/{step}9987_B02_s1_w1.TIF", value=value)
    found = read_images(plate, channels={"w1": "DNA"})
    assert not found.problems
    assert [Path(p).parent.name for p in paths(found.planes).to_pylist()] == ["TimePoint_1"]
    assert "projections are read; 2 slices in depth are left out (--depth N for one of them)" in found.notes
    chosen = read_images(plate, channels={"w1": "DNA"}, depth="2")
    assert [Path(p).parent.name for p in paths(chosen.planes).to_pylist()] == ["ZStep_2"]


def test_a_plate_of_projections_does_not_hide_one_of_slices(tmp_path: Path) -> None:
    image(tmp_path / "flat" / "x_B02_s1_w1.TIF")
    image(tmp_path / "deep" / "ZStep_3" / "x_B02_s1_w1.TIF")
    found = read_images(tmp_path, channels={"w1": "DNA"})
    assert rows(found, "plate", "depth") == [["deep", "3"], ["flat", ""]]


def test_a_folder_of_plates_of_two_vendors(tmp_path: Path) -> None:
    for name in ("P2", "P1"):
        phenix_plate(tmp_path / name / "Images")
    image(tmp_path / "week 3" / "scr_C05_s2_w1.tif")
    image(tmp_path / "P1" / "overview.tif")
    image(tmp_path / "P2" / "Images" / "montage.png")
    found = read_images(tmp_path, channels={"w1": "DNA"})
    assert sorted(set(found.planes["plate"])) == ["P1", "P2", "week 3"]
    assert [(s.reader, s.planes, s.unmatched) for s in found.sources] == [("phenix", 12, 1), ("imagexpress", 1, 0)]
    assert f"{tmp_path}: phenix, 12 planes; 1 images in its folders have other names (first: montage.png)" in found.notes
    assert any(
        f"1 images in other folders have names that are not known (first: {tmp_path / 'P1' / 'overview.tif'})" in n for n in found.notes
    )


def test_thumbnails_are_left_out_and_the_folder_is_the_plate(tmp_path: Path) -> None:
    for name in ("plate7_A01_s1_w1.TIF", "plate7_A01_s1_w2.TIF", "plate7_A01_s1_w1_thumb0123.TIF", ".hidden_A01_s1_w1.TIF"):
        image(tmp_path / "twelve" / "TimePoint_1" / name)
    found = read_images(tmp_path, channels={"w1": "DNA", "w2": "AGP"})
    assert rows(found, "plate", "well", "site", "channel") == [["twelve", "A01", "1", "AGP"], ["twelve", "A01", "1", "DNA"]]
    assert found.sources[0].unmatched == 0


def test_a_sheet_and_a_loaddata_table_say_the_same(tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        image(tmp_path / name)
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("path,channel,plate,well,site\na.tif,DNA,P1,a1,1\nb.tif,ER,P1,a1,1\n")
    load = tmp_path / "load_data.csv"
    load.write_text(
        "Metadata_Plate,Metadata_Well,Metadata_Site,FileName_OrigDNA,PathName_OrigDNA,FileName_OrigER,PathName_OrigER\n"
        f"P1,A01,1,a.tif,{tmp_path},b.tif,{tmp_path}\n"
    )
    one, other = read_images(sheet), read_images(load)
    words = ("plate", "well", "site", "channel", "page")
    assert rows(one, *words) == rows(other, *words) == [["P1", "A01", "1", "DNA", 0], ["P1", "A01", "1", "ER", 0]]
    assert paths(one.planes).to_pylist() == paths(other.planes).to_pylist() == [str(tmp_path / "a.tif"), str(tmp_path / "b.tif")]


def test_a_sheet_without_a_column_is_a_sentence(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("path,channel,plate\na.tif,DNA,P1\n")
    with pytest.raises(InputError, match="the sheet has no column 'well'"):
        read_images(sheet)


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
    assert rows(read_images(tmp_path / "inside"), "well", "channel", "page") == [["B02", "DNA", 0], ["B02", "ER", 1]]
    with pytest.raises(InputError, match=r"\(2 pages\) does not name its channels"):
        read_images(tmp_path / "outside")
    with pytest.raises(InputError, match="has 2 pages, but 3 channels are named"):
        read_images(tmp_path / "outside", asked=Asked(order=("DNA", "ER", "RNA")))
    assert rows(read_images(tmp_path / "outside", asked=Asked(order=("Mito", "AGP"))), "channel", "page") == [["AGP", 1], ["Mito", 0]]


def test_two_files_for_one_place_are_named(tmp_path: Path) -> None:
    image(tmp_path / "a.tif")
    image(tmp_path / "b.tif")
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("path,channel,plate,well\na.tif,DNA,P1,A01\nb.tif,DNA,P1,a1\n")
    assert read_images(sheet).problems[0].sentence == (
        f"{sheet}: 2 planes claim the place of another (first: plate P1 well A01 site 1 DNA: {tmp_path / 'a.tif'} and "
        f"{tmp_path / 'b.tif'}); nothing was chosen. Say what tells them apart with --pattern"
    )


def test_an_unknown_folder_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match="holds no images"):
        read_images(tmp_path)
    image(tmp_path / "foo_1.tif")
    with pytest.raises(InputError) as refusal:
        read_images(tmp_path)
    assert str(refusal.value).startswith(f"{tmp_path}: none of its 1 images has a name that is known (first: foo_1.tif). Known: ")
    assert "r01c01f01p01-ch1sk1fk1fl1.tiff (phenix), " in str(refusal.value)
    pattern = "--pattern '{plate}/{well}_s{site}_w{channel}.tif' ({wellnumber} where wells are numbered)"
    assert f"{pattern}, or list them in a sheet (path,channel,plate,well,site)" in str(refusal.value)
    with pytest.raises(InputError, match="does not exist"):
        read_images(tmp_path / "none")


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


def test_wells_of_one_digit_are_read_with_those_of_two(tmp_path: Path) -> None:
    for well in ("A1", "a9", "A10", "H12"):
        for number in (1, 2):
            image(tmp_path / "P7" / f"exp 3_{well}_s1_w{number}.TIF")
    found = find([tmp_path / "P7"], choices=Choices({"w1": "DNA", "w2": "ER"}))
    assert sorted(set(found.planes["well"].astype(str))) == ["A01", "A09", "A10", "H12"]
    assert len(found.planes) == 8


def test_names_that_imagej_gave_the_pages_are_the_command_that_is_offered(tmp_path: Path) -> None:
    pixels = np.stack([np.full((4, 4), page, dtype=np.uint16) for page in range(3)])
    for well in ("A01", "A02"):
        tifffile.imwrite(tmp_path / f"{well}_s1.tif", pixels, imagej=True, metadata={"axes": "CYX", "Labels": ["ER", "DNA", "Golgi"]})
    with pytest.raises(InputError) as refused:
        find([tmp_path])
    assert summary.options_in(str(refused.value)) == ("--channels", "ER,DNA,Golgi")
    assert find([tmp_path], asked=Asked(order=("ER", "DNA", "Golgi"))).planes["channel"].astype(str).tolist()[:3] == ["DNA", "ER", "Golgi"]


def test_pages_are_the_channels_in_the_order_that_the_user_says(tmp_path: Path) -> None:
    for number, well in enumerate(("A01", "A02")):
        pixels = np.stack([np.full((4, 4), 100 * number + page, dtype=np.uint16) for page in range(3)])
        (tmp_path / "P").mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / "P" / f"{well}_s1.tif", pixels, photometric="minisblack")
    with pytest.raises(InputError, match=r"A01_s1\.tif holds 3 pages, and its name speaks of one; .*: --channels DNA,ER,\.\.\."):
        find([tmp_path / "P"])
    found = find([tmp_path / "P"], asked=Asked(order=("Mito", "DNA", "ER")))
    sites = Sites(found.planes.assign(path=paths(found.planes).to_pylist()), found.wells, folder=tmp_path)
    assert {str(c): float(sites.image(1, [str(c)]).mean()) for c in ("Mito", "DNA", "ER")} == {"Mito": 100.0, "DNA": 101.0, "ER": 102.0}
    with pytest.raises(InputError, match=r"A01_s1\.tif has 3 pages, but 2 channels are named \(DNA, ER\)"):
        find([tmp_path / "P"], asked=Asked(order=("DNA", "ER")))
