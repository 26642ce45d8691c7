"""Harmony's index: channels by number, the plate's own name, and where the index lies."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from impasto.plates import harmony
from impasto.schema import InputError

OLD = """<E xmlns="urn:x"><Plates><Plate><PlateID> BR1 </PlateID></Plate><PlateID>other</PlateID></Plates><Images>
<Image><ChannelID>1</ChannelID><ChannelName>HOECHST</ChannelName><Row>1</Row><Col>1</Col></Image>
<Image><ChannelID>2</ChannelID><ChannelName>Alexa 488</ChannelName><Row>1</Row><Col>1</Col></Image>
<Image><ChannelID>1</ChannelID><ChannelName>renamed</ChannelName><Row>1</Row><Col>2</Col></Image>
<Image><ChannelID>9</ChannelID><ChannelName>too late</ChannelName><Row>1</Row><Col>3</Col></Image></Images></E>"""
NEW = """<E><Maps><Entry ChannelID="3"><ChannelName>ER</ChannelName></Entry>
<Entry ChannelID="x"><ChannelName>no</ChannelName></Entry></Maps></E>"""


def test_channels_until_the_second_well_and_the_first_plate(tmp_path: Path) -> None:
    path = tmp_path / "Index.idx.xml"
    path.write_text(OLD)
    names, plate = harmony.read(path)
    assert (names, plate) == ({1: "HOECHST", 2: "Alexa 488"}, "BR1")
    path.write_text(NEW)
    assert harmony.read(path) == ({3: "ER"}, "")
    path.write_text(OLD[:100])
    with pytest.raises(InputError, match="in XML"):
        harmony.read(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match=r"Index\.idx\.xml cannot be read .*name the channels: --channel"):
        harmony.read(path)


def test_an_index_lies_with_the_images_in_images_or_above_a_technical_folder(tmp_path: Path) -> None:
    images = tmp_path / "P1" / "Images"
    images.mkdir(parents=True)
    assert harmony.index_of(images) is None
    (tmp_path / "P1" / "INDEX.XML").write_text(NEW)
    assert harmony.index_of(images) == tmp_path / "P1" / "INDEX.XML"
    assert harmony.index_of(tmp_path / "P1") == tmp_path / "P1" / "INDEX.XML"
    (images / "index.xml").write_text(NEW)
    (images / "Index.idx.xml").write_text(OLD)
    assert harmony.index_of(images) == images / "Index.idx.xml"
    (tmp_path / "P1" / "INDEX.XML").unlink()
    assert harmony.index_of(tmp_path / "P1") == images / "Index.idx.xml"


def test_channels_are_named_where_an_index_names_them(tmp_path: Path) -> None:
    for plate in ("P1", "P2"):
        (tmp_path / plate).mkdir()
    (tmp_path / "P1" / "Index.idx.xml").write_text(OLD)
    frame = pd.DataFrame(
        {"base": [f"{tmp_path}/P1"] * 3 + [f"{tmp_path}/P2"], "number": ["1", "2", "3", "1"], "channel": ["ch1", "ch2", "ch3", "ch1"]}
    )
    frame = frame.astype("category")
    assert harmony.apply(frame) == {f"{tmp_path}/P1": "BR1"}
    assert frame["channel"].astype(str).tolist() == ["HOECHST", "Alexa 488", "ch3", "ch1"]
