"""Profiles of sites from tables of objects: what is said of an image, and the medians over its objects.

How many objects an image has is read first. Each image is done with its last object, so memory holds one image where objects stand image
by image.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import tables
from impasto.object_tables.run import Measured, Values


def of_runs(runs: Sequence[Measured], /) -> tuple[pd.DataFrame, list[str]]:
    """The images of some runs, one below the other.

    Parameters
    ----------
    runs
        At least one.

    Returns
    -------
    table : pandas.DataFrame
        One row an image: annotation, counts, measurements of the whole image, medians over its objects.
    how : list[str]
        What was read and left out, in sentences.

    """
    table = tables.stacked([_images(run) for run in runs])
    kinds = sorted({kind for run in runs for kind in run.measured})
    read = f"{len(table)} images; " + (f"medians over their objects {', '.join(kinds)}" if kinds else "they have no objects")
    return table, list(dict.fromkeys([read, *(note for run in runs for note in run.notes())]))


def _images(run: Measured) -> pd.DataFrame:
    whole = run.whole_images()
    parts = [whole]
    for kind, columns in run.measured.items():
        medians = of_images(run, kind, columns, images=len(whole))
        parts.append(pd.DataFrame(medians, columns=[run.feature(kind, column) for column in columns], index=whole.index))
    return pd.concat(parts, axis=1)


def of_images(run: Measured, kind: str, columns: Sequence[str], /, *, images: int) -> Values:
    """Medians over the objects of each image.

    Parameters
    ----------
    run
        What holds them.
    kind
        Of the objects.
    columns
        Which of them.
    images
        How many images the run has.

    Returns
    -------
    Values
        (images, columns) NaN where no object of the image has a value.

    """
    left = np.zeros(images, dtype=np.int64)
    for image, _ in run.parts(kind, []):
        left += np.bincount(image[image >= 0], minlength=images)
    medians = np.full((images, len(columns)), np.nan)
    waiting: dict[int, list[Values]] = {}
    for image, values in run.parts(kind, columns):
        for number, rows in _by_image(image):
            waiting.setdefault(number, []).append(values[rows])
            left[number] -= len(rows)
            if not left[number]:
                medians[number] = _middle(np.concatenate(waiting.pop(number)))
    return medians


def _by_image(image: npt.NDArray[np.int64]) -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
    """Images that are known, and the rows of each."""
    order = np.argsort(image, kind="stable")
    ordered = image[order]
    edges = [*np.flatnonzero(np.diff(ordered, prepend=-1)), len(ordered)]
    for first, last in itertools.pairwise(edges):
        if ordered[first] >= 0:
            yield int(ordered[first]), order[first:last]


def _middle(values: Values) -> npt.NDArray[np.float64]:
    """(columns,) medians of values (objects, columns), missing ones left out."""
    ordered = np.sort(values, axis=0)  # missing values come last
    there = (~np.isnan(values)).sum(axis=0)
    low, high = (np.take_along_axis(ordered, np.maximum(at, 0)[None], axis=0)[0] for at in ((there - 1) // 2, there // 2))
    high = np.where(there > 0, high, np.nan)
    with np.errstate(invalid="ignore"):
        return np.where(low == high, low, (low + high) / 2)
