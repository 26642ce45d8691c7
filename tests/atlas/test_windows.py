"""Windows: the 1 % and the 99.8 % point of the pixels of control fields, exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from impasto.atlas import windows


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_points_of_whole_numbers_are_those_of_all_pixels(kind: type) -> None:
    rng = np.random.default_rng(0)
    for count in (1, 2, 7):
        fields = [rng.integers(0, np.iinfo(kind).max, size=(31, 17 + n)).astype(kind) for n in range(count)]
        pixels = np.concatenate([field.ravel() for field in fields]).astype(float)
        assert windows.window(fields) == pytest.approx((np.quantile(pixels, 0.01), np.quantile(pixels, 0.998)), abs=1e-6)


def test_points_of_other_numbers_and_of_flat_fields() -> None:
    field = np.random.default_rng(0).normal(size=(20, 20)).astype(np.float32)
    field[0, 0] = np.nan
    known = field[np.isfinite(field)].astype(float)
    assert windows.window([field]) == pytest.approx((np.quantile(known, 0.01), np.quantile(known, 0.998)))
    assert windows.window([np.full((3, 3), 7, dtype=np.uint16)]) == (7.0, 8.0)
    assert windows.window([np.full((3, 3), np.nan)]) == (0.0, 1.0)


def made(folder: Path, places: list[tuple[str, str]]) -> pd.DataFrame:
    rows = []
    for number, (plate, well) in enumerate(places):
        tifffile.imwrite(folder / f"{number}.tif", np.full((4, 4), 100 * (number + 1), dtype=np.uint16))
        rows.append((plate, well, "1", "DNA", f"{number}.tif", 0))
    return pd.DataFrame(rows, columns=["plate", "well", "site", "channel", "path", "page"])


def test_only_control_fields_of_the_plate_count(tmp_path: Path) -> None:
    table = made(tmp_path, [("P1", "A01"), ("P1", "A02"), ("P2", "A01"), ("P2", "A02")])
    controls = pd.DataFrame({"plate": ["P1", "P2"], "well": ["A02", "A09"]})
    shown, said = windows.of_planes(table, str(tmp_path), controls)
    assert shown.to_dict(orient="list") == {
        "plate": ["P1", "P2"],
        "channel": ["DNA", "DNA"],
        "low": [200.0, pytest.approx(300.0)],
        "high": [201.0, pytest.approx(400.0)],
        "of_controls": [True, False],
        "scaled": [False, False],
    }
    assert said == ["Plate P2 has no image of a negative control; its brightness is set by all its wells."]


def test_a_field_that_cannot_be_read_is_counted(tmp_path: Path) -> None:
    table = made(tmp_path, [("P1", "A01"), ("P1", "A02")])
    (tmp_path / "0.tif").write_bytes(b"no")
    controls = pd.DataFrame({"plate": ["P1", "P1"], "well": ["A01", "A02"]})
    shown, said = windows.of_planes(table, str(tmp_path), controls)
    assert shown["low"].tolist() == [200.0]
    assert said == ["1 fields could not be read when the brightness was set."]


def test_at_most_24_fields_are_read_from_the_first_to_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def plane_of(row: dict[str, object], *, root: str) -> np.ndarray:
        read.append(str(row["path"]))
        return np.zeros((1, 1), dtype=np.uint16)

    monkeypatch.setattr(windows, "plane_of", plane_of)
    table = pd.DataFrame({"plate": "P", "well": "A01", "channel": "DNA", "path": [str(n) for n in range(100)], "page": 0})
    windows.of_planes(table, "", pd.DataFrame({"plate": ["P"], "well": ["A01"]}))
    assert (len(read), read[0], read[-1]) == (24, "0", "99")
