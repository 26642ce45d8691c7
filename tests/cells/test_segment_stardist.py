"""With a module that stands for StarDist, which needs TensorFlow."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from impasto.cells import segmenters
from impasto.schema import InputError


class Model:
    """As `stardist.models.StarDist2D` is called."""

    opened: tuple[Any, ...]

    def __init__(self, config: None, name: str, basedir: str) -> None:
        Model.opened = (config, name, basedir)

    def predict_instances(self, img: np.ndarray, verbose: bool = True) -> tuple[np.ndarray, dict[str, Any]]:
        self.seen = img
        return (img > 0.5).astype(np.int32), {}


@pytest.fixture
def stardist(monkeypatch: pytest.MonkeyPatch) -> None:
    package, models = ModuleType("stardist"), ModuleType("stardist.models")
    models.StarDist2D, package.models = Model, models  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "stardist", package)
    monkeypatch.setitem(sys.modules, "stardist.models", models)


@pytest.mark.usefixtures("stardist")
def test_light_is_scaled_between_its_percentiles(tmp_path: Path) -> None:
    folder = tmp_path / "2D_versatile_fluo"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    find = segmenters.opened("stardist", weights=folder)
    assert Model.opened == (None, "2D_versatile_fluo", str(tmp_path))
    plane = np.arange(1001, dtype=np.uint16).reshape(7, 143)
    labels = find({"DNA": plane}, diameter=30.0)
    np.testing.assert_array_equal(labels, (plane - 10.0) / (998 - 10) > 0.5)
    assert find({"DNA": np.full((4, 4), 7)}, diameter=30.0).max() == 0


@pytest.mark.usefixtures("stardist")
def test_its_folder_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs its weights, which are not fetched for you: the folder of a model of StarDist"):
        segmenters.opened("stardist")
    with pytest.raises(InputError, match=r"holds no config\.json"):
        segmenters.opened("stardist", weights=tmp_path)
    with pytest.raises(InputError, match="BSD licence, which asks for no word of yours"):
        segmenters.opened("stardist", weights=tmp_path, accepted=True)


def test_where_it_is_not_installed_the_sentence_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stardist", None)
    with pytest.raises(InputError, match=r"pip install 'impasto\[stardist\]'"):
        segmenters.opened("stardist")
