from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("skimage", reason="scikit-image is not installed (pip install 'impasto[classical]')")

from impasto.cells import measure, segment
from impasto.devices import DeviceSettings
from impasto.profiling import of_cells
from impasto.profiling.encoders import EachChannel
from impasto.schema import InputError

CENTERS = ((20, 24), (30, 70), (72, 40))


def site() -> tuple[dict[str, np.ndarray], segment.Objects, np.ndarray]:
    """Three discs of different brightness, and their centres, X first."""
    y, x = np.mgrid[:96, :100]
    nuclei = np.zeros((96, 100), dtype=np.int32)
    for number, (row, column) in enumerate(CENTERS, start=1):
        nuclei[np.hypot(y - row, x - column) < 7] = number
    rng = np.random.default_rng(0)
    planes = {c: (200 + 3000 * nuclei + rng.integers(0, 500, nuclei.shape)).astype(np.uint16) for c in ("DNA", "ER")}
    cells = segment.bodies(nuclei, {}, 14.0)
    return planes, segment.Objects(nuclei, cells, np.where(nuclei > 0, 0, cells)), np.array([(c, r) for r, c in CENTERS], dtype=float)


WINDOWS = np.array([[0.0, 10_000.0], [0.0, 20_000.0]])


def test_an_encoder_sees_each_cell_as_a_site_of_its_own() -> None:
    planes, objects, centers = site()
    (part,) = of_cells.more(["shape", "intensity"], list(planes), place=DeviceSettings())
    values = part.of_site(planes, objects, centers=centers, windows=WINDOWS, side=16)
    names = part.names(list(planes))
    assert values.shape == (3, len(names))
    assert all(name.startswith("Cells_intensity_") for name in names)
    for number, (row, column) in enumerate(CENTERS):
        crop = planes["DNA"][row - 8 : row + 8, column - 8 : column + 8]
        assert values[number, names.index("Cells_intensity_Image_Intensity_mean_DNA")] == pytest.approx(crop.mean(), rel=1e-5)
    assert part.of_site(planes, objects, centers=np.empty((0, 2)), windows=WINDOWS, side=16).shape == (0, len(names))


def test_a_masked_encoder_sees_a_cell_without_its_neighbours() -> None:
    planes, objects, centers = site()
    (part,) = of_cells.more(["shape", "intensity"], list(planes), masked=True, place=DeviceSettings())
    (other,) = of_cells.more(["shape", "intensity"], list(planes), place=DeviceSettings())
    names = part.names(list(planes))
    values = part.of_site(planes, objects, centers=centers, windows=WINDOWS, side=90)
    for number, (row, column) in enumerate(CENTERS):
        field, labels = np.zeros((186, 190)), np.zeros((186, 190), dtype=int)
        field[45:141, 45:145], labels[45:141, 45:145] = planes["DNA"], objects.cells
        at = (slice(row, row + 90), slice(column, column + 90))
        crop = np.where((labels[at] == 0) | (labels[at] == number + 1), field[at], 0)
        assert (labels[at][labels[at] > 0] != number + 1).any(), "a neighbour lies in the crop"
        assert values[number, names.index("Cells_intensity_masked_Image_Intensity_mean_DNA")] == pytest.approx(crop.mean(), rel=1e-5)
    assert not set(names) & set(other.names(list(planes))), "they are not compared with crops that hold neighbours"


def test_a_net_is_shown_the_window_of_the_plate_so_that_a_dim_cell_stays_dim(monkeypatch: pytest.MonkeyPatch) -> None:
    planes, objects, centers = site()
    (part,) = of_cells.more(["random"], list(planes), place=DeviceSettings())
    seen: list[np.ndarray] = []

    def embedded(self: EachChannel, sites: list[np.ndarray]) -> np.ndarray:
        seen.extend(sites)
        return np.zeros((len(sites), len(part.names(list(planes)))), dtype=np.float32)

    monkeypatch.setattr(EachChannel, "__call__", embedded)
    part.of_site(planes, objects, centers=centers, windows=WINDOWS, side=16)
    middle = [int(planes["DNA"][row, column]) for row, column in CENTERS]
    assert [int(crop[0, 8, 8]) for crop in seen] == [int(255 * min(value / 10_000, 1)) for value in middle]
    assert [int(crop[1, 8, 8]) for crop in seen] == [int(255 * int(planes["ER"][row, column]) / 20_000) for row, column in CENTERS]


def test_cp_measure_of_cells_has_the_medians_of_the_site() -> None:
    pytest.importorskip("cp_measure", reason="cp_measure is not installed (pip install 'impasto[classical]')")
    planes, objects, centers = site()
    (part,) = of_cells.more(["cp_measure_fast"], list(planes), place=DeviceSettings())
    assert isinstance(part, of_cells.OfCpMeasure)
    names = part.names(list(planes))
    assert not set(names) & set(measure.names(list(planes)))
    values = part.of_site(planes, objects, centers=centers, windows=WINDOWS, side=16)
    pixels = np.stack([measure.scaled(plane) for plane in planes.values()])
    whole = dict(part.encoder._measured(pixels, objects, list(planes)))
    assert len(names) > 100
    for place, name in enumerate(names):
        own = values[:, place][np.isfinite(values[:, place])]
        assert (np.median(own) if len(own) else np.nan) == pytest.approx(whole.get(name, np.nan), nan_ok=True, rel=1e-6), name


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InputError, match=r"unknown features 'cp_mesure'; allowed: shape, cp_measure, .*efficientnet_lite0"):
        of_cells.more(["cp_mesure"], ["DNA"], place=DeviceSettings())
