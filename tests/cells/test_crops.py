from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.cells import made_cells

from impasto.cells import crops
from impasto.cells.crops import Crops
from impasto.schema import InputError


class Sites:
    """Two fields of 20 x 30 whose pixels say their own place; how often each was decoded."""

    folder = Path("images")

    def __init__(self) -> None:
        self.table = pd.DataFrame({"source": "", "batch": "", "plate": "P1", "well": ["A01", "A02"], "site": "1"})
        self.decoded: list[int] = []

    def image(self, number: int, channels: list[str]) -> np.ndarray:
        self.decoded.append(number)
        y, x = np.mgrid[:20, :30]
        return np.stack([10_000 * number + 1000 * c + 30 * y + x for c in range(len(channels))])

    def of_plate(self, plate: str) -> np.ndarray:
        return np.arange(2)


def table(*places: tuple[str, float, float]) -> pd.DataFrame:
    rows = [{"source": "", "batch": "", "plate": "P1", "well": w, "site": "1", "center_x": x, "center_y": y} for w, x, y in places]
    return pd.DataFrame(rows)


def test_a_crop_holds_the_pixels_around_its_centre_and_a_site_is_decoded_once() -> None:
    sites = Sites()
    cut = crops.cut(sites, table(("A02", 15.4, 10), ("A01", 7, 9), ("A02", 12, 8)), side=6, channels=["DNA", "ER"])  # type: ignore[arg-type]
    assert sorted(sites.decoded) == [0, 1]
    y, x = np.mgrid[7:13, 12:18]
    np.testing.assert_array_equal(cut.pixels[0, 1], 10_000 + 1000 + 30 * y + x)
    assert cut.pixels[1, 0, 3, 3] == 30 * 9 + 7
    assert cut.inside.all()


def test_what_lies_beyond_the_field_is_masked() -> None:
    cut = crops.cut(Sites(), table(("A01", 1, 2), ("A01", 29, 19), ("A01", 500, 500)), side=8, channels=["DNA"])  # type: ignore[arg-type]
    assert cut.inside[0].sum() == 5 * 6
    assert not cut.inside[0][:2].any()
    assert not cut.inside[0][:, :3].any()
    assert cut.pixels[0, 0, 2, 3] == 0  # the pixel at 0, 0
    assert cut.pixels[0, 0, 3, 4] == 31
    assert cut.inside[1].sum() == 5 * 5
    assert not cut.inside[2].any()


def test_cells_without_a_centre_or_an_image_are_refused() -> None:
    with pytest.raises(InputError, match="have no centre"):
        crops.cut(Sites(), table(("A01", np.nan, 2)), side=8, channels=["DNA"])  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"images holds no image of plate P1, well B09, site 1; .*--images INGESTED"):
        crops.cut(Sites(), table(("B09", 1, 2)), side=8, channels=["DNA"])  # type: ignore[arg-type]


def test_one_window_a_plate_makes_crops_comparable() -> None:
    pixels = np.array([[[[0, 50]]], [[[100, 200]]]]).reshape(2, 1, 1, 2).repeat(2, axis=2)
    inside = np.ones((2, 2, 2), dtype=bool)
    inside[1, 0, 0] = False
    pictures = crops.in_colour(Crops(pixels, inside, ("DNA",)), ["P1", "P1"], {"P1": np.array([[0.0, 100.0]])})
    assert pictures[0, 0, 0].tolist() == [0, 0, 0]
    assert pictures[0, 0, 1].tolist() == [0, 0, int(255 * 0.5**0.8)]
    assert pictures[1, 1].tolist() == [[0, 0, 255], [0, 0, 255]]
    assert pictures[1, 0, 0].tolist() == [96, 96, 96]
    limits = crops.windows(Sites(), ["P1"], ["DNA"])  # type: ignore[arg-type]
    own = [np.percentile(np.arange(600) + 10_000 * n, [1, 99.7]) for n in range(2)]
    np.testing.assert_allclose(limits["P1"], [np.median(own, axis=0)])


def test_colours_and_names() -> None:
    assert crops.of_composite(["DNA", "AGP", "ER"]) == ["AGP", "ER", "DNA"]
    assert crops.of_composite(["Mito", "AGP"]) == ["Mito", "AGP", None]
    assert crops.short_name({"source": "", "batch": "b", "plate": "P"}) == "b/P"


def test_a_caption_names_the_stain_of_each_colour() -> None:
    assert crops.in_words(["DNA", "RNA", "ER", "AGP", "Mito"], 96) == "red Mito, green ER, blue DNA; 96 pixels across"
    assert crops.in_words(["DNA", "Tubulin"], 64) == "green Tubulin, blue DNA; 64 pixels across"


def test_crops_are_three_diameters_of_a_nucleus_and_then_the_next_sixteen(tmp_path: Path) -> None:
    wells = made_cells.wells_of(["P1"], ["DMSO"])
    for diameter, side in ((30.0, 96), (40.0, 128), (None, 112)):
        area = np.nan if diameter is None else np.pi * diameter**2 / 4
        table = pd.DataFrame({"Nuclei_AreaShape_Area": [area] * 5}).assign(plate="P1", well="A01")
        assert crops.side_of(made_cells.write(tmp_path / str(diameter), table, wells)) == side


class Outlines:
    """Cell 1 above the line y = 10, cell 2 below it from x = 12 on, nothing else."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def of(self, place: tuple[str, ...]) -> np.ndarray:
        self.asked.append(place)
        labels = np.zeros((20, 30), dtype=np.int32)
        labels[:10] = 1
        labels[10:, 12:] = 2
        return labels


def test_neighbours_are_zeroed_and_what_is_of_no_cell_stays() -> None:
    """Written out by hand: a crop of 6 around (12, 10), rows 7 to 12, columns 9 to 14."""
    rows, outlines = table(("A01", 12, 10), ("A01", 12, 10), ("A02", 12, 10)).assign(object=[1, 2, 2]), Outlines()
    cut = crops.cut(Sites(), rows, side=6, channels=["DNA", "ER"], outlines=outlines)  # type: ignore[arg-type]
    whole = crops.cut(Sites(), rows, side=6, channels=["DNA", "ER"])  # type: ignore[arg-type]
    of_one = np.array([[1, 1, 1, 1, 1, 1]] * 3 + [[1, 1, 1, 0, 0, 0]] * 3, dtype=bool)
    of_two = np.array([[0, 0, 0, 0, 0, 0]] * 3 + [[1, 1, 1, 1, 1, 1]] * 3, dtype=bool)
    for number, stays in enumerate((of_one, of_two, of_two)):
        np.testing.assert_array_equal(cut.pixels[number], whole.pixels[number] * stays)
    np.testing.assert_array_equal(cut.inside, whole.inside)
    assert cut.pixels.dtype == whole.pixels.dtype
    assert outlines.asked == [("", "", "P1", "A01", "1"), ("", "", "P1", "A02", "1")], "one label image a site"


def test_a_crop_over_the_border_is_masked_where_its_pixels_lie() -> None:
    """The corner (0, 0) lies at row 2, column 3 of the crop: labels are cut as the pixels are."""
    rows = table(("A01", 1, 2)).assign(object=[2])
    cut = crops.cut(Sites(), rows, side=8, channels=["DNA"], outlines=Outlines())  # type: ignore[arg-type]
    assert not cut.pixels.any(), "only cell 1 lies there"
    assert crops.cut(Sites(), rows.assign(object=[1]), side=8, channels=["DNA"], outlines=Outlines()).pixels[0, 0, 3, 4] == 31  # type: ignore[arg-type]
