"""A figure with its title: embedded in a page, or written as files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes

from impasto import texts
from impasto.report.figures import style


@dataclass(frozen=True)
class Drawing:
    """One figure of a page.

    Attributes
    ----------
    title
        What it shows, in words: its text alternative and the name of its files.
    svg
        The whole SVG file, in the light theme.
    png
        Gives the same figure as PNG.

    """

    title: str
    svg: str
    png: Callable[[], bytes]

    def __html__(self) -> str:
        """The figure inside a page, in the page's colours."""
        return style.on_page(self.svg)


def draw(on: Callable[[Axes], object], /, *, title: str, width: float = 420.0, height: float = 300.0) -> Drawing:
    """A figure from what a function draws.

    Parameters
    ----------
    on
        Draws on empty axes.
    title
        What the figure shows, in words.
    width, height
        Of the figure, in pixels.

    Returns
    -------
    Drawing
        The figure as SVG, and as PNG when asked for.

    """
    with rc_context(style.RC):
        figure = style.blank(width=width, height=height)
        on(figure.subplots())
        return Drawing(title, style.svg(figure, title=title), lambda: style.png(figure))


def drawings(value: Any, /) -> Iterator[Drawing]:
    """All drawings in nested lists and dictionaries, in order.

    Parameters
    ----------
    value
        A drawing, a list, a tuple, a dictionary, a dataclass, or anything else, which holds none.

    Yields
    ------
    Drawing
        One of them.

    """
    if isinstance(value, Drawing):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        yield from drawings([getattr(value, field.name) for field in fields(value)])
    elif isinstance(value, dict | list | tuple):
        for member in value.values() if isinstance(value, dict) else value:
            yield from drawings(member)


def write(figures: Iterator[Drawing], folder: Path, /, *, png: bool = False) -> list[Path]:
    """Write figures as SVG, named by their titles. Two figures of one title get a number.

    Parameters
    ----------
    figures
        What to write.
    folder
        Where.
    png
        Whether to write PNG too, 3 pixels a unit.

    Returns
    -------
    list[Path]
        The SVG files, in order.

    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for figure in figures:
        path = _free(folder / f"{_file_name(figure.title)}.svg", taken=written)
        texts.write(path, figure.svg)
        written.append(path)
        if png:
            path.with_suffix(".png").write_bytes(figure.png())
    return written


def _file_name(title: str) -> str:
    return re.sub(r"[^\w.+-]+", "_", title).strip("_").lower()[:120] or "figure"


def _free(path: Path, *, taken: list[Path]) -> Path:
    """The path, or with a number where two figures share a title."""
    number, free = 2, path
    while free in taken:
        free, number = path.with_stem(f"{path.stem}_{number}"), number + 1
    return free
