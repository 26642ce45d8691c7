from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from impasto.cells import segmenters
from impasto.schema import InputError


def test_a_segmenter_without_a_net_takes_no_weights(tmp_path: Path) -> None:
    assert segmenters.opened("watershed") is segmenters.watershed
    with pytest.raises(InputError, match="--weights is for segmenters with a net, and watershed has none"):
        segmenters.opened("watershed", weights=tmp_path)
    with pytest.raises(InputError, match="--accept-licence is for segmenters with a net"):
        segmenters.opened("watershed", accepted=True)
    with pytest.raises(InputError, match=r"unknown segmenter 'cellpos' \(did you mean 'cellpose'\?\)"):
        segmenters.opened("cellpos")


def test_watershed_finds_two_discs() -> None:
    pytest.importorskip("skimage", reason="scikit-image is not installed (pip install 'impasto[classical]')")
    y, x = np.mgrid[:96, :96]
    rng = np.random.default_rng(0)
    plane = 100 + rng.normal(0, 3, (96, 96))
    for row, column in ((30, 30), (64, 60)):
        plane[np.hypot(y - row, x - column) < 10] += 900
    labels = segmenters.watershed({"DNA": plane}, diameter=20.0)
    assert labels.max() == 2
    assert labels[30, 30] != labels[64, 60]


def test_a_package_that_is_installed_and_fails_to_import_says_why() -> None:
    def fails() -> ModuleType:
        raise RuntimeError("operator torchvision::nms does not exist")

    def lacks() -> ModuleType:
        raise ModuleNotFoundError("No module named 'fastremap'", name="fastremap")

    def is_absent() -> ModuleType:
        raise ModuleNotFoundError("No module named 'cellpose'", name="cellpose")

    for load, sentence in (
        (fails, r"Cellpose is installed, and cannot be imported \(.*torchvision::nms.*\); .* constraints-cellpose\.txt"),
        (lacks, "cannot be imported .*fastremap"),
        (is_absent, r"needs Cellpose; install it with: pip install 'impasto\[cellpose\]'"),
    ):
        with pytest.raises(InputError, match=sentence):
            segmenters.require_package(load, package="cellpose", called="Cellpose")
