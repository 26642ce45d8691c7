"""An option of images that nothing answers to is refused, with what it is for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.plates.frames import table

from impasto.plates import images, loaddata, patterns, sheet, unused
from impasto.plates.images import Choices, Images
from impasto.plates.reader import Asked

NUMBERED = next(preset.name for preset in patterns.presets() if "{wellnumber}" in preset.pattern)
LETTERED = next(preset.name for preset in patterns.presets() if "{wellnumber}" not in preset.pattern)


def image(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, np.arange(64, dtype=np.uint16).reshape(8, 8))


def phenix_plate(folder: Path) -> Path:
    image(folder / "r01c01f01p01-ch1sk1fk1fl1.tiff")
    entry = "<Entry><ChannelID>1</ChannelID><ChannelName>HOECHST 33342</ChannelName></Entry>"
    (folder / "Index.idx.xml").write_text(f'<E xmlns="http://www.perkinelmer.com/V6">{entry}</E>')
    return folder


def read_images(*sources: Path, channels: dict[str, str] | None = None, asked: Asked | None = None, **choices: str) -> Images:
    return images.read(sources, asked or Asked(), Choices(channels or {}, **choices))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (Asked(plate_size=384), "--plate-size is for wells that are numbered (W1, W2, ...), and these have letters; leave it out"),
        (Asked(root=Path("/data")), "--root is for tables that name files by their paths, and this is none; leave it out"),
        (Asked(order=("DNA", "RNA")), "--channels DNA,RNA is for stacks that do not name their channels, and these are named "),
    ],
)
def test_options_that_would_be_passed_over_are_refused(tmp_path: Path, asked: Asked, sentence: str) -> None:
    folder = phenix_plate(tmp_path / "BR001")
    problems = read_images(folder, asked=asked).problems
    assert [problem.sentence for problem in problems if sentence in problem.sentence]
    assert not read_images(folder, depth="1", time="1").problems, "Harmony's names say both"


def test_depth_and_time_of_names_that_say_neither(tmp_path: Path) -> None:
    image(tmp_path / "P1" / "x_A01_s1_w1.tif")
    image(tmp_path / "P2" / "r01c01f01p03-ch1sk1fk1fl1.tiff")
    channels = {"w1": "DNA", "ch1": "DNA"}
    for axis in ("depth", "time"):
        problem = read_images(tmp_path / "P1", channels={"w1": "DNA"}, **{axis: "1"}).problems[0]
        assert problem.sentence == f"{tmp_path}/P1: nothing says that its planes differ in {axis}; leave out --{axis}"
    both = read_images(tmp_path / "P1", tmp_path / "P2", channels=channels, depth="3")
    assert not both.problems, "one of the sources has depths"


def sentences(asked: Asked, *, depth: str | None = None, time: str | None = None, readers: str = LETTERED, **seen: set[str]) -> list[str]:
    known = unused.Seen(readers={readers}, **seen)
    return [problem.sentence for problem in unused.refused(asked, depth=depth, time=time, seen=known, where="plates")]


def test_axes_readers_and_channels_are_those_of_the_planes() -> None:
    seen = unused.Seen()
    seen.add("phenix", table(depth=["1", "2"], time=["", ""], channel=["w1", "w2"]))
    assert (seen.readers, seen.axes, seen.channels) == ({"phenix"}, {"depth"}, {"w1", "w2"})
    seen.add("cq1", table(depth=["", ""], time=["", "3"], channel=["w3", "w1"]))
    assert (seen.readers, seen.axes, seen.channels) == ({"phenix", "cq1"}, {"depth", "time"}, {"w1", "w2", "w3"})


def test_depth_and_time_need_planes_that_differ_in_them() -> None:
    assert sentences(Asked()) == []
    assert sentences(Asked(), depth="max", time="first", axes={"depth", "time"}) == []
    assert sentences(Asked(), depth="max", time="first", axes={"time"}) == [
        "plates: nothing says that its planes differ in depth; leave out --depth"
    ]
    assert sentences(Asked(), depth="max", time="first", axes={"depth"}) == [
        "plates: nothing says that its planes differ in time; leave out --time"
    ]


def test_a_size_of_plates_needs_numbered_wells() -> None:
    (sentence,) = sentences(Asked(plate_size=384))
    assert sentence == "plates: --plate-size is for wells that are numbered (W1, W2, ...), and these have letters; leave it out"
    assert sentences(Asked(plate_size=384), readers=NUMBERED) == []
    assert sentences(Asked(plate_size=384, pattern="{plate}/{wellnumber}_{channel}.tif"), readers="pattern") == []
    assert len(sentences(Asked(plate_size=384, pattern="{plate}/{well}_{channel}.tif"), readers="pattern")) == 1


def test_a_root_needs_a_table_of_paths() -> None:
    (sentence,) = sentences(Asked(root=Path("/mirror")))
    assert sentence == "plates: --root is for tables that name files by their paths, and this is none; leave it out"
    for name in (sheet.READER.name, loaddata.READER.name):
        assert sentences(Asked(root=Path("/mirror")), readers=name) == []


def test_an_order_of_channels_needs_channels_without_names() -> None:
    assert sentences(Asked(order=("DNA", "ER")), channels={"DNA", "ER", "Mito"}) == []
    (sentence,) = sentences(Asked(order=("DNA", "ER")), channels={"w 2", "DNA"})
    assert sentence == (
        "plates: --channels DNA,ER is for stacks that do not name their channels, and these are named 'DNA', 'w 2'; "
        "say what each is: --channel DNA=STAIN"
    )


@pytest.mark.parametrize(("first", "quoted"), [("w 2", "'w 2=STAIN'"), ("w2", "w2=STAIN")])
def test_the_command_is_quoted_for_the_shell(first: str, quoted: str) -> None:
    (sentence,) = sentences(Asked(order=("DNA",)), channels={first})
    assert sentence.endswith(f"--channel {quoted}")
