"""An option of images that nothing answers to is refused, with what it is for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from impasto.plates import images
from impasto.plates.images import Choices, Images
from impasto.plates.reader import Asked


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
