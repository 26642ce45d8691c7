"""What the package ships is found in a checkout and in an installed package."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.datasets import shipped
from impasto.schema import InputError


def test_the_checkout_that_is_worked_in_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data" / "demo").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert shipped.path("data/demo") == tmp_path / "data" / "demo"


def test_what_is_nowhere_is_one_sentence() -> None:
    with pytest.raises(InputError, match="install it again"):
        shipped.path("data/none")
