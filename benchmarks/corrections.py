"""Correctors against those that people use, on the same table."""

from __future__ import annotations

from collections.abc import Iterator

import anndata
import numpy as np
import pandas as pd

from benchmarks.simulated import plates
from benchmarks.timing import Row, beside
from impasto.correction.combat import Combat, CombatSettings
from impasto.correction.sphering import Sphering, SpheringSettings
from impasto.correction.standardize import Standardize, StandardizeSettings
from impasto.correction.tvn import Tvn, TvnSettings


def rows() -> Iterator[Row]:
    yield _sphering()
    yield _mad()
    yield _combat()
    yield _tvn()


def _sphering() -> Row:
    from pycytominer.operations import Spherize

    rng = np.random.default_rng(0)
    values = (rng.normal(size=(8000, 1000)) @ (np.eye(1000) + rng.normal(size=(1000, 1000)) / 50)).astype(np.float32)
    data, frame, found = anndata.AnnData(X=values), pd.DataFrame(values), {}

    def ours() -> None:
        found["ours"] = Sphering.fit(data, SpheringSettings(on="all", regulariser=1e-9)).transform(data).X

    def theirs() -> None:
        found["theirs"] = Spherize(method="ZCA-cor", epsilon=1e-9).fit(frame).transform(frame).to_numpy()

    row = beside("sphering (ZCA-cor), 8,000 x 1,000", ours, theirs, peer="pycytominer's Spherize", aim=15, times=2)
    np.testing.assert_allclose(found["ours"], found["theirs"], atol=0.01)  # it works in float32
    return row


def _mad() -> Row:
    from pycytominer import normalize

    data = plates(wells=7680, width=1000)
    annotation = pd.DataFrame({f"Metadata_{c}": data.obs[c].to_numpy() for c in ("plate", "control_type")})
    frame = pd.concat([annotation, pd.DataFrame(data.X, columns=data.var_names)], axis=1)
    settings = {"features": list(data.var_names), "meta_features": list(annotation), "method": "mad_robustize", "mad_robustize_epsilon": 0}
    found = {}

    def ours() -> None:
        found["ours"] = Standardize.fit(data, StandardizeSettings()).transform(data).X

    def theirs() -> None:
        controls = "Metadata_control_type == 'negcon'"
        parts = [normalize(part, samples=controls, **settings) for _, part in frame.groupby("Metadata_plate", sort=False)]
        found["theirs"] = pd.concat(parts)[data.var_names].to_numpy()

    row = beside("median and MAD of controls a plate, 7,680 x 1,000", ours, theirs, peer="pycytominer's normalize", aim=40)
    np.testing.assert_allclose(found["ours"], found["theirs"], rtol=1e-4, atol=1e-4)
    return row


def _combat() -> Row:
    import scanpy

    data, found = plates(wells=7680, width=1000), {}
    data.obs["plate"] = data.obs["plate"].astype("category")

    def ours() -> None:
        found["ours"] = Combat.fit(data, CombatSettings()).transform(data).X

    def theirs() -> None:
        found["theirs"] = scanpy.pp.combat(data, key="plate", inplace=False)

    row = beside("ComBat over 20 plates, 7,680 x 1,000", ours, theirs, peer="scanpy", aim=3)
    np.testing.assert_allclose(found["ours"], found["theirs"], atol=0.01)  # its priors are over G, ours over G - 1
    return row


def _tvn() -> Row:
    from efaar_benchmarking.efaar import tvn_on_controls

    data, found = plates(wells=384 * 130, width=256), {}

    def ours() -> None:
        found["ours"] = Tvn.fit(data, TvnSettings(coral="efaar")).transform(data).X

    def theirs() -> None:
        found["theirs"] = tvn_on_controls(data.X, data.obs, "perturbation", "DMSO", "plate")

    row = beside("TVN over 130 plates, 49,920 x 256", ours, theirs, peer="efaar-benchmarking", aim=15, times=1)
    np.testing.assert_allclose(np.abs(found["ours"]), np.abs(found["theirs"]), atol=0.01)  # it works in float32; signs are free
    return row
