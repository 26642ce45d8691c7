"""A correction's receipt as bars: what each factor explained before and after."""

from __future__ import annotations

from typing import Any

from impasto.report.figures import svg

_LEFT, _ROW = 190.0, 34.0


def draw(receipt: dict[str, Any], /, *, title: str, width: float = 420.0) -> str:
    """Share of variance by factor (0..max), and the replicate signal on the same axis."""
    rows = [(name, v["before"], v["after"]) for name, v in receipt["explained"].items()]
    signal = receipt["signal"]
    if signal["before"] is not None:
        rows.append(("replicate signal (cosine)", signal["before"], signal["after"]))
    most = max([0.05, *(max(b, a) for _, b, a in rows)])
    span = width - _LEFT - 56
    parts = [svg.text(0, 12, title, kind="strong")]
    for number, (name, before, after) in enumerate(rows):
        y = 24 + _ROW * number
        parts.append(svg.text(_LEFT - 10, y + 15, name, anchor="end"))
        for offset, value, kind in ((0, before, "before"), (12, after, "after")):
            parts.append(svg.box(_LEFT, y + offset, span * max(value, 0) / most, 10, kind=kind, tip=f"{name} {kind}: {value:.3f}"))
            parts.append(svg.text(_LEFT + span * max(value, 0) / most + 6, y + offset + 9, f"{value:.3f}", kind="tiny"))
    return svg.figure(parts, width=width, height=30 + _ROW * len(rows), title=title)
