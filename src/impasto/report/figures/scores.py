"""Scores as dots with their intervals, chance as a tick: one row a group."""

from __future__ import annotations

import pandas as pd

from impasto.report.figures import svg

_LEFT, _RIGHT, _ROW, _TOP = 250.0, 60.0, 26.0, 14.0


def draw(rows: pd.DataFrame, /, *, title: str, width: float = 720.0, top: float = 1.0) -> str:
    """`rows` has group, value, low, high, chance; baselines are drawn hollow."""
    height = _TOP + _ROW * len(rows) + 30
    span = width - _LEFT - _RIGHT

    def at(value: float) -> float:
        return _LEFT + span * min(value, top) / top

    parts = [svg.line(at(top * k / 5), _TOP, at(top * k / 5), height - 26, kind="grid") for k in range(6)]
    parts += [svg.text(at(top * k / 5), height - 8, f"{top * k / 5:.2g}", anchor="middle", kind="soft") for k in range(6)]
    for number, row in enumerate(rows.itertuples()):
        y = _TOP + _ROW * (number + 0.5)
        baseline = is_baseline(str(row.group))
        parts.append(svg.text(_LEFT - 12, y + 4, _short(str(row.group)), anchor="end", kind="soft" if baseline else ""))
        if pd.notna(row.chance):
            parts.append(svg.line(at(row.chance), y - 8, at(row.chance), y + 8, kind="chance"))
        if pd.notna(row.low):
            parts.append(svg.line(at(row.low), y, at(row.high), y, kind="interval baseline" if baseline else "interval"))
        tip = f"{row.group}: {row.value:.3f}" + (f" ({row.low:.3f} to {row.high:.3f})" if pd.notna(row.low) else "")
        parts.append(svg.dot(at(row.value), y, radius=5, colour="", tip=tip, kind="hollow" if baseline else "full"))
        parts.append(svg.text(width - _RIGHT + 14, y + 4, f"{row.value:.3f}", kind="soft" if baseline else "strong"))
    return svg.figure(parts, width=width, height=height, title=title)


def is_baseline(group: str) -> bool:
    """Whether a group of scores is a baseline that uses no morphology, or no labels."""
    return group.endswith((" only", "shuffled labels"))


def _short(words: str) -> str:
    return words if len(words) <= 34 else words[:33] + "…"
