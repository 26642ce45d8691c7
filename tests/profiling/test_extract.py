"""Extraction by name: which encoder a name means."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest

from impasto.nets.encoders import vision
from impasto.profiling.classical import CpMeasure
from impasto.profiling.encoders import Intensity
from impasto.profiling.extract import ProfileSettings, open_encoder
from impasto.schema import InputError


def encoder(name: str, tmp_path: Path) -> object:
    return open_encoder(ProfileSettings(images=tmp_path, encoder=name), Mock())


def test_names_mean_statistics_classical_features_and_packaged_nets(tmp_path: Path) -> None:
    assert isinstance(encoder("intensity", tmp_path), Intensity)
    assert isinstance(encoder("cp_measure_fast", tmp_path), CpMeasure)
    assert isinstance(encoder("random", tmp_path), vision.VisionEncoder)


def test_a_slip_of_the_pen_is_not_looked_for_on_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vision, "load", Mock(side_effect=AssertionError("looked for")))
    with pytest.raises(InputError, match=r"unknown encoder 'cp_measur' \(did you mean 'cp_measure'\?\); allowed: cp_measure, cp_"):
        encoder("cp_measur", tmp_path)
