"""Tokens to one vector, by hand."""

from __future__ import annotations

import pytest
import torch

from impasto.nets.encoders.readout import read
from impasto.schema import InputError

TOKENS = torch.tensor([[[1.0, 0.0], [9.0, 9.0], [2.0, 4.0], [4.0, 8.0]]])  # class token, a register, two patches


def test_by_hand() -> None:
    assert read(TOKENS, readout="cls", prefix=2).tolist() == [[1, 0]]
    assert read(TOKENS, readout="mean", prefix=2).tolist() == [[3, 6]]
    assert read(TOKENS, readout="cls+mean", prefix=2).tolist() == [[1, 0, 3, 6]]
    assert read(TOKENS, readout="mean", prefix=0).tolist() == [[4, 5.25]]


def test_what_is_not_there_is_refused() -> None:
    for readout in ("cls", "cls+mean"):
        with pytest.raises(InputError, match="this model has no class token"):
            read(TOKENS, readout=readout, prefix=0)
    with pytest.raises(InputError, match="readout pooler is not one of tokens"):
        read(TOKENS, readout="pooler", prefix=1)
