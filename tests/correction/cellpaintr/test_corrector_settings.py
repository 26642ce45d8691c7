"""Settings of the correction by CellPainTR: read without torch, with three numbers for the three stages."""

from __future__ import annotations

import subprocess
import sys

import pytest

from impasto.correction.cellpaintr.corrector_settings import CellPaintrCorrectorSettings
from impasto.schema import InputError


def test_each_stage_has_its_epochs_rate_and_minibatch() -> None:
    settings = CellPaintrCorrectorSettings()
    assert [len(one) for one in (settings.epochs, settings.lr, settings.minibatch)] == [3, 3, 3]
    assert settings.run is None
    with pytest.raises(InputError, match="width"):
        CellPaintrCorrectorSettings.read({"width": 0}, where="test")


def test_they_load_no_torch() -> None:
    code = "import sys; import impasto.correction.cellpaintr.corrector; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
