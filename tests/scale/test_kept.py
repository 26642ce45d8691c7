"""What an engine keeps ends with the plan, newest first, however the plan ends."""

from __future__ import annotations

import pytest

from impasto.scale import kept


def test_it_ends_with_the_plan_also_where_that_fails() -> None:
    ended: list[int] = []
    with kept.until_the_end():
        kept.at_the_end(lambda: ended.append(1))
        kept.at_the_end(lambda: ended.append(2))
        assert ended == []
    assert ended == [2, 1]

    def failing() -> None:
        with kept.until_the_end():
            kept.at_the_end(lambda: ended.append(3))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert ended == [2, 1, 3]


def test_a_plan_inside_of_another_ends_its_own_only() -> None:
    ended: list[str] = []
    with kept.until_the_end():
        kept.at_the_end(lambda: ended.append("outer"))
        with kept.until_the_end():
            kept.at_the_end(lambda: ended.append("inner"))
        assert ended == ["inner"]
        kept.at_the_end(lambda: ended.append("later"))
    assert ended == ["inner", "later", "outer"]


def test_without_a_plan_nothing_is_kept() -> None:
    kept.at_the_end(lambda: pytest.fail("nobody ends it"))
    with kept.until_the_end():
        pass
