from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

pytest.importorskip("skimage", reason="scikit-image is not installed (pip install 'impasto[classical]')")

from impasto.cells.labels import LabelFiles, checked
from impasto.plates.read import BadImage
from impasto.schema import InputError

PLACE = {"source": "", "batch": "b", "plate": "P1", "well": "A01", "site": "2"}


def test_a_label_in_two_pieces_keeps_the_largest_and_is_counted() -> None:
    labels = np.zeros((8, 12), dtype=np.uint16)
    labels[0:3, 0:3] = 9
    labels[6:8, 6:8] = 9  # its smaller piece
    labels[0:2, 8:10] = 40
    labels[7, 0] = 40
    labels[5, 0:2] = 7
    whole, pieces = checked(labels, labels.shape, whose="x")
    assert pieces == 2
    expected = np.zeros(labels.shape)
    expected[5, 0:2], expected[0:3, 0:3], expected[0:2, 8:10] = 1, 2, 3
    np.testing.assert_array_equal(whole, expected)
    assert whole.dtype == np.int32


def test_pieces_that_touch_at_a_corner_are_one() -> None:
    labels = np.eye(4, dtype=np.int64) * 3
    whole, pieces = checked(labels, (4, 4), whose="x")
    assert (pieces, int(whole.sum())) == (0, 4)


def test_labels_without_background_or_nothing_at_all_do() -> None:
    assert checked(np.full((2, 2), 5), (2, 2), whose="x")[0].tolist() == [[1, 1], [1, 1]]
    assert checked(np.zeros((2, 2), dtype=np.uint8), (2, 2), whose="x")[0].max() == 0
    assert checked(np.array([[0.0, 2.0]]), (1, 2), whose="x")[0].tolist() == [[0, 1]]


@pytest.mark.parametrize(
    "bad", [np.array([[0.5, 1]]), np.array([[-1, 1]]), np.array([[np.nan, 1]]), np.zeros((2, 2), int), np.array([[0, 2**31]])]
)
def test_what_is_no_label_image_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"the segmenter gave .* labels are whole numbers from 0 on, of 1 x 2"):
        checked(bad, (1, 2), whose="the segmenter")


def test_a_mask_is_refused() -> None:
    mask = np.zeros((3, 9), dtype=np.uint8)
    mask[1, [1, 4, 7]] = 255
    with pytest.raises(InputError, match="one number in 3 pieces: a mask, and no labels"):
        checked(mask, mask.shape, whose="x")


def test_files_are_found_by_their_pattern(tmp_path: Path) -> None:
    (tmp_path / "P1").mkdir()
    plane = np.arange(6, dtype=np.uint16).reshape(2, 3)
    tifffile.imwrite(tmp_path / "P1" / "A01_2.tif", plane)
    np.save(tmp_path / "b-A01.npy", plane + 1)
    np.testing.assert_array_equal(LabelFiles(tmp_path).read(PLACE, (2, 3)), plane)
    np.testing.assert_array_equal(LabelFiles(tmp_path / "{batch}-{well}.npy").read(PLACE, (2, 3)), plane + 1)
    with pytest.raises(BadImage, match=r"there is no label image A01_3\.tif"):
        LabelFiles(tmp_path).read({**PLACE, "site": "3"}, (2, 3))
    (tmp_path / "b-A01.npy").write_bytes((tmp_path / "b-A01.npy").read_bytes()[:20])
    with pytest.raises(BadImage, match=r"the label image b-A01\.npy cannot be read"):
        LabelFiles(tmp_path / "{batch}-{well}.npy").read(PLACE, (2, 3))
    with pytest.raises(BadImage, match=r"the label image A01_2\.tif is 2 x 3, and the field 3 x 2"):
        LabelFiles(tmp_path).read(PLACE, (3, 2))
    assert LabelFiles(tmp_path / "lab-{well}.tif").folder == tmp_path


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("{plate}/{row}.tif", "unknown word 'row' in braces; allowed: source, batch, plate, well, site"),
        ("{plate}.tif", "names no {well}"),
        ("{well.tif", "write words in braces"),
        ("{plate}/{well}_{site:03d}.tif", "words stand alone in braces"),
        ("{plate!r}/{well}.tif", "words stand alone in braces"),
    ],
)
def test_patterns_that_cannot_be_meant_are_refused(tmp_path: Path, pattern: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        LabelFiles(tmp_path / pattern)
    with pytest.raises(InputError, match=r"there is no folder .*nowhere"):
        LabelFiles(tmp_path / "nowhere")
