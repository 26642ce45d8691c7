"""An index is whole or absent."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest

from impasto.atlas import index
from impasto.schema import InputError


def test_broken_profiles_and_folders_are_sentences(profiles: anndata.AnnData, tmp_path: Path) -> None:
    profiles.X[0, 0] = np.nan
    with pytest.raises(InputError, match="1 of 36 profiles hold missing"):
        index.build(profiles, tmp_path / "index")
    assert not (tmp_path / "index").exists()
    with pytest.raises(InputError, match="is not an index; make one with"):
        index.open_index(tmp_path)
