"""A training run: loss and validation score by epoch, each on its own scale."""

from __future__ import annotations

from typing import Any

from impasto.report.figures import svg


def draw(log: list[dict[str, Any]], /, *, title: str, width: float = 420.0, height: float = 240.0) -> str:
    """Lines of `loss` and, where there is one, `validation_score` with its chance level."""
    left, right, top, bottom = 48.0, 48.0, 14.0, 34.0
    last = max(1, log[-1]["epoch"])
    parts = [svg.box(left, top, width - left - right, height - top - bottom, kind="frame")]

    def curve(key: str, colour: str, side: str) -> None:
        points = [(line["epoch"], line[key]) for line in log if key in line]
        if not points:
            return
        values = [v for _, v in points]
        low, high = min(values), max(values)
        spread = (high - low) or 1.0
        place = [
            (left + (width - left - right) * e / last, height - bottom - (height - top - bottom) * (0.05 + 0.9 * (v - low) / spread))
            for e, v in points
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in place)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x, anchor = (left - 6, "end") if side == "left" else (width - right + 6, "start")
        parts.append(svg.text(x, height - bottom, f"{low:.2f}", anchor=anchor, kind="tiny"))
        parts.append(svg.text(x, top + 9, f"{high:.2f}", anchor=anchor, kind="tiny"))

    curve("loss", svg.PALETTE[0], "left")
    curve("validation_score", svg.PALETTE[1], "right")
    parts.append(svg.text(left, height - 8, "loss (left)", kind="soft"))
    parts.append(svg.text(width - right, height - 8, "validation MRR (right), by epoch", anchor="end", kind="soft"))
    return svg.figure(parts, width=width, height=height, title=title)
