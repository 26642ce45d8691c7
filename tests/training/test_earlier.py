"""The weights that a run starts from: those of a finished run, taken by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.schema import InputError
from impasto.training.earlier import Earlier


def test_a_folder_without_a_run_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not a finished run \(it has no model.json\)"):
        Earlier.read(tmp_path)
