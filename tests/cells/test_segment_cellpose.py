"""With a module that stands for Cellpose: its weights are 1.2 GB, and are the user's to bring."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from impasto.cells import segmenters
from impasto.schema import InputError


class Model:
    """As `cellpose.models.CellposeModel` of version 4 is called."""

    opened: dict[str, Any]

    def __init__(self, gpu: bool = False, pretrained_model: str = "cpsam_v2", device: Any = None) -> None:
        if Path(pretrained_model).read_text() != "weights":
            raise RuntimeError("Invalid magic number; corrupt file?")
        Model.opened = {"gpu": gpu, "pretrained_model": pretrained_model, "device": str(device)}

    def eval(self, x: np.ndarray, diameter: float | None = None) -> tuple[np.ndarray, list[Any], list[Any]]:
        assert x.dtype == np.float32
        return (x > diameter).astype(np.uint16), [], []


@pytest.fixture
def cellpose(monkeypatch: pytest.MonkeyPatch) -> None:
    package, models = ModuleType("cellpose"), ModuleType("cellpose.models")
    models.CellposeModel, package.models = Model, models  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cellpose", package)
    monkeypatch.setitem(sys.modules, "cellpose.models", models)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "4.2.1.1")


@pytest.mark.usefixtures("cellpose")
def test_the_net_reads_the_plane_of_dna_and_the_diameter(tmp_path: Path) -> None:
    (tmp_path / "cpsam_v2").write_text("weights")
    find = segmenters.opened("cellpose", weights=tmp_path / "cpsam_v2", accepted=True)
    planes = {"DNA": np.array([[3, 40]], dtype=np.uint16), "ER": np.array([[90, 90]], dtype=np.uint16)}
    assert find(planes, diameter=30.0).tolist() == [[0, 1]]
    assert Model.opened == {"gpu": False, "pretrained_model": str(tmp_path / "cpsam_v2"), "device": "cpu"} or Model.opened["gpu"]


@pytest.mark.usefixtures("cellpose")
def test_weights_and_their_licence_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs its weights, which are not fetched for you: the file cpsam_v2"):
        segmenters.opened("cellpose", accepted=True)
    with pytest.raises(InputError, match="does not exist"):
        segmenters.opened("cellpose", weights=tmp_path / "none", accepted=True)
    (tmp_path / "w").write_text("weights")
    with pytest.raises(InputError, match="CC BY-NC: not for commercial use; if yours is none, add --accept-licence"):
        segmenters.opened("cellpose", weights=tmp_path / "w")
    (tmp_path / "w").write_text("broken")
    with pytest.raises(InputError, match=r"w cannot be read as a model of Cellpose \(Invalid magic number"):
        segmenters.opened("cellpose", weights=tmp_path / "w", accepted=True)


@pytest.mark.usefixtures("cellpose")
def test_an_old_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "3.1.1")
    with pytest.raises(InputError, match=r"Cellpose 4, and 3\.1\.1 is installed"):
        segmenters.opened("cellpose")


def test_where_it_is_not_installed_the_sentence_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cellpose", None)
    with pytest.raises(InputError, match=r"pip install 'impasto\[cellpose\]'"):
        segmenters.opened("cellpose")
