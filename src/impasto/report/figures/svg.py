"""The few SVG elements that the figures are made of. Text and colours come from the page's CSS, so figures follow its theme."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from html import escape

PALETTE = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#997700", "#7777bb", "#bb7744", "#44aa99")
"""Paul Tol's bright scheme, readable with colour-vision deficiencies."""


Place = Callable[[float, float], tuple[float, float]]
"""From the figure's own coordinates to SVG's."""


def figure(parts: Iterable[str], *, width: float, height: float, title: str) -> str:
    """A whole figure; `title` is its text alternative."""
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(title, quote=True)}" '
        f'style="max-width:{width:.0f}px">{"".join(parts)}</svg>'
    )


def text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "") -> str:
    """Words at a place; `kind` is a CSS class (soft, strong)."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, *, kind: str = "axis") -> str:
    """A straight line of a CSS class."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def dot(x: float, y: float, *, radius: float, colour: str, tip: str = "", kind: str = "") -> str:
    """A filled circle with a tooltip."""
    told = f"<title>{escape(tip)}</title>" if tip else ""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour}" class="{kind}">{told}</circle>'


def box(x: float, y: float, width: float, height: float, *, colour: str = "", kind: str = "", tip: str = "") -> str:
    """A filled rectangle with a tooltip."""
    told = f"<title>{escape(tip)}</title>" if tip else ""
    fill = f' fill="{colour}"' if colour else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"{fill} class="{kind}">{told}</rect>'


def heat(share: float) -> str:
    """A colour for 0..1, light to dark (a viridis-like ramp with even steps of lightness)."""
    stops = ((0.0, (246, 239, 225)), (0.35, (240, 183, 110)), (0.65, (204, 92, 62)), (1.0, (94, 24, 66)))
    share = min(1.0, max(0.0, share))
    for (a, low), (b, high) in itertools.pairwise(stops):
        if share <= b:
            mix = (share - a) / (b - a)
            return "#" + "".join(f"{round(p + (q - p) * mix):02x}" for p, q in zip(low, high, strict=True))
    return "#5e1842"
