"""The settings of a split: a tenth and a fifth of the perturbations are held out unless something else is said."""

from __future__ import annotations

import pytest

from impasto.sampling.settings import SplitSettings
from impasto.schema import InputError


def test_defaults_and_slips() -> None:
    assert SplitSettings().model_dump() == {"by": "perturbation", "validation": 0.1, "test": 0.2, "file": None}
    with pytest.raises(InputError, match=r"unknown key 'tset' \(did you mean 'test'"):
        SplitSettings.read({"tset": 0.1}, where="test")


def test_what_a_recipe_leaves_out_is_as_documented() -> None:
    assert SplitSettings().model_dump() == {"by": "perturbation", "validation": 0.1, "test": 0.2, "file": None}
