"""The columns of a table of cells: where a cell lies, the bits that say what is wrong with it, and which measurements are features.

`SOURCE/BATCH/PLATE.parquet` holds one row a cell, sorted by well, site and object. There is no column `cell`: that word means a cell line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from impasto import feature_columns, feature_names, schema
from impasto.cellprofiler_tables import LOCATION
from impasto.spelling import PREFIX

Bits = npt.NDArray[np.uint16]
DEBRIS, CLUMP, EDGE, SATURATED, ORPHAN, FOCUS = "debris", "clump", "edge", "saturated", "orphan", "focus"
BIT: Mapping[str, int] = {DEBRIS: 1, CLUMP: 2, EDGE: 4, SATURATED: 8, ORPHAN: 16, FOCUS: 32}
"""What may be wrong with a cell -> its bit in `Metadata_QC`."""
NOTES = frozenset({CLUMP})
"""Bits that are only a note: such a cell is kept."""
PLACE = tuple(PREFIX + word for word in ("Source", "Batch", "Plate", "Well", "Site"))
"""Text, stored as dictionaries."""
WORDS = (schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL, schema.SITE)
"""The same, in our words."""
OBJECT = PREFIX + "Object"
CENTER = (PREFIX + "Center_X", PREFIX + "Center_Y")
BOX = tuple(PREFIX + f"Box_{end}" for end in ("X0", "Y0", "X1", "Y1"))
"""Half-open, in pixels."""
QC = PREFIX + "QC"
COUNT_ALL = "cell_count_all"
"""How many cells a well has before any is left out; `cell_count` counts those that are kept."""
NUCLEUS = re.compile(r"(?i)nuc")
"""What an object is named whose centre is that of the cell."""
_NO_FEATURE = re.compile(r"^(Metadata_|QC_Bits$)")
BITS = "QC_Bits"
"""Of an object: the bits that are known when it is measured."""
BOUNDING_BOX = tuple(f"AreaShape_BoundingBox{end}_{axis}" for end in ("Minimum", "Maximum") for axis in "XY")
_CENTERS = (LOCATION, ("AreaShape_Center_X", "AreaShape_Center_Y"))


def object_column(name: str, /) -> str:
    """The column that holds the number of a cell's partner.

    Parameters
    ----------
    name
        Of a kind of object: `Nuclei`.

    Returns
    -------
    str
        `Metadata_Object_Nuclei`.

    """
    return f"{OBJECT}_{name}"


def in_our_words(name: str, /) -> str:
    """The name of a stored column in `obs`.

    Parameters
    ----------
    name
        `Metadata_Center_X`.

    Returns
    -------
    str
        `center_x`.

    """
    return name.removeprefix(PREFIX).lower()


def is_feature(name: str, /) -> bool:
    """Whether a column of an object is a measurement, and no bookkeeping.

    Parameters
    ----------
    name
        With the object in front: `Nuclei_AreaShape_Area`.

    Returns
    -------
    bool
        False for positions, numbers, parents, children and metadata.

    """
    bare = name.split("_", 1)[-1]
    written_down = feature_columns.BOOKKEEPING.search(name) or feature_columns.BOOKKEEPING.search(bare)
    return not (written_down or _NO_FEATURE.match(name) or _NO_FEATURE.match(bare))


def center_of(names: Iterable[str], /) -> list[str]:
    """The columns of an object that say where its centre lies.

    Parameters
    ----------
    names
        The bare columns of the object.

    Returns
    -------
    list[str]
        X and Y; empty where no columns say it.

    """
    there = set(names)
    return next((list(pair) for pair in _CENTERS if there.issuperset(pair)), [])


def box_of(names: Iterable[str], /) -> list[str]:
    """The columns of an object that say its box.

    Parameters
    ----------
    names
        The bare columns of the object.

    Returns
    -------
    list[str]
        X0, Y0, X1, Y1 (half-open, as CellProfiler takes them from scikit-image); empty where no columns say it.

    """
    return list(BOUNDING_BOX) if set(names).issuperset(BOUNDING_BOX) else []


def are_kept(bits: Bits, /) -> npt.NDArray[np.bool_]:
    """Which cells are kept.

    Parameters
    ----------
    bits
        (n,) of `Metadata_QC`.

    Returns
    -------
    npt.NDArray[np.bool_]
        (n,) True where no bit is set but those of `NOTES`.

    """
    hard = sum(bit for name, bit in BIT.items() if name not in NOTES)
    return (bits & np.uint16(hard)) == 0


def of_measure(names: Iterable[str], /, *, group: str, measure: str, channel: str | None = None) -> str | None:
    """The feature of the nuclei that has a measure.

    Parameters
    ----------
    names
        Features.
    group, measure
        As CellProfiler names them: `AreaShape`, `Area`.
    channel
        A stain; None for a measure without one.

    Returns
    -------
    str | None
        That of an object whose name speaks of nuclei where there is one, else the first; None where no feature fits.

    """
    fitting = []
    for name in names:
        parsed = feature_names.parse(name)
        if parsed.group == group and parsed.measure == measure and (channel is None or parsed.channel == channel):
            fitting.append(name)
    return next((name for name in fitting if NUCLEUS.search(name.split("_")[0])), fitting[0] if fitting else None)
