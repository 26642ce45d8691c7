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

METHODS = ("pca", "tsne", "umap")
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


def draw(maps: Sequence[tuple[str, Points, pd.DataFrame]], /, *, title: str, side: float = 210.0) -> str:
    """One figure. `maps`: name of the table, positions (rows, 2), and colourings (rows, columns): a row of panels a column.

    The ten commonest values of a colouring have colours of their own, others are grey; `negative control` is drawn first, in ink.
    """
    gap, left, top = 10.0, 16.0, 34.0
    parts: list[str] = []
    colourings = list(maps[0][2].columns)
    for down, colouring in enumerate(colourings):
        names = pd.concat([m[2][colouring] for m in maps]).astype(str).value_counts().index
        names = [n for n in names if n != "negative control"]
        colour = {n: svg.PALETTE[i] if i < len(svg.PALETTE) else "#98a2b3" for i, n in enumerate(names)}
        y = top + down * (side + gap + 12)
        parts.append(f'<g transform="translate(11,{y + side / 2:.0f}) rotate(-90)">{svg.text(0, 0, colouring, anchor="middle")}</g>')
        for across, (name, points, told) in enumerate(maps):
            x = left + across * (side + gap)
            if not down:
                parts.append(svg.text(x + side / 2, top - 10, name, anchor="middle", kind="strong"))
            parts.append(svg.box(x, y, side, side, kind="frame"))
            parts += _dots(points, told[colouring].astype(str).to_numpy(), colour, x=x, y=y, side=side)
    height = top + len(colourings) * (side + gap + 12)
    return svg.figure(parts, width=left + len(maps) * (side + gap), height=height, title=title)


def _dots(points: Points, labels: npt.NDArray[np.str_], colour: dict[str, str], *, x: float, y: float, side: float) -> list[str]:
    low, high = np.quantile(points, 0.002, axis=0), np.quantile(points, 0.998, axis=0)
    place = 6 + (side - 12) * np.clip((points - low) / np.maximum(high - low, 1e-9), 0, 1)
    order = np.argsort(labels != "negative control", kind="stable")
    return [
        svg.dot(x + place[i, 0], y + side - place[i, 1], radius=1.6, colour=colour.get(labels[i], "#1f2530"), kind="point") for i in order
    ]
