"""A map of profiles, or one score against another: points with tooltips, coloured by a category."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto.report.figures import svg

MOST_POINTS = 3000


def draw(
    points: npt.NDArray[np.floating], categories: pd.Series, tips: Sequence[str], /, *, title: str, width: float = 420.0, seed: int = 0
) -> str:
    """Points (n, 2) in a square without axes; more than 3,000 are thinned at random (the title should say of how many)."""
    kept = np.arange(len(points))
    if len(kept) > MOST_POINTS:
        kept = np.sort(np.random.default_rng(seed).choice(kept, MOST_POINTS, replace=False))
    low, high = np.quantile(points, 0.002, axis=0), np.quantile(points, 0.998, axis=0)
    place = 12 + (width - 24) * np.clip((points - low) / np.maximum(high - low, 1e-9), 0, 1)
    names = list(categories.astype(str).value_counts().index)
    colour = {name: svg.PALETTE[i % len(svg.PALETTE)] if i < len(svg.PALETTE) else "#98a2b3" for i, name in enumerate(names)}
    labels = categories.astype(str).to_numpy()
    parts = [svg.box(0, 0, width, width, kind="frame")]
    parts += [svg.dot(place[i, 0], width - place[i, 1], radius=2.3, colour=colour[labels[i]], tip=tips[int(i)], kind="point") for i in kept]
    shown = names[: len(svg.PALETTE)]
    for number, name in enumerate(shown):
        x, y = 4 + (width / 2) * (number % 2), width + 18 + 17 * (number // 2)
        parts += [svg.dot(x + 6, y - 4, radius=4, colour=colour[name]), svg.text(x + 16, y, name[:26], kind="soft")]
    return svg.figure(parts, width=width, height=width + 12 + 17 * ((len(shown) + 1) // 2), title=title)


def against(x: pd.Series, y: pd.Series, tips: Sequence[str], /, *, labels: tuple[str, str], title: str, width: float = 420.0) -> str:
    """One score of each perturbation against another, both 0..1, with the diagonal."""
    left, bottom = 44.0, 34.0
    span = width - left - 10

    def at(a: float, b: float) -> tuple[float, float]:
        return left + span * a, 8 + span * (1 - b)

    parts = [svg.box(left, 8, span, span, kind="frame"), svg.line(*at(0, 0), *at(1, 1), kind="chance")]
    for k in range(0, 11, 2):
        parts.append(svg.text(at(k / 10, 0)[0], 8 + span + 16, f"{k / 10:g}", anchor="middle", kind="soft"))
        parts.append(svg.text(left - 8, at(0, k / 10)[1] + 4, f"{k / 10:g}", anchor="end", kind="soft"))
    parts += [svg.dot(*at(a, b), radius=3, colour=svg.PALETTE[0], tip=tip, kind="point") for a, b, tip in zip(x, y, tips, strict=True)]
    parts.append(svg.text(left + span / 2, 8 + span + 34, labels[0], anchor="middle"))
    parts.append(f'<g transform="translate(11,{8 + span / 2:.0f}) rotate(-90)">{svg.text(0, 0, labels[1], anchor="middle")}</g>')
    return svg.figure(parts, width=width, height=8 + span + bottom + 6, title=title)
