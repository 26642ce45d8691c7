"""Micro-Manager's list beside the images names the channels that their files only number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from impasto.plates import images, micromanager
from impasto.plates.images import Choices, Images
from impasto.plates.reader import Asked


def read(source: Path, channels: dict[str, str] | None = None, *, skip: tuple[str, ...] = ()) -> Images:
    found = images.read([source], Asked(), Choices(channels or {}, skip_channel=skip))
    assert not found.problems, found.problems[0].sentence
    return found


def places(found: Images) -> list[str]:
    """`plate well site channel` of every plane."""
    return [" ".join(row) for row in found.planes[["plate", "well", "site", "channel"]].to_numpy(dtype=str)]


def position(folder: Path, names: str | None) -> None:
    """Two channels of a position by their numbers, and the list that names them."""
    for number in (0, 1):
        folder.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(folder / f"img_channel{number:03d}_position000_time000000000_z000.tif", np.full((8, 8), number, dtype=np.uint16))
    if names is not None:
        (folder / "metadata.txt").write_text(f'{{"Summary": {{"Prefix": "µ", "ChNames" : {names}, "Slices": 1}}, "Coords-Default/img')


def test_micro_manager_names_the_channels_that_it_numbers(tmp_path: Path) -> None:
    position(tmp_path / "mm" / "C10-Site_7", '["DAPI", "Mito [Cy5]"]')
    position(tmp_path / "mm" / "C11-Site_0", '["Mito [Cy5]","DAPI"]')
    found = read(tmp_path / "mm")
    assert places(found) == ["mm C10 7 DNA", "mm C10 7 Mito", "mm C11 0 DNA", "mm C11 0 Mito"]
    assert list(found.planes["name"]) == [f"img_channel{n:03d}_position000_time000000000_z000.tif" for n in (0, 1, 1, 0)]
    assert places(read(tmp_path / "mm", {"Mito [Cy5]": "ER"}, skip=("DAPI",))) == ["mm C10 7 ER", "mm C11 0 ER"]


@pytest.mark.parametrize("names", [None, "", "[", '["DAPI"]', '{"a": 1}', "[1, 2]"])
def test_a_list_of_micro_manager_that_names_no_channel_leaves_its_number(tmp_path: Path, names: str | None) -> None:
    position(tmp_path / "mm" / "A1-Site_0", names)
    found = images.read([tmp_path / "mm"], Asked(), Choices({"channel1": "ER"}))
    assert "ER" in set(found.planes["channel"])


def test_the_names_of_a_list(tmp_path: Path) -> None:
    assert micromanager.channel_names(tmp_path / "metadata.txt") == ()
    (tmp_path / "metadata.txt").write_text('{"Summary": {"ChNames" :\n ["DAPI ", "Cy5"], "cut')
    assert micromanager.channel_names(tmp_path / "metadata.txt") == ("DAPI", "Cy5")
