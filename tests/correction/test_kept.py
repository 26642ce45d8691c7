"""Fitted steps come back from disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.correction.plated import plates

from impasto import correction
from impasto.correction import kept
from impasto.schema import InputError


@pytest.mark.parametrize("name", sorted(correction.METHODS))
def test_fitted_steps_come_back_from_disk_to_the_same_bytes(name: str, tmp_path: Path) -> None:
    data = plates()
    kind = correction.corrector(name)
    fitted = kind.fit(data, kind.settings_class())
    kept.save(tmp_path / "fitted", [fitted])
    (again,) = kept.load(tmp_path / "fitted")
    np.testing.assert_array_equal(again.transform(data).X, fitted.transform(data).X)
    assert again.settings == fitted.settings
    assert again.met() == fitted.met()


def test_a_folder_without_fitted_steps_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no fitted corrections"):
        kept.load(tmp_path)


@pytest.mark.parametrize("steps", ["[]", "{}"])
def test_a_folder_whose_list_of_steps_is_empty_corrects_nothing_and_is_refused(steps: str, tmp_path: Path) -> None:
    (tmp_path / "steps.json").write_text(steps)
    with pytest.raises(InputError, match=r"steps\.json lists no steps, so nothing would be corrected; leave some with: impasto correct"):
        kept.load(tmp_path)
