"""An image that cannot be read says why; a machine that cannot hold it says nothing of the image."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from impasto.plates import ome_tiff, pixel_size, read
from impasto.plates.read import BadImage


@pytest.mark.parametrize("error", [MemoryError("Unable to allocate 1.3 GiB"), OSError(errno.ENOMEM, "Cannot allocate memory")])
def test_too_little_memory_is_not_called_a_damaged_image(error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4), dtype=np.uint16))

    def exhausted(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(tifffile.TiffFile, "__init__", exhausted)
    for call in (read.plane, read.stack_shape):
        with pytest.raises(type(error)) as caught:
            call(tmp_path / "a.tif")
        assert caught.value is error


def test_a_cut_image_is_damaged(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((64, 64), dtype=np.uint16))
    (tmp_path / "a.tif").write_bytes((tmp_path / "a.tif").read_bytes()[:300])
    with pytest.raises(BadImage, match="truncated or damaged"):
        read.plane(tmp_path / "a.tif")


@pytest.mark.parametrize("error", [ZeroDivisionError("division by zero"), TypeError("no"), AssertionError(), AttributeError("x")])
def test_whatever_a_decoder_raises_is_said_of_the_file(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((4, 4), dtype=np.uint16))

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(tifffile.TiffFile, "__init__", fails)
    for call in (read.plane, read.stack_shape):
        with pytest.raises(BadImage, match="truncated or damaged"):
            call(path)
    assert read.pages(path) == 0
    assert ome_tiff.pages(path) is None
    assert pixel_size.of_image(path) is None


def test_a_pipe_that_is_named_as_an_image_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.tif")
    with pytest.raises(BadImage, match="neither a file nor a folder"):
        read.planes(tmp_path / "a.tif", [0])


def test_a_plane_without_a_number_is_the_first_page(tmp_path: Path) -> None:
    pages = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack")
    np.testing.assert_array_equal(read.plane(tmp_path / "a.tif"), pages[0])
    np.testing.assert_array_equal(read.plane(tmp_path / "a.tif", 1), pages[1])


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.zeros((3, 4, 5), dtype=np.uint16), r"page 0 has shape \(3, 4, 5\), not \(height, width\)"),
        (np.zeros((0, 4), dtype=np.uint16), r"page 0 has shape \(0, 4\), not \(height, width\)"),
        (np.zeros((3, 4), dtype=bool), "pixels are bool, not numbers"),
        (np.zeros((3, 4), dtype=np.complex64), "pixels are complex64, not numbers"),
    ],
)
def test_what_is_no_plane_of_numbers_is_a_bad_image(
    pixels: np.ndarray, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 4), dtype=np.uint16))
    monkeypatch.setitem(read._READERS, ".tif", lambda _, __: [pixels])
    with pytest.raises(BadImage, match=reason):
        read.plane(tmp_path / "a.tif")
    for kind in (np.float32, np.uint8, np.int32):
        monkeypatch.setitem(read._READERS, ".tif", lambda _, __, kind=kind: [np.zeros((1, 1), dtype=kind)])
        assert read.plane(tmp_path / "a.tif").dtype == kind
