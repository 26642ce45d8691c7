"""From a wish to addresses and places."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from tests.datasets import layouts
from tests.loopback import Server

from impasto import remote
from impasto.datasets import plan
from impasto.datasets.choose import Wish
from impasto.datasets.registry import DataSet
from impasto.object_stores import NoConnection
from impasto.schema import InputError


def test_a_file_lies_as_on_its_server(sets: dict[str, DataSet]) -> None:
    jump = sets["cpg0016"]
    assert plan.place(jump, "s3://cellpainting-gallery/cpg0016-jump/source_4/a%20#.tif") == PurePosixPath("source_4/a%20#.tif")
    assert plan.place(jump, "https://elsewhere.org/metadata/well%20s.csv.gz") == PurePosixPath("tables/well s.csv.gz")


def test_named_wells_bring_their_images_only(server: Server, sets: dict[str, DataSet]) -> None:
    layouts.cpg0000(server)
    made = plan.make("cpg0000", sets["cpg0000"], Wish(plates=["BR1"], wells=["a1"]))
    images = [url for url in made.files if url.endswith(".tiff")]
    assert sorted(url.rpartition("/")[2] for url in images) == [f"r01c01f01p01-ch{channel}sk1fk1fl1.tiff" for channel in range(1, 6)]
    platemap = "JUMP-Target-1_compound_platemap"
    assert {url.rpartition("/")[2]: name for url, name in made.maps.items()} == {f"{platemap}.txt": platemap}
    assert [place.name for places in made.platemaps.values() for place in places] == ["barcode_platemap.csv", f"{platemap}.txt"]


def test_sites_are_filled_in_by_row(server: Server, sets: dict[str, DataSet]) -> None:
    layouts.rxrx19a(server)
    made = plan.make("rxrx19a", sets["rxrx19a"], Wish(plates=["HRCE-1/2"], wells=["AA03"]))
    assert sorted(map(str, made.files.values())) == [f"images/HRCE-1/Plate2/AA03_s{s}_w{w}.png" for s in (1, 2) for w in range(1, 6)]
    assert made.sources == {"images": [PurePosixPath("images")]}
    with pytest.raises(InputError, match="have no well C09; they have AA03, B02"):
        plan.make("rxrx19a", sets["rxrx19a"], Wish(plates=["HRCE-1/2"], wells=["C09"]))


def test_parts_by_name(server: Server, sets: dict[str, DataSet]) -> None:
    layouts.cpg0016(server)
    made = plan.make("cpg0016", sets["cpg0016"], Wish(plates=["BR8"], parts=["profiles"]))
    assert list(map(str, made.files.values())) == ["source_4/workspace/profiles/2021_04_26_Batch1/BR8/BR8.parquet"]
    with pytest.raises(InputError, match=r"unknown part of cpg0016 'profile' .did you mean 'profiles'"):
        plan.make("cpg0016", sets["cpg0016"], Wish(plates=["BR8"], parts=["profile"]))
    with pytest.raises(InputError, match="--wells is for the images of single wells"):
        plan.make("cpg0016", sets["cpg0016"], Wish(plates=["BR8"], wells=["A01"], parts=["profiles"]))


def test_parts_that_are_of_no_plate_need_none(server: Server, sets: dict[str, DataSet]) -> None:
    layouts.cpg0016(server)
    assert len(plan.make("cpg0016", sets["cpg0016"], Wish(parts=["tables"])).files) == 4


def test_what_is_needed_first_grows_with_the_cache(server: Server, sets: dict[str, DataSet]) -> None:
    layouts.cpg0000(server)
    entry, wish = sets["cpg0000"], Wish(plates=["BR2"], parts=["load_data", "compounds"])
    with remote.settings(offline=True):
        with pytest.raises(NoConnection):
            plan.make("cpg0000", entry, wish)
        first = plan.needed_first("cpg0000", entry, wish)
    assert [url.rpartition("/")[2] for url in first] == ["barcode_platemap.csv"]
    remote.local(first[0])
    with remote.settings(offline=True):
        second = plan.needed_first("cpg0000", entry, wish)
    assert [url.partition("workspace/")[2] for url in second] == [
        "load_data_csv/2020_11_04_CPJUMP1/BR2/load_data.csv",
        "metadata/external_metadata/",
    ]
