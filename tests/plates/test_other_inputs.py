"""Inputs of the same kinds that no case shows: other names of each vendor, other folders; the values are compared."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile

from impasto.plates import images
from impasto.plates.images import Choices, Images
from impasto.plates.ingest import find, write
from impasto.plates.reader import Asked
from impasto.plates.sites import Sites
from impasto.schema import InputError

PIXELS = np.arange(64, dtype=np.uint16).reshape(8, 8)


def image(path: Path, value: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, PIXELS + value)


def read(source: Path, channels: dict[str, str] | None = None, asked: Asked | None = None, **choices: object) -> Images:
    found = images.read([source], asked or Asked(), Choices(channels or {}, **choices))  # type: ignore[arg-type]
    assert not found.problems, found.problems[0].sentence
    return found


def places(found: Images) -> list[str]:
    """`batch plate well site channel` of every plane, what is blank left out."""
    words = found.planes[["batch", "plate", "well", "site", "channel"]].to_numpy(dtype=str)
    return [" ".join(filter(None, row)) for row in words]


@pytest.mark.parametrize(
    ("name", "channels", "place"),
    [
        ("P 7/b3--W00027--P00002--Z00001--T00003--DAPI.tif", {}, "P 7 B03 2 DNA"),
        ("série µ/W25F003T0001Z01C2.tif", {"C02": "ER"}, "série µ C01 3 ER"),
        *((f"cq/W1F001T0001Z01C{n}.tif", {said: "ER"}, "cq A01 1 ER") for n, said in ((1, "C1"), (2, "c02"), (1, "Ch 1"), (12, "kanal12"))),
        ("scan1/AssayPlate_Greiner_#655090/X_A01.b2_T0001F002L01A01Z01C03.tif", {"ch3": "AGP"}, "scan1 B02 2 AGP"),
        ("scan1/X_H12.d4_T0001F001L01A01Z01C01.tif", {"w1": "DNA"}, "scan1 AF48 1 DNA"),
        ("run 5/A_01_f3_c2_xUV_mFITC_z0_t0.tif", {"FITC": "ER"}, "run 5 A01 3 ER"),
        ("run 5/exp_AF - 48(fld 12).tif", {"w1": "DNA"}, "run 5 AF48 12 DNA"),
        ("evos/scan_R_p0_z0_0_C11f02d1.TIF", {"d1": "ER"}, "evos C11 2 ER"),
        ("gen5/H12ROI1_02_1_4_Hoechst_001.tif", {}, "gen5 H12 4 DNA"),
        ("nd/site_WellAA02_ChannelMitoTracker Deep Red_Seq0012.tif", {}, "nd AA02 12 Mito"),
        ("mm/C10-Site_7/img_channel001_position007_time000000000_z000.tif", {"channel1": "RNA"}, "mm C10 7 RNA"),
        ("flexed/Images/flex/r32c48f01p01-ch1t01.tiff", {"ch1": "DNA"}, "flexed AF48 1 DNA"),
        ("Meas_01(2012-07-31_10-41-12)/002013-7-001001003.tif", {"ch1": "DNA"}, "PARENT B13 7 DNA"),
        ("IX/TimePoint_1/my_long_name_a07.TIF", {"w1": "DNA"}, "IX A07 1 DNA"),
        ("IX/p_b02_s3_w2.tif", {"w2": "own:Lipid droplets"}, "IX B02 3 Lipid droplets"),
    ],
)
def test_other_names_of_each_vendor(tmp_path: Path, name: str, channels: dict[str, str], place: str) -> None:
    image(tmp_path / "PARENT" / name)
    assert places(read(tmp_path / "PARENT", channels)) == [place]


def test_1536_wells_in_lower_case_each_once(tmp_path: Path) -> None:
    rows = [chr(97 + i) for i in range(26)] + ["a" + chr(97 + i) for i in range(6)]
    for row in rows:
        for column in (1, 24, 48):
            image(tmp_path / "big" / f"{row}{column:02d}_w1.tif")
    found = read(tmp_path / "big", {"w1": "DNA"})
    assert len(set(found.planes["well"])) == 96
    assert {"A01", "Z24", "AA01", "AF48"} <= set(found.planes["well"])


def test_rxrx3_tells_its_stains_and_batches(tmp_path: Path) -> None:
    for number in range(1, 7):
        path = tmp_path / "images" / "gene-001" / "Plate9" / f"AA02_s1_{number}.jp2"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(imagecodecs.jpeg2k_encode(PIXELS + number, level=0))
    found = find([tmp_path / "images"])
    write(found, tmp_path / "out")
    sites = Sites.read(tmp_path / "out")
    assert sites.plates() == ["gene-001/Plate9"]
    for number, stain in enumerate(("DNA", "ER", "Actin", "RNA", "Mito", "Golgi"), start=1):
        np.testing.assert_array_equal(sites.image(0, [stain])[0], PIXELS + number)


def test_five_channels_of_rxrx_do_not_say_what_the_fifth_is(tmp_path: Path) -> None:
    for number in range(1, 6):
        path = tmp_path / "VERO-1" / "Plate2" / f"B02_s1_w{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(imagecodecs.png_encode(PIXELS.astype(np.uint8)))
    sentence = images.read([tmp_path], Asked(), Choices()).problems[0].sentence
    assert "1 channel is no stain's name: 'w5'" in sentence
    assert places(read(tmp_path, {"w5": "Golgi"}))[0] == "VERO-1 Plate2 B02 1 Actin"


def test_several_prefixes_in_one_folder_are_plates(tmp_path: Path) -> None:
    for prefix in ("plateA", "plateB"):
        image(tmp_path / "all" / f"{prefix}_A01_s1_w1.tif", value=len(prefix))
    assert places(read(tmp_path, {"w1": "DNA"})) == ["plateA A01 1 DNA", "plateB A01 1 DNA"]
    problem = images.read([tmp_path], Asked(), Choices({"w1": "DNA"}, plate_from="folder")).problems[0]
    assert "2 planes claim the place of another" in problem.sentence


def test_a_plate_in_two_nested_folders_is_two_batches(tmp_path: Path) -> None:
    for week in ("week 1", "week 2"):
        image(tmp_path / week / "raw" / "BR1__2021-05-02T16_02_51-Measurement 3" / "Images" / "r01c01f01p01-ch1sk1fk1fl1.tiff")
    assert places(read(tmp_path, {"ch1": "DNA"})) == ["week 1 BR1 A01 1 DNA", "week 2 BR1 A01 1 DNA"]


def test_a_pattern_of_ones_own(tmp_path: Path) -> None:
    for name in ("lab1/B1/P1/C07-f003-DAPI-z1.tif", "lab2/B1/P1/C07-f003-DAPI-z1.tif", "lab2/B1/P1/notes.png"):
        image(tmp_path / name)
    pattern = r"{source}/{batch}/{plate}/{well}-f{site}-{channel}-z{depth}[.]tif"
    found = read(tmp_path, asked=Asked(pattern=pattern))
    assert found.planes[["source", "batch", "plate", "well", "site"]].to_numpy(dtype=str).tolist() == [
        ["lab1", "B1", "P1", "C07", "3"],
        ["lab2", "B1", "P1", "C07", "3"],
    ]
    assert found.sources[0].unmatched == 1
    with pytest.raises(InputError, match=r"none of its 3 images matches --pattern '\{well\}_x.tif' \(first: "):
        read(tmp_path, asked=Asked(pattern="{well}_x.tif"))


def test_records_of_a_cellvoyager_leave_errors_out_and_tell_projections(tmp_path: Path) -> None:
    names = [f"x_B03_T0001F001L01A01Z{z:02d}C01.tif" for z in (1, 2, 3)]
    for value, name in enumerate(names):
        image(tmp_path / "run" / name, value=value)
    kinds = ('bts:Type="IMG"', 'bts:Type="ERR"', 'bts:Type="IMG" bts:ZImageProcessing="maximum"')
    records = "".join(
        f'<bts:MeasurementRecord {kind} bts:Row="2" bts:Column="3">{name}</bts:MeasurementRecord>'
        for kind, name in zip(kinds, names, strict=True)
    )
    space = "http://www.yokogawa.co.jp/BTS/BTSSchema/1.0"
    (tmp_path / "run" / "MeasurementData.mlf").write_text(f'<bts:MeasurementData xmlns:bts="{space}">{records}</bts:MeasurementData>')
    found = read(tmp_path / "run", {"C01": "DNA"})
    assert found.planes["name"].tolist() == [names[2]]
    assert "1 records of MeasurementData.mlf are errors; their images are left out" in found.notes
    assert "projections are read; 1 slices in depth are left out (--depth N for one of them)" in found.notes


def test_numbered_wells_say_the_plate_they_are_read_on(tmp_path: Path) -> None:
    for number in (1, 13, 96):
        image(tmp_path / "cq" / f"W{number}F001T0001Z01C1.tif")
    found = read(tmp_path / "cq", {"C01": "DNA"})
    assert sorted(set(found.planes["well"])) == ["A01", "B01", "H12"]
    assert any("read by rows on a plate of 96; if it has more: --plate-size 384" in note for note in found.notes)
    larger = read(tmp_path / "cq", {"C01": "DNA"}, Asked(plate_size=384))
    assert sorted(set(larger.planes["well"])) == ["A01", "A13", "D24"]
    with pytest.raises(InputError, match="--plate-size 100 does not fit"):
        read(tmp_path / "cq", {"C01": "DNA"}, Asked(plate_size=100))


def test_two_numbers_of_columbus_that_vary_are_asked_and_the_answer_works(tmp_path: Path) -> None:
    for channel in (1, 2):
        for depth in (1, 2):
            image(tmp_path / "old" / f"010011-1-{channel:03d}{depth:03d}001.tif", value=10 * channel + depth)
    problem = images.read([tmp_path / "old"], Asked(), Choices({"ch1": "DNA", "ch2": "ER"})).problems[0]
    assert "the first (001, 002) and the second (001, 002) vary" in problem.sentence
    assert problem.options[0] == "--pattern"
    found = read(tmp_path / "old", {"ch1": "DNA", "ch2": "ER"}, Asked(pattern=problem.options[1]), depth="2")
    assert places(found) == ["old J11 1 DNA", "old J11 1 ER"]
    assert found.planes["name"].tolist() == ["010011-1-001002001.tif", "010011-1-002002001.tif"]


def test_stacks_by_a_name_of_one_channel_are_not_read_by_their_first_page(tmp_path: Path) -> None:
    path = tmp_path / "P" / "A01.tif"
    path.parent.mkdir()
    tifffile.imwrite(path, np.stack([PIXELS] * 3), photometric="minisblack")
    problem = images.read([tmp_path], Asked(), Choices({"w1": "DNA"})).problems[0]
    assert f"{path} holds 3 pages, and its name speaks of one" in problem.sentence


def test_cellomics_files_that_are_not_read_are_named(tmp_path: Path) -> None:
    image(tmp_path / "AS" / "x_D03f00d0.tif")
    (tmp_path / "AS" / "x_D04f00d0.C01").write_bytes(b"x")
    (tmp_path / "AS" / "x_D05f00d0.DIB").write_bytes(b"x")
    found = read(tmp_path, {"d0": "DNA"})
    assert places(found) == ["AS D03 0 DNA"]
    assert any("1 .c01, 1 .dib images are of kinds that are not read" in note for note in found.notes)
    (tmp_path / "AS" / "x_D03f00d0.tif").unlink()
    assert "its images are of kinds that are not read" in images.read([tmp_path], Asked(), Choices({"d0": "DNA"})).problems[0].sentence


def test_a_copied_index_does_not_make_two_plates_one(tmp_path: Path) -> None:
    for plate in ("P1", "P2"):
        image(tmp_path / plate / "Images" / "r01c01f01p01-ch1sk1fk1fl1.tiff")
        (tmp_path / plate / "Images" / "Index.idx.xml").write_text(
            '<E xmlns="v"><Plates><Plate><PlateID>Template</PlateID></Plate></Plates><Images><Image><Row>1</Row><Col>1</Col>'
            "<ChannelID>1</ChannelID><ChannelName>DAPI</ChannelName></Image></Images></E>"
        )
    assert places(read(tmp_path)) == ["P1 A01 1 DNA", "P2 A01 1 DNA"]
    assert places(read(tmp_path / "P1")) == ["Template A01 1 DNA"]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("Hoescht", "'Hoescht' is no stain"),
        ("own:DAPI", "that is the stain DNA: leave out 'own:'"),
        ("own:a_b", "a name has letters, digits, blanks or '-'"),
    ],
)
def test_what_is_no_stain(tmp_path: Path, said: str, sentence: str) -> None:
    image(tmp_path / "P" / "A01_w1.tif")
    with pytest.raises(InputError) as refusal:
        read(tmp_path, {"w1": said})
    assert sentence in str(refusal.value)


def test_time_points_and_dates_below_a_plate_are_its_batches(tmp_path: Path) -> None:
    for when in ("24h", "48h"):
        image(tmp_path / "P1" / when / "P1_A01_s1_w1.tif")
    found = read(tmp_path, {"w1": "DNA"})
    assert places(found) == ["24h P1 A01 1 DNA", "48h P1 A01 1 DNA"]
    assert "plate P1: its files and a folder say so; the folder 24h is a time (--plate-from folder)" in found.notes
    assert places(read(tmp_path, {"w1": "DNA"}, plate_from="folder")) == ["24h A01 1 DNA", "48h A01 1 DNA"]


def test_previews_masks_and_copies_are_no_planes_and_are_counted(tmp_path: Path) -> None:
    for name in ("P1_A01_s1_w1.TIFF", "thumbnails/P1_A01_s1_w1.TIFF", "masks/P1_A01_s1_w1.TIFF", "Copy of P1_A01_s1_w1.TIFF"):
        image(tmp_path / "Plate № 1 – été" / name)
    image(tmp_path / "__MACOSX" / "Plate № 1 – été" / "P1_A01_s1_w1.TIFF")
    found = read(tmp_path, {"w1": "DNA"})
    assert places(found) == ["Plate № 1 – été A01 1 DNA"]
    assert (found.sources[0].unmatched, Path(found.sources[0].first_unmatched).name) == (1, "Copy of P1_A01_s1_w1.TIFF")
    assert f"{tmp_path}: 3 images in folders of previews or masks are left out (first: {tmp_path}/Plate № 1" in " ".join(found.notes)
    (tmp_path / "q").mkdir()
    (tmp_path / "__MACOSX").rename(tmp_path / "q" / "__MACOSX")
    with pytest.raises(InputError, match=r"in folders of previews or masks only; to read them, give such a folder itself: .*__MACOSX"):
        read(tmp_path / "q", {"w1": "DNA"})


def test_wells_that_are_numbered_in_other_names_are_read_by_a_pattern(tmp_path: Path) -> None:
    for number in (1, 13, 97):
        image(tmp_path / "P1" / f"well{number:03d}_s1_w1.tif")
    with pytest.raises(InputError, match=r"\{wellnumber\} where wells are numbered"):
        read(tmp_path)
    asked = Asked(pattern="well{wellnumber}_s{site}_w{channel}.tif")
    assert places(read(tmp_path, {"1": "DNA"}, asked)) == ["P1 A01 1 DNA", "P1 A13 1 DNA", "P1 E01 1 DNA"]
    asked = Asked(pattern=asked.pattern, plate_size=1536)
    assert places(read(tmp_path, {"1": "DNA"}, asked)) == ["P1 A01 1 DNA", "P1 A13 1 DNA", "P1 C01 1 DNA"]


def test_an_empty_ome_tiff_beside_whole_ones_has_their_channels(tmp_path: Path) -> None:
    for well in ("A01", "A02"):
        path = tmp_path / "P1" / f"{well}_f1.ome.tif"
        path.parent.mkdir(exist_ok=True)
        metadata = {"axes": "CYX", "Channel": {"Name": ["DNA", "ER"]}}
        tifffile.imwrite(path, np.stack([PIXELS, PIXELS]), ome=True, photometric="minisblack", metadata=metadata)
    (tmp_path / "P1" / "A01_f1.ome.tif").write_bytes(b"")
    found = read(tmp_path)
    assert places(found) == ["P1 A01 1 DNA", "P1 A01 1 ER", "P1 A02 1 DNA", "P1 A02 1 ER"]
    assert "plate P1: 2 of 4 images that were looked at cannot be read" in " ".join(found.notes)
