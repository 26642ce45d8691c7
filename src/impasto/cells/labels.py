"""Label images: those that a segmenter gave are checked; those that the user has are read, a file a site.

Labels are whole numbers, 0 for none, of the size of the field, and one piece each. Of a label in several pieces the largest stays, and such
labels are counted. A single number in many pieces is no label but a mask, and is refused.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from impasto import border, schema
from impasto.cells.segment import Labels
from impasto.plates import read
from impasto.plates.read import BadImage
from impasto.schema import InputError

PATTERN = "{plate}/{well}_{site}.tif"
"""Names of label images below a folder, where nothing else is said."""
WORDS = (schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL, schema.SITE)
_MASK_OF = 3
"""A lone number in so many pieces is a mask."""
_NUMBERS = 2**31


class LabelFiles:
    """The user's own label images of nuclei.

    Parameters
    ----------
    path
        A folder with `{plate}/{well}_{site}.tif`, or a pattern with the words source, batch, plate, well and site in braces.

    Attributes
    ----------
    pattern
        Of their names.
    folder
        That they all lie in.

    """

    def __init__(self, path: Path, /) -> None:
        text = str(path)
        self.pattern = text if "{" in text else str(path / PATTERN)
        try:
            parts = list(string.Formatter().parse(self.pattern))
        except ValueError as error:
            raise InputError(f"--labels {path}: {error}; write words in braces, as in 'labels/{PATTERN}'") from error
        if any(form or conversion for _, _, form, conversion in parts):
            raise InputError(f"--labels {path}: words stand alone in braces, as in 'labels/{PATTERN}'; a site is named as it was ingested")
        words = {name for _, name, _, _ in parts if name is not None}
        if strange := words - set(WORDS):
            raise InputError(f"--labels {path}: unknown word {sorted(strange)[0]!r} in braces; allowed: {', '.join(WORDS)}")
        if schema.WELL not in words:
            raise InputError(f"--labels {path} names no {{well}}, so all sites would have one label image; write it as 'labels/{PATTERN}'")
        fixed = Path(re.split(r"[{]", self.pattern)[0])
        folder = fixed if self.pattern.startswith(f"{fixed}/") or "{" not in self.pattern else fixed.parent
        if not folder.is_dir():
            raise InputError(f"--labels {path}: there is no folder {folder}; give the folder of label images, or a pattern of their names")
        self.folder = folder

    def path(self, place: Mapping[str, object], /) -> Path:
        """Where the label image of a site should be.

        Parameters
        ----------
        place
            Source, batch, plate, well and site.

        Returns
        -------
        Path
            There or not.

        """
        return Path(self.pattern.format(**{word: place.get(word, "") for word in WORDS}))

    def read(self, place: Mapping[str, object], shape: tuple[int, ...], /) -> npt.NDArray[np.generic]:
        """The label image of a site.

        Parameters
        ----------
        place
            Source, batch, plate, well and site.
        shape
            (H, W) of the field.

        Returns
        -------
        npt.NDArray[np.generic]
            (H, W) as it is written.

        Raises
        ------
        BadImage
            It is not there, cannot be read, or has another size.

        """
        path = self.path(place)
        if not path.exists():
            raise BadImage(path, f"there is no label image {path.name}")
        plane = _npy(path) if path.suffix == ".npy" else read.plane(path)
        if plane.shape != shape:
            raise BadImage(path, f"the label image {path.name} is {_size(plane.shape)}, and the field {_size(shape)}")
        return np.asarray(plane)


def _npy(path: Path) -> npt.NDArray[np.generic]:
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise BadImage(path, f"the label image {path.name} cannot be read ({border.cause(error)})") from error


def checked(labels: npt.NDArray[np.generic], shape: tuple[int, ...], /, *, whose: str) -> tuple[Labels, int]:
    """Labels as they are measured: 1 to their number, each in one piece.

    Parameters
    ----------
    labels
        (H, W) as they were given.
    shape
        Of the field.
    whose
        Who gave them, for sentences.

    Returns
    -------
    labels : Labels
        (H, W), numbered in the order of the given numbers.
    pieces : int
        How many labels were in several pieces; the largest piece of each stays.

    Raises
    ------
    InputError
        They are no whole numbers, of another size, or a mask.

    """
    whole = labels.astype(np.int64) if _is_whole(labels) else None
    if whole is None or labels.shape != shape or whole.min(initial=0) < 0 or whole.max(initial=0) >= _NUMBERS:
        raise InputError(f"{whose} gave {labels.dtype} of {_size(labels.shape)}; labels are whole numbers from 0 on, of {_size(shape)}")
    numbers, of_pixels = np.unique(whole, return_inverse=True)
    numbered = of_pixels.reshape(shape).astype(np.int32) + (0 if len(numbers) and numbers[0] == 0 else 1)
    return _largest_pieces(numbered, whose)


def _is_whole(labels: npt.NDArray[np.generic]) -> bool:
    """Whether all values are whole numbers, in whatever type they are stored."""
    if np.issubdtype(labels.dtype, np.integer):
        return True
    return np.issubdtype(labels.dtype, np.floating) and bool(np.isfinite(labels).all() and (labels == np.floor(labels)).all())


def _largest_pieces(labels: Labels, whose: str) -> tuple[Labels, int]:
    from skimage.measure import label

    count = int(labels.max(initial=0))
    pieces = label(labels, connectivity=2, background=0)
    sizes = np.bincount(pieces.ravel())
    inside = pieces > 0
    of_piece = np.zeros(len(sizes), dtype=np.int64)
    of_piece[pieces[inside]] = labels[inside]
    if len(sizes) - 1 == count:
        return labels, 0
    if count == 1 and len(sizes) - 1 >= _MASK_OF:
        raise InputError(
            f"{whose} gave one number in {len(sizes) - 1} pieces: a mask, and no labels; give each nucleus a number of its own, as "
            "scipy.ndimage.label does"
        )
    order = np.lexsort((np.arange(len(sizes)), -sizes, of_piece))
    first = np.flatnonzero(np.diff(of_piece[order], prepend=-1))
    largest = np.zeros(len(sizes), dtype=bool)
    largest[order[first]] = True
    several = int((np.bincount(of_piece[1:], minlength=count + 1)[1:] > 1).sum())
    return np.where(largest[pieces], labels, 0).astype(np.int32), several


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
