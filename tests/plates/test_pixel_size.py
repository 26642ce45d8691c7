"""The side of a pixel, from what microscopes and programs write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from impasto.plates import pixel_size

PIXELS = np.zeros((4, 4), dtype=np.uint16)


@pytest.mark.parametrize(
    ("unit", "size", "micrometres"), [(None, 0.65, 0.65), ("µm", 0.65, 0.65), ("nm", 650.0, 0.65), ("mm", 0.00065, 0.65)]
)
def test_ome_tiff(tmp_path: Path, unit: str | None, size: float, micrometres: float) -> None:
    said = {"axes": "YX", "PhysicalSizeX": size, **({"PhysicalSizeXUnit": unit} if unit else {})}
    tifffile.imwrite(tmp_path / "a.ome.tif", PIXELS, metadata=said)
    assert pixel_size.of_image(tmp_path / "a.ome.tif") == pytest.approx(micrometres)


def test_imagej_and_metamorph(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "j.tif", PIXELS, imagej=True, resolution=(2.0, 2.0), metadata={"unit": "um"})
    assert pixel_size.of_image(tmp_path / "j.tif") == pytest.approx(0.5)
    description = '<MetaData><prop id="spatial-calibration-x" type="float" value="1.3"/></MetaData>'
    tifffile.imwrite(tmp_path / "m.tif", PIXELS, description=description, metadata=None)
    assert pixel_size.of_image(tmp_path / "m.tif") == pytest.approx(1.3)


def test_the_index_of_a_phenix(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "r01c01f01p01-ch1sk1fk1fl1.tiff", PIXELS)
    (tmp_path / "Index.idx.xml").write_text('<Images><Image><ImageResolutionX Unit="m">5.98E-07</ImageResolutionX></Image></Images>')
    assert pixel_size.of_image(tmp_path / "r01c01f01p01-ch1sk1fk1fl1.tiff") == pytest.approx(0.598)


def test_nothing_is_guessed(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "plain.tif", PIXELS, resolution=(300, 300))
    (tmp_path / "bad.tif").write_bytes(b"no")
    for name in ("plain.tif", "bad.tif", "missing.tif", "b.png"):
        assert pixel_size.of_image(tmp_path / name) is None
    assert pixel_size.of_image("s3://bucket/a.tif") is None
