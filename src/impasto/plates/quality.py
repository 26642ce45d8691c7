"""Quality of a site, channel by channel, from its pixels alone.

- focus: the slope of log power against log frequency (Bray et al. 2012): out of focus images lose their high frequencies, so the
  slope falls.
- saturated: share of pixels at the largest value the type or the camera gives, where that is more than a stray pixel.
- spread: (99th - 1st percentile) / median: an empty field has almost none.
- outliers: per plate and channel, robust z of each measure ((x - median) / (1.4826 MAD)).
- swap suspicion: a channel whose measures fit another channel of its plate better than its own.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema

MEASURES = ("focus", "saturated", "spread", "median")
FOCUS_Z, EMPTY_SPREAD, SATURATED = -6.0, 0.05, 0.01


def measure(plane: npt.NDArray[np.generic], /) -> dict[str, float]:
    """focus, saturated, spread, median of one plane (H, W)."""
    values = plane.astype(np.float32)
    low, middle, high = np.percentile(values, [1, 50, 99])
    top = values.max()
    saturated = float((values == top).mean()) if top > 0 else 0.0
    return {
        "focus": focus_slope(values),
        # One brightest pixel is no saturation; thousands at one value are.
        "saturated": saturated if saturated * values.size > 10 else 0.0,
        "spread": float((high - low) / max(middle, 1.0)),
        "median": float(middle),
    }


def focus_slope(values: npt.NDArray[np.float32], /) -> float:
    """Least-squares slope of log radially averaged power against log frequency; near 0 for noise, steep where blurred."""
    side = min(values.shape)
    centred = values[:side, :side] - values[:side, :side].mean()
    window = np.hanning(side).astype(np.float32)
    power = np.abs(np.fft.rfft2(centred * window[:, None] * window[None, :])) ** 2
    rows, columns = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    radius = np.rint(np.hypot(rows, columns) * side).astype(int).ravel()
    total = np.bincount(radius, power.ravel()) / np.maximum(1, np.bincount(radius))
    used = np.arange(2, side // 2)
    mean = total[used]
    if not (mean > 0).all():
        return 0.0
    return float(np.polyfit(np.log(used), np.log(mean), 1)[0])


def flag(table: pd.DataFrame, /) -> pd.DataFrame:
    """Add robust z scores per plate and channel, and `flags`: what is wrong with each channel of each site, or nothing.

    `table` has one row a site and channel: plate, channel, and the MEASURES.
    """
    table = table.copy()
    groups = table.groupby([schema.PLATE, schema.CHANNEL], sort=False)
    for name in ("focus", "spread", "median"):
        centre = groups[name].transform("median")
        deviation = (table[name] - centre).abs()
        # The floor keeps a plate of three identical sites from flagging the fourth for nothing.
        mad = 1.4826 * deviation.groupby([table[schema.PLATE], table[schema.CHANNEL]]).transform("median")
        table[f"{name}_z"] = (table[name] - centre) / mad.clip(lower=0.02 * centre.abs().clip(lower=0.1))
    many = groups["focus"].transform("size") >= 8
    checks = {
        "out of focus": many & (table["focus_z"] < FOCUS_Z),
        "saturated": table["saturated"] > SATURATED,
        "empty": table["spread"] < EMPTY_SPREAD,
        "channel swap suspected": _swapped(table) & many,
    }
    table["flags"] = ["; ".join(name for name, hit in checks.items() if hit.iloc[i]) for i in range(len(table))]
    return table


def _swapped(table: pd.DataFrame) -> pd.Series:
    """Whether log median and focus of a channel lie nearer to another channel's centre than, by far, to its own."""
    points = np.stack([np.log1p(table["median"]), table["focus"]], axis=1)
    out = np.zeros(len(table), dtype=bool)
    for rows in table.groupby(schema.PLATE, sort=False).indices.values():
        names = table[schema.CHANNEL].to_numpy()[rows]
        centres = np.stack([np.median(points[rows][names == c], axis=0) for c in np.unique(names)])
        spread = np.median(
            [np.median(np.abs(points[rows][names == c] - centres[k]), axis=0) for k, c in enumerate(np.unique(names))], axis=0
        )
        scaled = np.abs(points[rows][:, None] - centres[None]) / np.maximum(1.4826 * spread, 0.05)
        distance = scaled.max(axis=2)
        own = distance[np.arange(len(rows)), np.searchsorted(np.unique(names), names)]
        out[rows] = (own > 8) & (distance.min(axis=1) < 2)
    return pd.Series(out, index=table.index)
