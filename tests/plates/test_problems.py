"""The first problem is the sentence that a refusal says."""

from __future__ import annotations

import pytest

from impasto.plates.problems import Problem, refuse
from impasto.schema import InputError


def test_the_first_problem_is_raised() -> None:
    refuse([])
    with pytest.raises(InputError, match=r"^first$"):
        refuse([Problem("first", ("--a", "b")), Problem("second")])
    assert Problem("second").options == ()
