"""Containers of planes (.nd2, .lif, .oif, .czi): every plane by scene and axis, with made-up and real libraries."""

from __future__ import annotations

import itertools
import struct
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from tests.plates import vendor_files

from impasto import profiles
from impasto import recipe as recipes
from impasto.plates import containers, files, read
from impasto.plates.images import Choices
from impasto.plates.ingest import find, write
from impasto.plates.reader import Asked, Found
from impasto.plates.sites import Sites
from impasto.schema import InputError

Pixels = npt.NDArray[np.uint16]


def value(scene: int, t: int, c: int, z: int) -> Pixels:
    """A plane whose first pixel says where it is."""
    return (np.arange(12, dtype=np.uint16).reshape(3, 4) + np.uint16(1000 * scene + 400 * t + 100 * c + 20 * z)).astype(np.uint16)


class Nd2File:
    """`nd2.ND2File` as far as it is used: two positions, two depths, two channels in every frame."""

    def __init__(self, path: str) -> None:
        assert Path(path).exists()
        self.sizes = {"P": 2, "Z": 2, "C": 2, "Y": 3, "X": 4}
        points = [SimpleNamespace(name="B03_1"), SimpleNamespace(name="B04_1")]
        self.experiment = [SimpleNamespace(type="XYPosLoop", parameters=SimpleNamespace(points=points)), SimpleNamespace(type="ZStackLoop")]
        self.metadata = SimpleNamespace(channels=[SimpleNamespace(channel=SimpleNamespace(name=n)) for n in ("DAPI", "FITC")])
        self.loop_indices = tuple({"P": p, "Z": z} for p in range(2) for z in range(2))

    def __enter__(self) -> Nd2File:
        return self

    def __exit__(self, *_: object) -> None: ...

    def read_frame(self, number: int) -> Pixels:
        return np.stack([value(number // 2, 0, c, number % 2) for c in range(2)])


class CziImage:
    """One scene: channels counted from 3, as in a file that was cut out of a larger one."""

    dims, start = ("C", "Y", "X"), (3, 0, 0)
    channels = {"DAPI": {}, "FITC": {}}  # noqa: RUF012 - as the library has it
    sizes = {"C": 2, "Y": 3, "X": 4}  # noqa: RUF012

    def __init__(self, scene: int) -> None:
        self.scene = scene

    def __call__(self, *, C: int) -> SimpleNamespace:
        return SimpleNamespace(asarray=lambda: value(self.scene, 0, C - 3, 0))


class CziFile:
    scenes = {0: CziImage(0), 2: CziImage(2)}  # noqa: RUF012

    def __init__(self, path: str) -> None: ...

    def __enter__(self) -> CziFile:
        return self

    def __exit__(self, *_: object) -> None: ...

    def metadata(self) -> str:
        scene = '<Scene Index="{}" Name="P{}"><ArrayName>{}</ArrayName></Scene>'
        return f"<ImageDocument><Scenes>{scene.format(0, 1, 'A1')}{scene.format(2, 2, 'A1')}</Scenes></ImageDocument>"


class OifSeries:
    """Files of a series with their places, the last first."""

    axes, shape = "CZ", (2, 3)

    def __init__(self, names: list[str]) -> None:
        self._names = names[::-1]
        self.indices = [(c, z) for c in range(2) for z in range(3)][::-1]

    def __getitem__(self, number: int) -> str:
        return self._names[number]


class OifFile:
    def __init__(self, path: str) -> None:
        names = [f"s_C00{c}Z00{z}.tif" for c in (1, 2) for z in (1, 2, 3)]
        self.series = (OifSeries(names),)
        dyes = ("Hoechst 33342", "Alexa 488")
        self.mainfile = {f"Channel {n} Parameters": {"DyeName": dye} for n, dye in enumerate(dyes, start=1)}
        # The second detector of the program's window was not switched on.
        self.mainfile |= {f"GUI Channel {n} Parameters": {"DyeName": dye} for n, dye in ((1, dyes[0]), (2, "idle"), (3, dyes[1]))}

    def __enter__(self) -> OifFile:
        return self

    def __exit__(self, *_: object) -> None: ...

    def asarray(self, name: str) -> Pixels:
        return value(0, 0, int(name[5]) - 1, int(name[9]) - 1)


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, opener in (("nd2", ("ND2File", Nd2File)), ("czifile", ("CziFile", CziFile)), ("oiffile", ("OifFile", OifFile))):
        module = types.ModuleType(name)
        setattr(module, *opener)
        monkeypatch.setitem(sys.modules, name, module)


def found(path: Path, **asked: Any) -> Found:
    listing = files.listing(path)
    assert containers.fits(listing) == 1
    return containers.planes(listing, Asked(**asked))


@pytest.mark.parametrize(
    ("name", "wells", "depths"),
    [("run.nd2", {"B03": 0, "B04": 1}, 2), ("run.czi", {"A01": 0}, 0), ("x_C05.oib", {"C05": 0}, 3), ("x_c5.oif", {"C05": 0}, 3)],
)
@pytest.mark.usefixtures("libraries")
def test_every_plane_is_that_of_its_scene_and_axes(tmp_path: Path, name: str, wells: dict[str, int], depths: int) -> None:
    (tmp_path / "P1").mkdir()
    (tmp_path / "P1" / name).write_bytes(b"x")
    planes = found(tmp_path / "P1").planes
    assert sorted(set(planes["well"])) == sorted(wells)
    for row in planes.to_dict(orient="records"):
        # The second scene of the .czi is its scene number 2, and the second site of its well.
        scene = (0, 2)[int(row["site"]) - 1] if name.endswith("czi") else wells[row["well"]]
        pixels = read.plane(row["path"], row["at"])
        np.testing.assert_array_equal(pixels, value(scene, 0, int(row["number"]) - 1, int(row["depth"] or 0)))
        assert pixels.flags.owndata, "what is a view of the file's memory ends with the file"
    assert planes["depth"].nunique() == max(1, depths)
    assert planes[["well", "site", "number", "depth"]].duplicated().sum() == 0


@pytest.mark.usefixtures("libraries")
def test_a_file_of_wells_is_a_plate_and_files_that_are_wells_lie_in_its_folder(tmp_path: Path) -> None:
    for name in ("screen 1.nd2", "x_C05.oib"):
        (tmp_path / "P1").mkdir(exist_ok=True)
        (tmp_path / "P1" / name).write_bytes(b"x")
    planes = containers.planes(files.listing(tmp_path), Asked()).planes
    assert set(zip(planes["plate"], planes["well"], strict=True)) == {("screen 1", "B03"), ("screen 1", "B04"), ("P1", "C05")}
    assert set(planes["channel"]) == {"DAPI", "FITC", "Hoechst 33342", "Alexa 488"}


@pytest.mark.usefixtures("libraries")
def test_a_file_without_a_well_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "run.oif").write_bytes(b"x")
    with pytest.raises(InputError, match=r"run\.oif: no well is named by the file or its scenes .*list its planes in a sheet"):
        found(tmp_path / "run.oif")


@pytest.mark.usefixtures("libraries")
def test_a_sheet_may_name_a_plane_by_channel_or_by_place(tmp_path: Path) -> None:
    (tmp_path / "a.czi").write_bytes(b"x")
    np.testing.assert_array_equal(read.plane(tmp_path / "a.czi", 1), value(0, 0, 1, 0))
    np.testing.assert_array_equal(read.plane(tmp_path / "a.czi", "s1c1"), value(2, 0, 1, 0))
    for place, reason in (
        (2, "no plane 2: it has 2 scenes"),
        ("s2c0", "no plane s2c0"),
        ("s0", "2 planes along C, of which none is named"),
    ):
        with pytest.raises(read.BadImage, match=reason):
            read.plane(tmp_path / "a.czi", place)


@pytest.mark.usefixtures("libraries")
def test_other_axes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CziImage, "sizes", {"C": 2, "H": 5, "Y": 3, "X": 4})
    (tmp_path / "A01.czi").write_bytes(b"x")
    with pytest.raises(InputError, match=r"A01\.czi: axis H of A1 has 5 planes; T, C, Z, Y and X are read"):
        found(tmp_path / "A01.czi")


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("planes", [1, 2])
def test_an_axis_of_one_plane_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planes: int) -> None:
    monkeypatch.setattr(CziImage, "sizes", {"C": 2, "H": planes, "Y": 3, "X": 4})
    (tmp_path / "A01.czi").write_bytes(b"x")
    if planes == 1:
        assert len(found(tmp_path / "A01.czi").planes) == 4  # two scenes of two channels
        return
    with pytest.raises(InputError, match="axis H of A1 has 2 planes"):
        found(tmp_path / "A01.czi")


@pytest.mark.parametrize(
    ("suffix", "sentence"), [("czi", r"\.czi needs impasto\[formats\] and Python 3\.12"), ("nd2", r"\.nd2 needs impasto\[formats\]: pip")]
)
def test_without_its_library_the_sentence_names_the_extra(
    tmp_path: Path, suffix: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, {"czi": "czifile", "nd2": "nd2"}[suffix], None)
    (tmp_path / f"A01.{suffix}").write_bytes(b"x")
    with pytest.raises(InputError, match=sentence):
        found(tmp_path / f"A01.{suffix}")
    with pytest.raises(read.BadImage, match=sentence):
        read.plane(tmp_path / f"A01.{suffix}", 0)


def lif(path: Path, images: dict[str, tuple[Sequence[str], Pixels]]) -> Path:
    """A .lif by hand: a header of XML in UTF-16, then a block of memory an image (C, H, W)."""
    parts, blocks = [], []
    for number, (name, (dyes, pixels)) in enumerate(images.items(), start=1):
        _, height, width = pixels.shape
        channels = "".join(
            f'<ChannelDescription DataType="0" ChannelTag="0" Resolution="16" NameOfMeasuredQuantity="" Min="0" Max="65535" Unit="" LUTName="Gray" '  # noqa: E501
            f'IsLUTInverted="0" BytesInc="{k * height * width * 2}" BitInc="0"><ChannelProperty><Key>DyeName</Key><Value>{dye}</Value></ChannelProperty>'  # noqa: E501
            "</ChannelDescription>"
            for k, dye in enumerate(dyes)
        )
        sizes = "".join(
            f'<DimensionDescription DimID="{k}" NumberOfElements="{size}" Origin="0" Length="1e-4" Unit="m" BitInc="0" BytesInc="{step}"/>'
            for k, size, step in ((1, width, 2), (2, height, 2 * width))
        )
        parts.append(
            f'<Element Name="{name}" Visibility="1" CopyOption="1" UniqueID="u{number}"><Data><Image TextDescription=""><ImageDescription>'
            f"<Channels>{channels}</Channels><Dimensions>{sizes}</Dimensions></ImageDescription></Image></Data>"
            f'<Memory Size="{pixels.nbytes}" MemoryBlockID="MemBlock_{number}"/><Children/></Element>'
        )
        block = f"MemBlock_{number}"
        head = struct.pack("<iib", 0x70, 14 + 2 * len(block), 0x2A) + struct.pack("<qbi", pixels.nbytes, 0x2A, len(block))
        blocks.append(head + block.encode("utf-16-le") + pixels.astype("<u2").tobytes())
    xml = (
        '<LMSDataContainerHeader Version="2"><Element Name="tiny" Visibility="1" CopyOption="1" UniqueID="r"><Data><Experiment Path="x"/></Data>'  # noqa: E501
        f'<Memory Size="0" MemoryBlockID="MemBlock_0"/><Children>{"".join(parts)}</Children></Element></LMSDataContainerHeader>'
    )
    head = struct.pack("<iib", 0x70, 5 + 2 * len(xml), 0x2A) + struct.pack("<i", len(xml))
    path.write_bytes(head + xml.encode("utf-16-le") + b"".join(blocks))
    return path


def test_a_leica_file_through_the_library_itself(tmp_path: Path) -> None:
    pytest.importorskip("liffile", reason="the extra `formats` is not installed")
    images = {f"A0{n + 1}/R1": (("DAPI", "Mito"), np.stack([value(n, 0, 0, 0), value(n, 0, 1, 0)])) for n in range(2)}
    path = lif(tmp_path / "screen.lif", {name.replace("/", "_"): image for name, image in images.items()})
    planes = found(path).planes
    assert planes[["plate", "well", "site", "channel", "at"]].to_numpy().tolist() == [
        ["screen", "A01", "1", "DAPI", "s0c0"],
        ["screen", "A01", "1", "Mito", "s0c1"],
        ["screen", "A02", "1", "DAPI", "s1c0"],
        ["screen", "A02", "1", "Mito", "s1c1"],
    ]
    np.testing.assert_array_equal(read.plane(path, "s1c1"), value(1, 0, 1, 0))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"screen\.lif cannot be read"):
        found(path)


def test_an_nd2_through_the_library_itself_from_the_file_to_profiles(tmp_path: Path) -> None:
    pytest.importorskip("nd2", reason="the extra `formats` is not installed")
    frames = np.arange(3 * 2 * 2 * 16 * 24, dtype=np.uint16).reshape(3, 2, 2, 16, 24)
    (tmp_path / "raw").mkdir()
    path = vendor_files.nd2(tmp_path / "raw" / "s 1.nd2", frames, positions=["B03", "B03", "AF48"], dyes=["DAPI", "WGA"], depths=2)
    with pytest.raises(InputError, match=r"2 planes in depth \(0, 1\); choose one with --depth 1"):
        find([tmp_path / "raw"])
    write(find([tmp_path / "raw"], choices=Choices(depth="1")), tmp_path / "in")
    sites = Sites.read(tmp_path / "in")
    assert sites.table[["plate", "well", "site"]].to_numpy().tolist() == [["s 1", "AF48", "1"], ["s 1", "B03", "1"], ["s 1", "B03", "2"]]
    for number, position in enumerate((2, 0, 1)):
        np.testing.assert_array_equal(sites.image(number, ["DNA", "Golgi"]), frames[position, 1])
    profiled = profiles.read(_profiled(tmp_path / "in", tmp_path / "p.parquet"))
    assert profiled.obs["well"].tolist() == ["AF48", "B03", "B03"]
    means = profiled[:, "Image_Intensity_mean_DNA"].X.ravel()
    np.testing.assert_allclose(means, [frames[position, 1, 0].mean() for position in (2, 0, 1)], rtol=1e-5)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"s 1\.nd2 cannot be read"):
        find([tmp_path / "raw"])


def test_a_czi_of_zeiss_own_writer_through_the_library_itself(tmp_path: Path) -> None:
    writer = pytest.importorskip("pylibCZIrw.czi", reason="the writer of .czi is not installed")
    if not containers.KINDS[".czi"].installed:
        pytest.skip("the extra `formats` reads .czi from Python 3.12 on")
    path, frames = tmp_path / "x_B07.czi", np.arange(2 * 3 * 16 * 24, dtype=np.uint16).reshape(2, 3, 16, 24)
    with writer.create_czi(str(path)) as file:
        for scene, channel, depth in itertools.product(range(2), range(2), range(3)):
            pixels = (frames[channel, depth] + 1000 * scene)[..., None]
            file.write(pixels, plane={"C": channel, "Z": depth, "T": 0}, scene=scene, location=(100 * scene, 0))
        file.write_metadata("plate", channel_names={0: "DAPI", 1: "Mito"})
    planes = found(path).planes
    assert planes[["well", "site", "channel", "depth"]].drop_duplicates().shape == (12, 4)
    for row in planes.to_dict(orient="records"):
        wanted = frames[["DAPI", "Mito"].index(row["channel"]), int(row["depth"])] + 1000 * (int(row["site"]) - 1)
        np.testing.assert_array_equal(read.plane(row["path"], row["at"]), wanted)


def test_an_older_library_is_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("czifile")
    module.CziFile = Nd2File  # type: ignore[attr-defined]  # it has no scenes
    monkeypatch.setitem(sys.modules, "czifile", module)
    (tmp_path / "A01.czi").write_bytes(b"x")
    with pytest.raises(InputError, match=r"A01\.czi: \.czi needs impasto\[formats\] and Python 3\.12"):
        found(tmp_path / "A01.czi")


def test_an_oif_through_the_library_itself(tmp_path: Path) -> None:
    pytest.importorskip("oiffile", reason="the extra `formats` is not installed")
    frames = np.arange(2 * 3 * 8 * 6, dtype=np.uint16).reshape(2, 3, 8, 6)
    for well, shift in (("A01", 0), ("a2", 1000)):
        (tmp_path / "P 7").mkdir(exist_ok=True)
        vendor_files.oif(tmp_path / "P 7" / f"x_{well}.oif", frames + np.uint16(shift), dyes=["Hoechst 33342", ""], idle=[2])
    choices = Choices({"CH3": "ER"}, depth="2")
    found = find([tmp_path / "P 7"], choices=choices)
    assert not [note for note in found.notes if "not known" in note], "the TIFFs of an .oif are part of it"
    write(found, tmp_path / "in")
    sites = Sites.read(tmp_path / "in")
    assert sites.table["well"].tolist() == ["A01", "A02"]
    for number, shift in enumerate((0, 1000)):
        np.testing.assert_array_equal(sites.image(number, ["DNA", "ER"]), frames[:, 2] + np.uint16(shift))


def _profiled(ingested: Path, out: Path) -> Path:
    recipes.execute("profile", recipes.STAGES["profile"].settings.read({"images": ingested, "encoder": "intensity"}, where="test"), out=out)
    return out


@pytest.mark.usefixtures("libraries")
def test_whatever_a_library_raises_is_said_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "A01.czi").write_bytes(b"x")
    for error, sentence in (
        (NameError("name 'x' is not defined"), r"A01\.czi cannot be read \(NameError: name 'x' is not defined\); copy it again"),
        (ValueError("no CZI"), r"A01\.czi cannot be read \(no CZI\)"),
        (ValueError(), r"A01\.czi cannot be read \(ValueError: \)"),
    ):

        def fail(*_: object, error: Exception = error) -> str:
            raise error

        monkeypatch.setattr(CziFile, "metadata", fail)
        with pytest.raises(InputError, match=sentence):
            found(tmp_path / "A01.czi")
        with pytest.raises(read.BadImage, match="cannot be read"):
            read.plane(tmp_path / "A01.czi", "s0c0")
    monkeypatch.setattr(CziFile, "metadata", lambda _: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(MemoryError):
        found(tmp_path / "A01.czi")


def test_damaged_files_through_the_libraries_themselves(tmp_path: Path) -> None:
    installed = [suffix for suffix, kind in containers.KINDS.items() if kind.installed]
    if not installed:
        pytest.skip("the extra `formats` is not installed")
    for suffix in installed:
        (tmp_path / f"A01{suffix}").write_bytes(b"not a real file")
        with pytest.raises(InputError, match="cannot be read"):
            containers.scenes(str(tmp_path / f"A01{suffix}"))
        with pytest.raises(read.BadImage):
            read.plane(tmp_path / f"A01{suffix}")


def test_a_sheet_of_containers_without_their_library_says_how_many_are_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("nd2", "czifile"):
        monkeypatch.setitem(sys.modules, library, None)  # as where it is not installed
    rows = ["path,channel,plate,well", "a.CZI,DNA,P,A01", "b.czi,DNA,P,A02", "c.nd2,DNA,P,A03"]
    for name in ("a.CZI", "b.czi", "c.nd2", "d.tif"):
        tifffile.imwrite(tmp_path / name, np.ones((4, 4), dtype=np.uint16))
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("\n".join(rows))
    needs = (
        "1 .nd2 needs impasto[formats]: pip install 'impasto[formats]'; "
        "2 .czi needs impasto[formats] and Python 3.12: pip install 'impasto[formats]'"
    )
    with pytest.raises(InputError) as refused:
        find([sheet])
    assert str(refused.value) == f"{sheet}: 3 of 3 planes cannot be read: {needs}"
    sheet.write_text("\n".join([*rows, "d.tif,DNA,P,A04"]))
    told = [note for note in find([sheet]).notes if "cannot be read" in note]
    assert told == [f"{sheet}: 3 of 4 planes cannot be read: {needs}; until then their sites are quarantined"]


def test_a_channel_of_leica_is_named_by_its_dye_or_else_by_its_colour() -> None:
    written = "<ChannelProperty><Key>{0}</Key><Value>{1}</Value></ChannelProperty>"
    gain = written.format("Gain", "2")
    described = [
        f'<ChannelDescription LUTName="Gray">{gain}{written.format("DyeName", "DAPI")}</ChannelDescription>',
        f'<ChannelDescription LUTName="Green">{gain}{written.format("DyeName", "")}</ChannelDescription>',
        '<ChannelDescription LUTName="Red"/>',
        "<ChannelDescription/>",
    ]
    text = f"<E><Data><Image><ImageDescription><Channels>{''.join(described)}</Channels></ImageDescription></Image></Data></E>"
    assert containers.Lif._channels(SimpleNamespace(xml_element=ET.fromstring(text))) == ("DAPI", "Green", "Red", "")


def test_a_frame_of_nikon_is_found_by_position_time_and_depth_where_they_are_not_said_too() -> None:
    loops = [{"P": p, "T": t, "Z": z} for p in range(2) for t in range(2) for z in range(2)]
    frames = [np.stack([np.full((2, 2), 10 * number), np.full((2, 2), 10 * number + 1)]) for number in range(8)]
    file = SimpleNamespace(sizes={"P": 2, "T": 2, "Z": 2, "C": 2}, loop_indices=loops, read_frame=lambda number: frames[number])
    opened = containers.Nd2(file)
    assert opened.plane(1, {"T": 1, "Z": 0, "C": 1}).tolist() == [[61, 61], [61, 61]]
    assert opened.plane(1, {"C": 1}).tolist() == [[41, 41], [41, 41]], "time and depth that nobody names are the first"
    assert opened.plane(0, {"Z": 1}).tolist() == [[10, 10], [10, 10]], "so is the channel"
    with pytest.raises(IndexError, match="no plane"):
        opened.plane(2, {"C": 0})
