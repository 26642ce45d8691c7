"""Fields of a plate: by well and site, a plane a channel."""

from __future__ import annotations

import dataclasses

import pandas as pd

from impasto.explorer import fields
from impasto.explorer.contents import Contents


def test_every_field_has_its_planes_in_the_order_of_the_channels(contents: Contents) -> None:
    got = fields.of_plate(contents, "P1")
    assert got["well"] == ["A01", "A02", "B01", "B02"]
    assert got["site"] == ["1"] * 4
    assert (got["width"], got["height"]) == (50, 37)
    table = contents.tables["images"]
    for well, planes in zip(got["well"], got["image"], strict=True):
        shown = table.iloc[planes]
        assert shown["channel"].tolist() == contents.facts["channels"] == ["DNA", "ER"]
        assert set(shown["well"]) == {well}
        assert set(shown["plate"]) == {"P1"}


def test_a_missing_channel_is_none_and_sites_are_in_the_order_of_their_numbers(contents: Contents) -> None:
    table = contents.tables["images"]
    own = table[(table["plate"] == "P1") & (table["well"] == "A01")]
    sites = [own.assign(site="10"), own.assign(site="2"), own[own["channel"] == "ER"].assign(site="x")]
    changed = dataclasses.replace(contents, tables={"images": pd.concat(sites, ignore_index=True)})
    got = fields.of_plate(changed, "P1")
    assert got["site"] == ["2", "10", "x"]
    assert got["image"] == [[2, 3], [0, 1], [None, 4]]


def test_a_plate_without_images_has_none(contents: Contents) -> None:
    empty = {"well": [], "site": [], "image": [], "width": None, "height": None}
    assert fields.of_plate(dataclasses.replace(contents, tables={}), "P1") == empty
    assert fields.of_plate(contents, "P9") == empty
