"""How a net reads an image: planes, the sentence of a record, and no guess about light."""

from __future__ import annotations

import pytest

from impasto.nets.encoders.reading import GRAY3, Reading
from impasto.schema import InputError


def test_planes_and_sentence() -> None:
    assert Reading.of(None, None, ()) == GRAY3
    stack = Reading.of("stack", "min_max", ("ER", "DNA", "RNA", "AGP"))
    assert [reading.planes for reading in (GRAY3, Reading.of("gray1", "unit", ()), stack, Reading.of("set", "unit", ()))] == [3, 1, 4, 0]
    assert GRAY3.sentence == "8 bit by brightest share 0.000028; gray as RGB; bilinear antialiased; ImageNet mean and sd"
    assert stack.sentence.endswith("stack of channels; bilinear antialiased; light min_max")
    assert Reading.of("stack", "imagenet", ("A", "B", "C")).planes == 3


def test_light_is_not_guessed() -> None:
    for kind in ("gray1", "set"):
        with pytest.raises(InputError, match=f"nothing says how the light of input {kind} is scaled"):
            Reading.of(kind, None, ())
