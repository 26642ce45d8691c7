from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("skimage", reason="scikit-image is not installed (pip install 'impasto[classical]')")

from impasto.cells import measure
from impasto.cells.segment import Objects

SIDE = 40


def squares() -> tuple[dict[str, np.ndarray], Objects]:
    """Two square cells of 10 x 12 with nuclei of 4 x 6; the second lies at the border."""
    nuclei, cells = np.zeros((SIDE, SIDE), dtype=np.int32), np.zeros((SIDE, SIDE), dtype=np.int32)
    for number, (row, column) in enumerate(((5, 10), (20, 28)), start=1):
        cells[row : row + 10, column : column + 12] = number
        nuclei[row + 3 : row + 7, column + 3 : column + 9] = number
    dna = np.where(nuclei == 1, 1000, np.where(nuclei == 2, 65535, 100)).astype(np.uint16)
    er = np.where(cells > 0, 6553, 0).astype(np.uint16)
    return {"DNA": dna, "ER": er}, Objects(nuclei, cells, np.where(nuclei > 0, 0, cells))


def table() -> dict[str, np.ndarray]:
    planes, objects = squares()
    return dict(zip(measure.names(list(planes)), measure.of_site(planes, objects, diameter=5).T, strict=True))


def test_shape_and_light_of_squares() -> None:
    values = table()
    np.testing.assert_allclose(values["Cells_AreaShape_Area"], [120, 120])
    np.testing.assert_allclose(values["Nuclei_AreaShape_Area"], [24, 24])
    np.testing.assert_allclose(values["Cytoplasm_AreaShape_Area"], [96, 96])
    np.testing.assert_allclose(values["Cells_AreaShape_Solidity"], [1, 1])
    np.testing.assert_allclose(values["Nuclei_Intensity_IntegratedIntensity_DNA"], np.array([24 * 1000, 24 * 65535]) / 65535, rtol=1e-6)
    np.testing.assert_allclose(values["Cells_Intensity_MeanIntensity_ER"], [6553 / 65535] * 2, rtol=1e-6)
    np.testing.assert_allclose(values["Cells_Intensity_StdIntensity_ER"], [0, 0], atol=1e-6)
    share = 24 / 120
    spread = np.sqrt(share * (1 - share)) * 900 / 65535
    np.testing.assert_allclose(values["Cells_Intensity_StdIntensity_DNA"][0], spread, rtol=1e-4)


def test_place_box_and_bits() -> None:
    values = table()
    np.testing.assert_allclose(values["Location_Center_X"], [10 + 5.5, 28 + 5.5])
    np.testing.assert_allclose(values["Location_Center_Y"], [5 + 4.5, 20 + 4.5])
    box = [values[f"AreaShape_BoundingBox{end}_{axis}"].tolist() for end in ("Minimum", "Maximum") for axis in "XY"]
    assert box == [[10, 28], [5, 20], [22, 40], [15, 30]]
    assert values["QC_Bits"].tolist() == [0, 4 | 8]  # the second lies at the border, and a fifth of it is saturated
    assert values["ObjectNumber"].tolist() == [1, 2]


def test_a_site_without_cells_is_an_empty_table_and_a_cell_without_cytoplasm_has_none() -> None:
    planes, objects = squares()
    nothing = np.zeros((SIDE, SIDE), dtype=np.int32)
    assert measure.of_site(planes, Objects(nothing, nothing, nothing), diameter=5).shape == (0, len(measure.names(["DNA", "ER"])))
    crowded = Objects(objects.nuclei, objects.nuclei, nothing)
    values = dict(zip(measure.names(["DNA", "ER"]), measure.of_site(planes, crowded, diameter=5).T, strict=True))
    assert np.isnan(values["Cytoplasm_AreaShape_Area"]).all()
    assert np.isnan(values["Cytoplasm_Intensity_MeanIntensity_ER"]).all()
    assert np.isfinite(values["Cells_AreaShape_Area"]).all()


def test_pixels_are_over_the_largest_of_their_type() -> None:
    np.testing.assert_allclose(measure.scaled(np.array([[0, 255]], dtype=np.uint8)), [[0, 1]])
    np.testing.assert_allclose(measure.scaled(np.array([[0.5, 1.0]])), [[0.5, 1]])
    np.testing.assert_allclose(measure.scaled(np.array([[65535.0, 0]])), [[1, 0]])


@pytest.mark.parametrize(
    ("row", "column"), [(0, 10), (10, 0), (30, 10), (10, 28), (1, 1)], ids=["top", "left", "bottom", "right", "inside"]
)
def test_a_cell_at_any_border_is_marked(row: int, column: int) -> None:
    cells = np.zeros((SIDE, SIDE), dtype=np.int32)
    cells[row : row + 10, column : column + 12] = 1
    planes = {"DNA": np.full((SIDE, SIDE), 100, dtype=np.uint16)}
    values = dict(zip(measure.names(["DNA"]), measure.of_site(planes, Objects(cells, cells, cells), diameter=5)[0], strict=True))
    assert values["QC_Bits"] == (0 if (row, column) == (1, 1) else 4)
