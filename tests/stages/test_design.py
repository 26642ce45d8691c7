"""The stage writes what the check says, of wells of images and of profiles alike."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
from tests.assay.layouts import assay

from impasto import profiles
from impasto.assay.check import Check, check
from impasto.stages.design import VERB, DesignSettings


def test_images_and_tables(tmp_path: Path) -> None:
    obs = assay(doses=(1.0, 3.0), compounds=10)
    obs.to_parquet(tmp_path / "wells.parquet")
    obs.index = obs.index.astype(str)
    profiles.write(anndata.AnnData(X=np.zeros((len(obs), 2), dtype=np.float32), obs=obs), tmp_path / "p.parquet")
    for name in ("wells.parquet", "p.parquet"):
        settings = DesignSettings(wells=tmp_path / name, dose_unit="uM", noted=["a note"], seed=1)
        VERB.run(settings, tmp_path / f"out-{name}")
        assert Check.read(tmp_path / f"out-{name}" / "design.json") == check(obs, dose_unit="uM", noted=["a note"], seed=1)
