"""A training run: loss by epoch, and beside it the validation score or the rank of the embeddings, each on its own scale."""

from __future__ import annotations

from typing import Any

from impasto.report.figures import svg

RIGHT = {"validation_score": "validation MRR", "embedding_rank": "rank of embeddings"}
"""What stands on the right: key of the log -> what it is called."""


def draw(log: list[dict[str, Any]], /, *, title: str, width: float = 420.0, height: float = 240.0) -> str:
    """Lines of `loss` and of the first of `RIGHT` that the log has."""
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
    other = next((key for key in RIGHT if any(key in line for line in log)), None)
    if other is not None:
        curve(other, svg.PALETTE[1], "right")
    parts.append(svg.text(left, height - 8, "loss (left)", kind="soft"))
    parts.append(
        svg.text(width - right, height - 8, f"{RIGHT[other]} (right), by epoch" if other else "by epoch", anchor="end", kind="soft")
    )
    return svg.figure(parts, width=width, height=height, title=title)
