"""The settings of the loop: a seed of its own stays, a missing one is that of the training; nothing needs torch."""

from __future__ import annotations

import pytest

from impasto.schema import InputError
from impasto.training.settings import LoopSettings


def test_a_seed_of_its_own_stays() -> None:
    assert LoopSettings().seeded(4).seed == 4
    assert LoopSettings(seed=0).seeded(4).seed == 0


def test_a_misspelt_key_is_named_with_its_place() -> None:
    with pytest.raises(InputError, match=r"optim: unknown key 'warm' \(did you mean 'warmup'"):
        LoopSettings.read({"optim": {"warm": 1}}, where="test")
