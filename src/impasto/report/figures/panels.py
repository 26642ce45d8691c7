"""Maps of several tables side by side, a row of panels a colouring: what a correction did, at a glance (CellPainTR, Figures 5 to 7).

PCA, t-SNE (perplexity 30) and UMAP (15 neighbours) of unit vectors, so that all follow the cosine by which profiles are scored. A map
is for looking: distances between far clusters mean nothing in t-SNE and UMAP, and each panel has its own axes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from impasto.atlas import layout
from impasto.report.figures import style
from impasto.schema import InputError

METHODS = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
"""Maps by the name that a recipe gives them, and as they are written."""
CONTROL, OTHERS = "negative control", "others"
_ACROSS = 4
_ROUNDS = 4
Points = npt.NDArray[np.float32]


def flat(vectors: Points, /, *, method: str, seed: int) -> Points:
    """A flat map of unit vectors.

    Parameters
    ----------
    vectors
        (rows, width), of unit length.
    method
        A name of `METHODS`.
    seed
        Of the map.

    Returns
    -------
    Points
        (rows, 2) of float32. The positions.

    Raises
    ------
    InputError
        UMAP is asked for and umap-learn is not installed.

    """
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


def draw(maps: Sequence[tuple[str, Points, pd.DataFrame]], /, *, side: float = 226.0) -> Figure:
    """One figure: for each colouring the panels of all tables, four abreast, and a legend.

    Parameters
    ----------
    maps
        Of each table its name, positions (rows, 2) and colourings (rows, columns).
    side
        Of one panel, in pixels.

    Returns
    -------
    Figure
        The ten commonest values of a colouring have colours of their own, others are grey. `negative control` is drawn first, in ink.

    """
    colourings = list(maps[0][2].columns)
    across = min(len(maps), _ACROSS)
    down = -(-len(maps) // across)
    with rc_context(style.RC):
        figure = style.blank(width=18 + across * (side + 10), height=len(colourings) * down * (side + 62))
        parts = figure.subfigures(len(colourings), 1, squeeze=False)[:, 0]
        for part, colouring in zip(parts, colourings, strict=True):
            colour = _colours(pd.concat([table[colouring] for _, _, table in maps]).astype(str))
            panels = part.subplots(down, across, squeeze=False).ravel()
            for axes, (name, points, table) in zip(panels, maps, strict=False):
                _dots(points, table[colouring].astype(str).to_numpy(), colour, axes)
                axes.set_title(name)
            for axes in panels[len(maps) :]:
                axes.set_axis_off()
            panels[0].set_ylabel(colouring)
            part.legend(handles=_legend(colour), loc="outside lower left", ncols=max(1, 2 * across), handletextpad=0.2)
    return figure


def _colours(values: pd.Series) -> dict[str, str]:
    """The colour of each value, as the legend lists them: the commonest, the others, negative controls."""
    names = [str(n) for n in values.value_counts().index if n != CONTROL]
    most = min(len(names), len(style.PALETTE))
    own = dict(zip(names[:most], style.PALETTE[:most], strict=True))
    return own | dict.fromkeys(names[most:], style.GREY) | ({CONTROL: style.INK} if (values == CONTROL).any() else {})


def _legend(colour: dict[str, str]) -> list[Line2D]:
    """Dots beside the names that have a colour of their own, and one for all others."""
    grey = sum(c == style.GREY for c in colour.values())
    named = [(name, c) for name, c in colour.items() if c != style.GREY] + ([(f"{grey} {OTHERS}", style.GREY)] if grey else [])
    short = [(name if len(name) <= 22 else name[:21] + "…", c) for name, c in named]
    return [Line2D([], [], marker="o", linestyle="", markersize=5, color=c, label=name) for name, c in short]


def _dots(points: Points, labels: npt.NDArray[np.str_], colour: dict[str, str], axes: Axes) -> None:
    """All rows in a mixed order, so that no colour covers the others; controls first."""
    low, high = np.quantile(points, 0.002, axis=0), np.quantile(points, 0.998, axis=0)
    place = np.clip((points - low) / np.maximum(high - low, 1e-9), 0, 1)
    turn = np.where(labels == CONTROL, -1, np.arange(len(labels)) % _ROUNDS)
    order = np.argsort(turn, kind="stable")
    axes.scatter(place[order, 0], place[order, 1], s=8, c=[colour[label] for label in labels[order]], alpha=0.75, linewidths=0)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_aspect("equal")
    style.frame(axes)
