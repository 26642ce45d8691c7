"""What all figures share: colours, fonts, tooltips, and how a matplotlib figure becomes SVG for a page or a file.

A figure is drawn in the light theme. On a page its colours become the page's own, so that it follows light and dark.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from matplotlib import rc_context
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from impasto import schema

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, SOFT, LINE, GRID, ACCENT, BLUE = "#1f2530", "#69707d", "#dcd8ce", "#ece8df", "#a8431c", "#4477aa"
PAPER = "#ffffff"
KINDS = {schema.NEGCON: "#5b6270", schema.TRT: "#0072b2", schema.POSCON: "#d55e00", schema.EMPTY: "#c9ced6"}
"""The colour of each kind of well, everywhere: readable with colour-vision deficiencies, and none of them means good or bad."""
THEME = {
    PAPER: "--paper",
    INK: "--ink",
    SOFT: "--soft",
    LINE: "--line",
    GRID: "--grid",
    ACCENT: "--accent",
    BLUE: "--blue",
    **{colour: f"--{kind}" for kind, colour in KINDS.items()},
}
"""Colour of the light theme -> the page's variable for it."""
PALETTE = (BLUE, "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#997700", "#7777bb", "#bb7744", "#44aa99")
"""Paul Tol's bright scheme, readable with colour-vision deficiencies."""
GREY = "#98a2b3"
"""For what has no colour of its own."""
HEAT = LinearSegmentedColormap.from_list("heat", [(0.0, "#f6efe1"), (0.35, "#f0b76e"), (0.65, "#cc5c3e"), (1.0, "#5e1842")])
"""Light to dark, in even steps of lightness."""
DOTS_AN_INCH = 100
RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": LINE,
    "axes.grid": False,
    "grid.color": GRID,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "legend.frameon": False,
    "legend.fontsize": 8,
}
_TIP = "tip:"


def colours(names: Sequence[str], /) -> dict[str, str]:
    """The colours of some names, the commonest first.

    Parameters
    ----------
    names
        Of a category.

    Returns
    -------
    dict[str, str]
        Kinds of wells have colours of their own. Of other names the first ten have one each, the rest are grey.

    """
    if set(names) <= {*KINDS, schema.UNKNOWN}:
        return {name: KINDS.get(name, GREY) for name in names}
    return {name: PALETTE[number] if number < len(PALETTE) else GREY for number, name in enumerate(names)}


def blank(*, width: float, height: float) -> Figure:
    """An empty figure, which no window manager knows.

    Parameters
    ----------
    width, height
        In pixels.

    Returns
    -------
    Figure
        Without axes.

    """
    return Figure(figsize=(width / DOTS_AN_INCH, height / DOTS_AN_INCH), dpi=DOTS_AN_INCH, layout="constrained")


def tips(texts: Sequence[str]) -> list[str | None]:
    """Tooltips, as the addresses that matplotlib writes around its points (`PathCollection.set_urls`).

    Parameters
    ----------
    texts
        One a point.

    Returns
    -------
    list[str | None]
        None for an empty text.

    """
    return [_TIP + quote(text, safe="") if text else None for text in texts]


def legend(axes: Axes, *, columns: int = 2, at: float = -0.16) -> None:
    """Draw the legend below the axes.

    Parameters
    ----------
    axes
        Axes with labelled artists.
    columns
        Of the legend.
    at
        Its upper end, in heights of the axes.

    """
    axes.legend(loc="upper left", bbox_to_anchor=(-0.02, at), ncols=columns, handletextpad=0.4, columnspacing=1.2, borderaxespad=0)


def frame(axes: Axes) -> None:
    """Give axes a map's frame: all four sides, no scales.

    Parameters
    ----------
    axes
        The axes.

    """
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)


def svg(figure: Figure, /, *, title: str) -> str:
    """The figure as an SVG file in the light theme; the same bytes each time.

    Parameters
    ----------
    figure
        The figure.
    title
        Its text alternative.

    Returns
    -------
    str
        The file.

    """
    with rc_context({**RC, "svg.hashsalt": title}):
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", written.getvalue(), flags=re.DOTALL)
    text = re.sub(r'<a xlink:href="tip:([^"]*)"[^>]*>(.*?)</a>', _with_title, text, flags=re.DOTALL)
    words = f'role="img" aria-label="{escape(title, quote=True)}"'
    return text[text.index("<svg") :].replace("<svg ", f"<svg {words} ", 1).rstrip() + "\n"


def png(figure: Figure, /, *, scale: float = 3.0) -> bytes:
    """The figure as PNG.

    Parameters
    ----------
    figure
        The figure.
    scale
        Pixels a unit.

    Returns
    -------
    bytes
        The file.

    """
    written = io.BytesIO()
    with rc_context(RC):
        figure.savefig(written, format="png", dpi=DOTS_AN_INCH * scale, facecolor="white", metadata={"Software": None})
    return written.getvalue()


def on_page(text: str, /) -> str:
    """An SVG for a page: its colours are the page's, its size follows the column, its names clash with no other figure's.

    Parameters
    ----------
    text
        An SVG that `svg` made.

    Returns
    -------
    str
        The `<svg>` element.

    """
    for colour, variable in THEME.items():
        text = text.replace(colour, f"var({variable})")
    text = re.sub(r"<style[^>]*>.*?</style>|<defs>\s*</defs>", "", text, flags=re.DOTALL)
    # Names of groups are the same in every figure; only those that something refers to stay.
    used = set(re.findall(r"#([\w-]+)", text))
    text = re.sub(r' id="([^"]*)"', lambda match: match.group(0) if match.group(1) in used else "", text)
    width = re.search(r'viewBox="0 0 ([\d.]+) ', text)
    sized = f"max-width:{float(width.group(1)) * DOTS_AN_INCH / 72:.0f}px" if width else ""
    head, _, rest = text.partition(">")
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    return f'{head} style="{sized};stroke-linejoin:round;stroke-linecap:butt">{rest}'


def _with_title(match: re.Match[str]) -> str:
    return f"<g><title>{escape(unquote(match.group(1)))}</title>{match.group(2)}</g>"
