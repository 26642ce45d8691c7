"""The figures of a page as files: SVG that stands on its own, and PNG for slides."""

from __future__ import annotations

import re
from html import unescape
from importlib.resources import files
from pathlib import Path

from impasto.schema import InputError

_COLOURS = {
    "--ink": "#1f2530",
    "--soft": "#69707d",
    "--line": "#dcd8ce",
    "--grid": "#ece8df",
    "--paper": "#ffffff",
    "--accent": "#a8431c",
    "--blue": "#4477aa",
}
"""The light theme of the page: a file on a slide cannot follow its reader's."""


def style() -> str:
    """The style sheet of all figures, its colours named by variables."""
    return (files("impasto.report.figures") / "figures.css").read_text()


def write(html: str, folder: Path, /, *, png: bool = False, scale: float = 3.0) -> list[Path]:
    """Write every figure of a page at `folder`, named by its title; with `png`, each as PNG too (3 pixels a unit).

    Raises InputError where PNG is asked for and its renderer is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for figure in re.findall(r"<svg .*?</svg>", html, flags=re.DOTALL):
        title = unescape(re.search(r'aria-label="(.*?)"', figure).group(1))  # type: ignore[union-attr]
        path = _free(folder / f"{_slug(title)}.svg", taken=written)
        path.write_text(standalone(figure))
        written.append(path)
        if png:
            path.with_suffix(".png").write_bytes(_rendered(path.read_text(), scale=scale))
    return written


def standalone(figure: str, /) -> str:
    """A figure of the page with its style inside, its size in pixels and a white ground."""
    width, height = re.search(r'viewBox="0 0 (\d+) (\d+)"', figure).groups()  # type: ignore[union-attr]
    rules = re.sub(r"var\((--\w+)\)", lambda m: _COLOURS[m.group(1)], style()).replace("svg ", "")
    words = 'font-family="sans-serif" font-size="12.5" fill="#1f2530"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" {words} '
    opened = re.sub(r'style="[^"]*"', "", figure.split(">", 1)[0].removeprefix("<svg ")) + ">"
    return f'{head}{opened}<style>{rules}</style><rect width="100%" height="100%" fill="#ffffff"/>{figure.split(">", 1)[1]}\n'


def _rendered(text: str, *, scale: float) -> bytes:
    try:
        import resvg_py
    except ImportError:
        raise InputError(
            "PNG figures need the renderer resvg; install it with: pip install 'impasto[figures]' (SVG needs nothing)"
        ) from None
    return bytes(resvg_py.svg_to_bytes(svg_string=text, zoom=round(scale)))


def _slug(title: str) -> str:
    return re.sub(r"[^\w.+-]+", "_", title).strip("_").lower()[:120] or "figure"


def _free(path: Path, *, taken: list[Path]) -> Path:
    """The path, or with a number where two figures share a title."""
    number, free = 2, path
    while free in taken:
        free, number = path.with_stem(f"{path.stem}_{number}"), number + 1
    return free
