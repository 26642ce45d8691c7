"""A score over a threshold or a concentration: one line a group, its interval as a band, chance dashed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from impasto.report.figures import svg
from impasto.report.figures.scores import is_baseline

_LEFT, _BOTTOM, _TOP, _RIGHT = 46.0, 40.0, 14.0, 14.0


def draw(
    curves: Mapping[str, pd.DataFrame],
    /,
    *,
    x_label: str,
    y_label: str,
    title: str,
    log: bool = False,
    width: float = 420.0,
    height: float = 300.0,
) -> str:
    """`curves` maps a group to its points: x, value, and where known low, high, chance. Baselines are grey."""
    everything = pd.concat(list(curves.values()))
    x = np.log10(everything["x"]) if log else everything["x"]
    left, right = float(x.min()), float(x.max())
    top = _rounded(float(np.nanmax(everything[["value", "high", "chance"]].to_numpy(dtype=float))))
    span, rise = width - _LEFT - _RIGHT, height - _TOP - _BOTTOM

    def at(a: float, b: float) -> tuple[float, float]:
        place = np.log10(a) if log else a
        return _LEFT + span * (place - left) / max(right - left, 1e-9), _TOP + rise * (1 - min(max(b, 0.0), top) / top)

    parts = [svg.line(_LEFT, at(1, top * k / 5)[1], width - _RIGHT, at(1, top * k / 5)[1], kind="grid") for k in range(6)]
    parts += [svg.text(_LEFT - 8, at(1, top * k / 5)[1] + 4, f"{top * k / 5:.2g}", anchor="end", kind="soft") for k in range(6)]
    ticks = sorted({float(v) for v in everything["x"]})
    for tick in _thinned(ticks):
        parts.append(svg.text(at(tick, 0)[0], height - _BOTTOM + 16, f"{tick:g}", anchor="middle", kind="soft"))
    for number, (name, points) in enumerate(curves.items()):
        parts += _curve(name, points.sort_values("x"), at, svg.PALETTE[number % len(svg.PALETTE)])
    first = next(iter(curves.values())).sort_values("x")
    if first["chance"].notna().any():
        parts.append(_path([at(r.x, r.chance) for r in first.itertuples() if pd.notna(r.chance)], kind="chance open"))
    parts.append(svg.text(_LEFT + span / 2, height - 6, x_label, anchor="middle"))
    parts.append(f'<g transform="translate(11,{_TOP + rise / 2:.0f}) rotate(-90)">{svg.text(0, 0, y_label, anchor="middle")}</g>')
    below, drawn = _legend(curves, height, width)
    return svg.figure([*parts, *drawn], width=width, height=below, title=title)


def _curve(name: str, points: pd.DataFrame, at: svg.Place, colour: str) -> list[str]:
    known = points.dropna(subset=["low", "high"])
    parts = []
    if len(known) > 1 and not is_baseline(name):
        edge = [at(r.x, r.high) for r in known.itertuples()] + [at(r.x, r.low) for r in known[::-1].itertuples()]
        outline = " ".join(f"{a:.1f},{b:.1f}" for a, b in edge)
        parts.append(f'<polygon points="{outline}" fill="{colour}" opacity=".14"/>')
    places = [at(r.x, r.value) for r in points.itertuples()]
    parts.append(_path(places, kind="baseline open") if is_baseline(name) else _path(places, kind="open", colour=colour))
    for place, row in zip(places, points.itertuples(), strict=True):
        told = f" ({row.low:.3f} to {row.high:.3f})" if pd.notna(row.low) else ""
        kind = "hollow" if is_baseline(name) else "point"
        parts.append(svg.dot(*place, radius=3, colour=colour, tip=f"{name}, {row.x:g}: {row.value:.3f}{told}", kind=kind))
    return parts


def _path(places: Sequence[tuple[float, float]], *, kind: str, colour: str = "") -> str:
    stroke = f' stroke="{colour}" stroke-width="2"' if colour else ""
    return f'<polyline points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in places)}" fill="none"{stroke} class="{kind}"/>'


def _legend(curves: Mapping[str, pd.DataFrame], top: float, width: float) -> tuple[float, list[str]]:
    parts = []
    for number, name in enumerate(curves):
        x, y = 4 + (width / 2) * (number % 2), top + 16 + 17 * (number // 2)
        kind = "hollow" if is_baseline(name) else ""
        parts += [
            svg.dot(x + 6, y - 4, radius=4, colour=svg.PALETTE[number % len(svg.PALETTE)], kind=kind),
            svg.text(x + 16, y, _short(name), kind="soft"),
        ]
    return top + 8 + 17 * ((len(curves) + 1) // 2), parts


def _short(words: str) -> str:
    return words if len(words) <= 30 else words[:29] + "…"


def _thinned(ticks: Sequence[float]) -> list[float]:
    return list(ticks) if len(ticks) <= 8 else [*ticks[:: -(-len(ticks) // 8)]]


def _rounded(most: float) -> float:
    """The end of the axis: the next tenth, at most 1 for scores below 1."""
    return max(0.1, float(np.ceil(most * 10) / 10))
