"""One Parquet a plate: cells sorted by well, site and object, 16 whole wells a row group. A well or a block of features is read alone.

Values are float32 with the mantissa rounded to 14 bits (relative error 3e-5), byte-stream-split and compressed.
float16 is never used: features of real cells overflow it. The rows of each well stand in the metadata of the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from impasto.cells.columns import BOX, CENTER, OBJECT, PLACE, QC, Bits

FORMAT = 1
CELLS, SITES, WELLS = "cells.json", "sites.parquet", "wells.parquet"
"""Files of a folder of cells: what it holds, where the pixels lie, and what was done to which well."""
QUALITY_RECEIPT = "cells_qc.json"
"""The receipt of a check of cells."""
WELLS_OF_GROUP = 16
VALUES_OF_GROUP = 1 << 25
"""A row group holds fewer wells where 16 would hold more values than this."""
METADATA = b"impasto cells"
Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
_KEPT_BITS = 14
_DROPPED = 23 - _KEPT_BITS
_PIECE = 1 << 20


@dataclass(frozen=True)
class Span:
    """Where a well lies in the file of its plate.

    Attributes
    ----------
    well
        `A01`.
    group
        The row group.
    start, stop
        Its rows in the file.

    """

    well: str
    group: int
    start: int
    stop: int


@dataclass(frozen=True)
class Group:
    """The cells of some whole wells.

    Attributes
    ----------
    wells, sites
        (n,) text.
    numbers
        (n,) the number of the unit in its site.
    partners
        Kind of object -> (n,) its number, below 0 for none.
    centers
        (n, 2) X and Y, NaN where not known.
    boxes
        (n, 4) X0, Y0, X1, Y1, NaN where not known.
    bits
        (n,) of `Metadata_QC`.
    values
        (features, n).

    """

    wells: npt.NDArray[np.str_]
    sites: npt.NDArray[np.str_]
    numbers: Integers
    partners: Mapping[str, Integers]
    centers: Floats
    boxes: Floats
    bits: Bits
    values: Floats


def rounded(values: Floats, /) -> Floats:
    """Values with 14 bits of mantissa, to the nearest.

    Parameters
    ----------
    values
        Of any shape. They are not changed.

    Returns
    -------
    Floats
        The same shape; missing and infinite values stay.

    """
    near = np.array(values, dtype=np.float32, order="C")
    flat = near.reshape(-1)
    half, mask = np.uint32(1 << (_DROPPED - 1)), np.uint32(0xFFFFFFFF ^ ((1 << _DROPPED) - 1))
    for first in range(0, flat.size, _PIECE):  # so that no second copy of a group is in memory
        piece = flat[first : first + _PIECE]
        bits, is_number = piece.view(np.uint32), np.isfinite(piece)
        np.add(bits, half, out=bits, where=is_number)
        np.bitwise_and(bits, mask, out=bits, where=is_number)
    return near


def groups_of(counts: Sequence[int], width: int, /) -> list[range]:
    """Which wells share a row group.

    Parameters
    ----------
    counts
        Cells of each well, in order.
    width
        Features.

    Returns
    -------
    list[range]
        At most 16 wells each, and fewer where they would hold too many values.

    """
    groups, start, values = list[range](), 0, 0
    for well, count in enumerate(counts):
        more = count * width
        if well > start and (well - start == WELLS_OF_GROUP or values + more > VALUES_OF_GROUP):
            groups.append(range(start, well))
            start, values = well, 0
        values += more
    return [*groups, range(start, len(counts))] if len(counts) else groups


def spans_of(wells: Sequence[str], counts: Sequence[int], groups: Iterable[range], /) -> list[Span]:
    """Where each well lies.

    Parameters
    ----------
    wells, counts
        The wells of a plate in order, and their cells.
    groups
        As `groups_of` gives them.

    Returns
    -------
    list[Span]
        One a well.

    """
    ends = np.concatenate([[0], np.cumsum(counts)])
    return [Span(wells[w], number, int(ends[w]), int(ends[w + 1])) for number, members in enumerate(groups) for w in members]


def write(
    path: Path,
    groups: Iterable[Group],
    /,
    *,
    place: Mapping[str, str],
    features: Sequence[str],
    partners: Sequence[str],
    spans: Sequence[Span],
) -> None:
    """Write the file of a plate.

    Parameters
    ----------
    path
        The file.
    groups
        In order.
    place
        Source, batch and plate, by their columns.
    features
        Names, in the order of the values.
    partners
        Columns of partners' numbers, as `columns.object_column` names them.
    spans
        Where each well lies.

    """
    said = {"format": FORMAT, "place": dict(place), "wells": [[s.well, s.group, s.start, s.stop] for s in spans]}
    shape = _schema(features, partners).with_metadata({METADATA: json.dumps(said).encode()})
    with pq.ParquetWriter(
        path,
        shape,
        compression="zstd",
        compression_level=1,
        use_dictionary=list(PLACE),
        use_byte_stream_split=list(features) or False,
        write_statistics=[PLACE[3]],
    ) as writer:
        for group in groups:
            table = _table(group, place, shape, partners)
            writer.write_table(table, row_group_size=max(1, table.num_rows))


def _schema(features: Sequence[str], partners: Sequence[str]) -> pa.Schema:
    text = pa.dictionary(pa.int32(), pa.string())
    numbers = [(OBJECT, pa.int32()), *((name, pa.int32()) for name in partners)]
    centers, boxes = [(name, pa.float32()) for name in CENTER], [(name, pa.int16()) for name in BOX]
    values = [(name, pa.float32()) for name in features]
    return pa.schema([*((name, text) for name in PLACE), *numbers, *centers, *boxes, (QC, pa.uint16()), *values])


def _table(group: Group, place: Mapping[str, str], shape: pa.Schema, partners: Sequence[str]) -> pa.Table:
    rows = len(group.numbers)
    words = [place.get(name, "") for name in PLACE[:3]]
    texts = [*(np.full(rows, word, dtype=object) for word in words), group.wells.astype(object), group.sites.astype(object)]
    columns = [pa.array(text, type=pa.string()).dictionary_encode() for text in texts]
    columns += [pa.array(group.numbers.astype(np.int32))]
    columns += [_whole(group.partners[name], pa.int32(), group.partners[name] < 0) for name in partners]
    columns += [pa.array(center) for center in np.ascontiguousarray(group.centers.T)]
    columns += [_whole(np.nan_to_num(box), pa.int16(), np.isnan(box)) for box in np.ascontiguousarray(group.boxes.T)]
    columns += [pa.array(group.bits)]
    columns += [pa.array(row) for row in group.values]
    return pa.Table.from_arrays(columns, schema=shape)


def _whole(values: npt.NDArray[np.generic], kind: pa.DataType, missing: npt.NDArray[np.bool_]) -> pa.Array:
    width = np.int16 if kind == pa.int16() else np.int32
    limit = np.iinfo(width).max
    return pa.array(np.clip(values.astype(np.float64), -limit, limit).astype(width), type=kind, mask=missing)


def read_spans(file: pq.ParquetFile, /) -> list[Span]:
    """Where each well lies in a file.

    Parameters
    ----------
    file
        An open file that `write` wrote.

    Returns
    -------
    list[Span]
        One a well, in order.

    """
    said = json.loads(file.schema_arrow.metadata[METADATA])
    return [Span(str(well), int(group), int(start), int(stop)) for well, group, start, stop in said["wells"]]


def side_of_images(images: pd.DataFrame, side: str, /) -> npt.NDArray[np.float64]:
    """The size of each image along one side.

    Parameters
    ----------
    images
        One row an image, with `Width` or `Width_DNA` where it is known.
    side
        `Width` or `Height`.

    Returns
    -------
    npt.NDArray[np.float64]
        (images,) in pixels, NaN where nobody says it.

    """
    column = next((c for c in images if str(c).startswith(f"{side}_") or c == side), None)
    if column is None:
        return np.full(len(images), np.nan)
    return np.asarray(pd.to_numeric(images[column], errors="coerce"), dtype=np.float64)
