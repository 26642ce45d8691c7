"""Correctors against pycytominer on the same table."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pandas as pd

from benchmarks.scores import plates
from benchmarks.timing import Row, best_of, peak_megabytes
from impasto.correction.sphering import Sphering, SpheringSettings
from impasto.correction.standardize import Standardize, StandardizeSettings
from impasto.correction.tvn import Tvn, TvnSettings


def rows() -> Iterator[Row]:
    from pycytominer.operations import RobustMAD, Spherize

    data = plates(wells=7680, width=1000)
    frame = pd.DataFrame(data.X)
    controls = (data.obs["control_type"] == "negcon").to_numpy()
    plate = data.obs["plate"].to_numpy()

    def their_sphering() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Spherize(method="ZCA-cor", epsilon=1e-3).fit(frame[controls]).transform(frame)

    def their_mad() -> object:
        return [RobustMAD(epsilon=1e-18).fit(frame[(plate == p) & controls]).transform(frame[plate == p]) for p in pd.unique(plate)]

    def sphering() -> object:
        return Sphering.fit(data, SpheringSettings()).transform(data)

    def mad() -> object:
        return Standardize.fit(data, StandardizeSettings()).transform(data)

    def tvn() -> object:
        return Tvn.fit(data, TvnSettings(components=256)).transform(data)

    yield Row(
        "sphering, 7,680 x 1,000", best_of(sphering), best_of(their_sphering, times=1), "pycytominer", f"{peak_megabytes(sphering):.0f} MB"
    )
    yield Row("median/MAD a plate, 7,680 x 1,000", best_of(mad), best_of(their_mad), "pycytominer", f"{peak_megabytes(mad):.0f} MB")
    yield Row("TVN, 7,680 x 1,000 to 256", best_of(tvn), None, "", f"{peak_megabytes(tvn):.0f} MB")
