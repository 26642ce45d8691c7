"""A training run: loss by epoch, and beside it the validation score or the rank of the embeddings, each on its own scale."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from impasto.report.figures.style import PALETTE, SOFT

RIGHT = {"validation_score": "validation MRR", "embedding_rank": "rank of embeddings"}
"""What stands on the right: key of the log -> what it is called."""


def draw(log: list[dict[str, Any]], axes: Axes, /) -> Axes:
    """Lines of `loss` and of the first of `RIGHT` that the log has, over epochs.

    Parameters
    ----------
    log
        One dictionary an epoch, as in a run's `log.jsonl`.
    axes
        Where to draw.

    Returns
    -------
    Axes
        The axes given.

    """
    other = next((key for key in RIGHT if any(key in line for line in log)), None)
    sides = [("loss", "loss", axes)] + ([(other, RIGHT[other], axes.twinx())] if other else [])
    for (key, label, side), colour in zip(sides, PALETTE, strict=False):
        points = [(line["epoch"], line[key]) for line in log if key in line]
        side.plot([epoch for epoch, _ in points], [value for _, value in points], color=colour, marker="o", markersize=2.5)
        side.set_ylabel(label, color=colour)
        side.spines["top"].set_visible(False)
    axes.set_xlabel("epoch")
    axes.tick_params(colors=SOFT)
    return axes
