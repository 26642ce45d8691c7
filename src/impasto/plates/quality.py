"""Quality of a site, channel by channel, relative to its plate; free of the scale and the offset of the pixels.

- contrast = p99 - p1. noise = 1.4826 MAD(L) / sqrt(20), L = the 4-neighbour Laplacian: white noise of deviation s gives L a deviation of
  s sqrt(20), and an image that is smooth over three pixels gives it none.
- empty: contrast 0, or contrast / noise below 6, or, on a plate with eight sites or more, below 14 with a contrast under a quarter of
  the plate's median.
- focus: the slope of log power against log frequency (Bray et al. 2012): out of focus images lose their high frequencies, so it falls.
- saturated: share of pixels at the largest value, where that is more than a stray pixel. Shown, not quarantined.
- another type or size than three quarters of the plate's planes of that channel have: quarantined.
- median_z: robust z of the median; beyond 20 it is shown, not quarantined.
- channel swap: contrast and focus of a channel fit another channel of its plate, by far better than its own.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema

NUMBERS = ("focus", "saturated", "contrast", "noise", "median")
MEASURES = (*NUMBERS, "type", "size")
FOCUS_Z, SATURATED, MEDIAN_Z = -6.0, 0.01, 20.0
EMPTY, FAINT, FAINT_SHARE = 6.0, 14.0, 0.25
"""contrast / noise of an empty field, of one that is empty where its contrast is also a small share of its plate's."""
MANY, USUAL_SHARE = 8, 0.75
TOLD_ONLY = ("saturated", "unlike its plate in brightness")
"""Flags that are shown and quarantine nothing."""
_GROUP = (schema.SOURCE, schema.BATCH, schema.PLATE)


def measure(plane: npt.NDArray[np.generic], /) -> dict[str, float | str]:
    """Measure one plane.

    Parameters
    ----------
    plane
        (H, W) of any type.

    Returns
    -------
    dict[str, float | str]
        Name of a measure, of `MEASURES` -> its value.

    """
    values = plane.astype(np.float32)
    low, middle, high = (float(v) for v in np.percentile(values, [1, 50, 99]))
    top = values.max()
    at_top = float((values == top).mean())
    return {
        "focus": focus_slope(values),
        # One brightest pixel is no saturation; thousands at one value are, unless all pixels are equal.
        "saturated": at_top if at_top * values.size > 10 and top > values.min() else 0.0,
        "contrast": high - low,
        "noise": noise(values),
        "median": middle,
        "type": str(plane.dtype),
        "size": "x".join(map(str, plane.shape)),
    }


def noise(values: npt.NDArray[np.float32], /) -> float:
    """The standard deviation of the white noise in an image.

    Parameters
    ----------
    values
        (H, W) pixels.

    Returns
    -------
    float
        In the unit of the pixels; 0 where a side is shorter than 3 pixels.

    """
    if min(values.shape) < 3:
        return 0.0
    centre = values[1:-1, 1:-1]
    laplacian = 4 * centre - values[:-2, 1:-1] - values[2:, 1:-1] - values[1:-1, :-2] - values[1:-1, 2:]
    return float(1.4826 * np.median(np.abs(laplacian - np.median(laplacian))) / np.sqrt(20.0))


def focus_slope(values: npt.NDArray[np.float32], /) -> float:
    """Least-squares slope of log radially averaged power against log frequency.

    Parameters
    ----------
    values
        (H, W) pixels; the largest square from the first corner is measured.

    Returns
    -------
    float
        Near 0 for noise, steep where blurred; 0 where an image is too small or has no power at a frequency.

    """
    side = min(values.shape)
    centred = values[:side, :side] - values[:side, :side].mean()
    window = np.hanning(side).astype(np.float32)
    power = np.abs(np.fft.rfft2(centred * window[:, None] * window[None, :])) ** 2
    rows, columns = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    radius = np.rint(np.hypot(rows, columns) * side).astype(int).ravel()
    total = np.bincount(radius, power.ravel()) / np.maximum(1, np.bincount(radius))
    used = np.arange(2, side // 2)
    mean = total[used]
    if len(used) < 2 or not (mean > 0).all():
        return 0.0
    return float(np.polyfit(np.log(used), np.log(mean), 1)[0])


def flag(table: pd.DataFrame, /) -> pd.DataFrame:
    """Judge every plane by its plate.

    Parameters
    ----------
    table
        One row a site and channel: plate (with source and batch where they are known), channel, and the MEASURES.

    Returns
    -------
    pandas.DataFrame
        The table with `focus_z`, `contrast_z`, `median_z` (robust, per plate and channel) and `flags`: what is wrong, or nothing.

    """
    table = table.copy()
    keys = [key for key in (*_GROUP, schema.CHANNEL) if key in table]
    groups = table.groupby(keys, sort=False)
    many = groups["focus"].transform("size") >= MANY
    usual = groups["contrast"].transform("median")
    # The floors keep a plate of three identical sites from flagging the fourth for nothing; each is relative, so units do not matter.
    table["focus_z"] = _robust_z(table, "focus", keys, floor=0.02 * groups["focus"].transform("median").abs().clip(lower=0.1))
    table["contrast_z"] = _robust_z(table.assign(contrast=np.log(table["contrast"].clip(lower=1e-30))), "contrast", keys, floor=0.15)
    table["median_z"] = _robust_z(table, "median", keys, floor=0.05 * usual.clip(lower=1e-30))
    ratio = np.divide(table["contrast"], table["noise"], out=np.full(len(table), np.inf), where=table["noise"].to_numpy() > 0)
    checks = {
        "another type": _unusual(table, "type", keys),
        "another size": _unusual(table, "size", keys),
        "out of focus": many & (table["focus_z"] < FOCUS_Z),
        "saturated": table["saturated"] > SATURATED,
        "empty": (table["contrast"] == 0) | (ratio < EMPTY) | (many & (ratio < FAINT) & (table["contrast"] < FAINT_SHARE * usual)),
        "unlike its plate in brightness": many & (table["median_z"].abs() > MEDIAN_Z),
        "channel swap suspected": _swapped(table) & many,
    }
    hits = np.stack([np.asarray(hit, dtype=bool) for hit in checks.values()], axis=1)
    table["flags"] = ["; ".join(name for name, hit in zip(checks, row, strict=True) if hit) for row in hits]
    return table


def _robust_z(table: pd.DataFrame, name: str, keys: list[str], *, floor: pd.Series | float) -> pd.Series:
    """(x - median) / max(1.4826 MAD, floor), per plate and channel."""
    centre = table.groupby(keys, sort=False)[name].transform("median")
    deviation = 1.4826 * (table[name] - centre).abs()
    mad = deviation.groupby([table[key] for key in keys], sort=False).transform("median")
    return (table[name] - centre) / np.maximum(mad, floor)


def _unusual(table: pd.DataFrame, name: str, keys: list[str]) -> pd.Series:
    """Rows whose value differs from the one that at least three quarters of their plate's planes of that channel have."""
    whole = [*keys, name]
    share = table.groupby(whole, sort=False)["focus"].transform("size") / table.groupby(keys, sort=False)["focus"].transform("size")
    has_usual = share.groupby([table[key] for key in keys], sort=False).transform("max") >= USUAL_SHARE
    return has_usual & (share < USUAL_SHARE)


def _swapped(table: pd.DataFrame) -> pd.Series:
    """Whether log contrast and focus of a channel lie nearer to another channel's centre than, by far, to its own."""
    points = np.stack([np.log(table["contrast"].clip(lower=1e-30)), table["focus"]], axis=1)
    out = np.zeros(len(table), dtype=bool)
    for rows in table.groupby([key for key in _GROUP if key in table], sort=False).indices.values():
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
