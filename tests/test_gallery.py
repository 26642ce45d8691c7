"""The Cell Painting Gallery's folders: source, batch, plate, well and site, and nothing where a path is of another form."""

from __future__ import annotations

import pytest

from impasto import gallery


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("/d/cpg0016-jump/source_4/images/2021_B1/images/P1__2021-05-02T16_02_51-Measurement1/Images", ("source_4", "2021_B1")),
        ("s3://cellpainting-gallery/cpg0004-lincs/broad/images/2016_04_01/images/SQ00014812", ("broad", "2016_04_01")),
        ("/d/images/2021_B1/P1", ()),
        ("/d/source_4/images/2021_B1/images", ()),
    ],
)
def test_folders_of_images(folder: str, words: tuple[str, ...]) -> None:
    assert tuple(gallery.of_images(folder).values()) == words


def test_folders_of_load_data() -> None:
    assert gallery.of_load_data("/d/s_1/workspace/load_data_csv/B1/P1") == {"source": "s_1", "batch": "B1", "plate": "P1"}
    assert gallery.of_load_data("/d/s_1/load_data_csv/B1/P1") == {}


def test_folders_of_analysis() -> None:
    site = {"plate": "BR-00117-a", "well": "AF48", "site": "12"}
    assert gallery.of_analysis("/anywhere/analysis/BR-00117-a-AF48-12") == site
    whole = "/d/source_4/workspace/analysis/2021_B1/BR-00117-a/analysis/BR-00117-a-AF48-12"
    assert gallery.of_analysis(whole) == {"source": "source_4", "batch": "2021_B1", **site}
    assert gallery.of_analysis("/anywhere/run-Z99-1") == {}
    assert gallery.of_analysis("/anywhere/run-1") == {}
