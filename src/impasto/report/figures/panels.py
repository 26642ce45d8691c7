"""Maps of several tables side by side, a row of panels a colouring: what a correction did, at a glance (CellPainTR, Figures 5 to 7).

PCA, t-SNE (perplexity 30) and UMAP (15 neighbours) of unit vectors, so that all follow the cosine by which profiles are scored. A map
is for looking: distances between far clusters mean nothing in t-SNE and UMAP, and each panel has its own axes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto.atlas import layout
from impasto.report.figures import svg
from impasto.schema import InputError

METHODS = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
"""Maps by the name that a recipe gives them, and as they are written."""
CONTROL, OTHERS = "negative control", "others"
_INK, _GREY = "currentColor", "#98a2b3"
"""Ink is the text's colour, light on a dark page."""
_ACROSS = 4
_LETTER = 8.2
"""Room for a wide letter of a figure's text."""
_ROUNDS = 4
Points = npt.NDArray[np.float32]


def flat(vectors: Points, /, *, method: str, seed: int) -> Points:
    """Positions (rows, 2) of unit vectors (rows, width). Raises InputError where umap-learn is asked for and not installed."""
    if method == "umap":
        if not layout.has_umap():
            raise InputError("umap panels need umap-learn; install it with: pip install 'impasto[plots]', or leave umap out of methods")
        return layout.by_umap(vectors, seed=seed)
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if method == "pca":
        return np.asarray(PCA(2, random_state=seed).fit_transform(vectors), np.float32)
    perplexity = min(30.0, (len(vectors) - 1) / 3)
    return np.asarray(TSNE(2, metric="cosine", init="pca", perplexity=perplexity, random_state=seed).fit_transform(vectors), np.float32)


def draw(maps: Sequence[tuple[str, Points, pd.DataFrame]], /, *, title: str, side: float = 226.0) -> str:
    """One figure: for each colouring the panels of all tables, four abreast, and a legend.

    `maps`: name of the table, positions (rows, 2), and colourings (rows, columns).

    The ten commonest values of a colouring have colours of their own, others are grey; `negative control` is drawn first, in ink.
    """
    gap, left, head = 10.0, 18.0, 24.0
    width = left + min(len(maps), _ACROSS) * (side + gap)
    parts: list[str] = []
    y = 0.0
    for colouring in maps[0][2].columns:
        colour = _colours(pd.concat([m[2][colouring] for m in maps]).astype(str))
        top = y + head
        for number, (name, points, told) in enumerate(maps):
            down, across = divmod(number, _ACROSS)
            x, y = left + across * (side + gap), top + down * (side + gap + head)
            parts.append(svg.text(x + side / 2, y - 8, name, anchor="middle", kind="strong"))
            parts.append(svg.box(x, y, side, side, kind="frame"))
            parts += _dots(points, told[colouring].astype(str).to_numpy(), colour, x=x, y=y, side=side)
        y += side
        parts.append(f'<g transform="translate(11,{(top + y) / 2:.0f}) rotate(-90)">{svg.text(0, 0, colouring, anchor="middle")}</g>')
        legend, y = _legend(colour, left=left, y=y + 18, right=width)
        parts += legend
        y += 20
    return svg.figure(parts, width=width, height=y, title=title)


def _colours(values: pd.Series) -> dict[str, str]:
    """The colour of each value, as the legend lists them: the commonest, the others, negative controls."""
    names = [str(n) for n in values.value_counts().index if n != CONTROL]
    most = min(len(names), len(svg.PALETTE))
    own = dict(zip(names[:most], svg.PALETTE[:most], strict=True))
    return own | dict.fromkeys(names[most:], _GREY) | ({CONTROL: _INK} if (values == CONTROL).any() else {})


def _legend(colour: dict[str, str], *, left: float, y: float, right: float) -> tuple[list[str], float]:
    """Names beside their colours, in as many lines as they need, and where the last line stands."""
    grey = sum(c == _GREY for c in colour.values())
    told = [(name, c) for name, c in colour.items() if c != _GREY] + ([(f"{grey} {OTHERS}", _GREY)] if grey else [])
    parts, x = [], left
    for name, own in told:
        shown = name if len(name) <= 26 else name[:25] + "…"
        wide = 26 + _LETTER * len(shown)
        if x > left and x + wide > right:
            x, y = left, y + 18
        parts += [svg.dot(x + 5, y - 4, radius=4, colour=own), svg.text(x + 14, y, shown, kind="soft")]
        x += wide
    return parts, y


def _dots(points: Points, labels: npt.NDArray[np.str_], colour: dict[str, str], *, x: float, y: float, side: float) -> list[str]:
    """One path a colour, of strokes without length whose round ends are the dots; in some rounds, so that no colour covers the others."""
    low, high = np.quantile(points, 0.002, axis=0), np.quantile(points, 0.998, axis=0)
    place = 6 + (side - 12) * np.clip((points - low) / np.maximum(high - low, 1e-9), 0, 1)
    colours = np.array([colour[name] for name in labels])
    turn = np.where(labels == CONTROL, -1, np.arange(len(labels)) % _ROUNDS)
    paths = []
    for number in range(-1, _ROUNDS):
        for own in dict.fromkeys(colour.values()):
            rows = np.flatnonzero((turn == number) & (colours == own))
            if len(rows):
                strokes = "".join(f"M{x + place[i, 0]:.1f} {y + side - place[i, 1]:.1f}h0" for i in rows)
                paths.append(f'<path d="{strokes}" stroke="{own}" class="dots"/>')
    return paths
