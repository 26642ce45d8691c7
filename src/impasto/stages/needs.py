"""What the stages take of memory, disk and time, by the sizes that headers tell. The factors were measured: `python -m benchmarks.needs`.

Here are the stages that read tables of profiles; `needs_of_images` has those that read images and cells, `times` the seconds of all.

A stage that holds its table whole takes its libraries and a multiple of the table's values in float32. What the values of a stage are
copied for (a frame, a table of Arrow, doubles of one step, the receipt) stands in that multiple. A folder of plates that is worked on plate
by plate has no estimate: its memory does not grow with the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.need import Need
from impasto.stages import times

if TYPE_CHECKING:
    from impasto.profiles.shape import Shape
    from impasto.stages.held import Sizes

MB = 2**20
TABLES, NETS = 230 * MB, 500 * MB
"""What the libraries of tables take, and those of nets."""
_UMAP = 650 * MB
"""Those of maps, which are compiled as they run."""
_READ, _CORRECTED, _TRAINED, _INDEXED = 4, 15, 8, 17
_TASKS = {"replicates": 2, "hits": 26, "mixing": 14}
"""Multiples beside reading; of another task no more is said than what reading takes."""
_PAIRS = {"grit": 3.5, "mechanism": 3.4, "shortcuts": 1.4, "sisters": 1.0}
"""Bytes of each pair of rows, of tasks that hold some of them."""
_MOST_PAIRED = 20_000
"""Rows whose pairs are counted: nothing is refused for what larger tables might hold, as none was measured."""
_DRAWN = {"mixing": 20_000}
"""Tasks that draw so many rows of a large table (`evaluation.samples`)."""
_WRITTEN = {".csv": 2.8, ".tsv": 2.8, ".csv.gz": 1.3, ".tsv.gz": 1.3}
"""Bytes on disk of a byte of values; 1.5 in the other formats, with annotation and receipt."""
_COLUMN = 650
"""Bytes that each column takes beside its values."""
_BY_PLATE = "give a folder of plates (impasto export TABLE --to plates --out NAME.plates)"


def of_correct(table: Path, out: Path, sizes: Sizes, /, *, steps: Sequence[str] = ()) -> Need | None:
    """Of a correction of one table.

    Parameters
    ----------
    table, out
        The profiles and the result.
    sizes
        What lies there.
    steps
        The names of its methods.

    Returns
    -------
    Need or None
        None for a folder of plates.

    """
    seen = sizes.in_memory(table)
    if seen is None:
        return None
    return Need(TABLES + _CORRECTED * seen.bytes, on_disk(seen, out), _BY_PLATE, seconds=times.of_correction(steps, seen))


def of_evaluate(task: str, tables: Sequence[Path], sizes: Sizes, /) -> Need | None:
    """Of a task over one or several tables, which are scored one after the other. The scores are small.

    Parameters
    ----------
    task
        Its name.
    tables
        The profiles.
    sizes
        What lies there.

    Returns
    -------
    Need or None
        None where no table is held.

    """
    known = [seen for path in tables if (seen := sizes.in_memory(path)) is not None]
    if not known:
        return None
    largest = max(known, key=lambda seen: seen.bytes)
    scored = min(largest.rows, _DRAWN.get(task, largest.rows)) * largest.width * 4
    each = [times.of_task(task, seen) for seen in known]
    seconds = sum(one for one in each if one is not None) if None not in each and len(known) == len(tables) else None
    held = _READ * largest.bytes + _TASKS.get(task, 0) * scored + int(_PAIRS.get(task, 0) * min(largest.rows, _MOST_PAIRED) ** 2)
    return Need(TABLES + held, 0, _BY_PLATE, seconds=seconds)


def of_index(table: Path, sizes: Sizes, /) -> Need | None:
    """Of an index of one table.

    Parameters
    ----------
    table
        The profiles.
    sizes
        What lies there.

    Returns
    -------
    Need or None
        None for a folder of plates.

    """
    from impasto.atlas import layout

    seen = sizes.in_memory(table)
    if seen is None:
        return None
    is_mapped = layout.has_umap()
    libraries, seconds = (_UMAP, times.of_index(seen)) if is_mapped else (TABLES, None)
    return Need(libraries + _INDEXED * seen.bytes, 5 * seen.bytes // 4, _BY_PLATE, seconds=seconds)


def of_train(table: Path | None, sizes: Sizes, /, *, stored: bool) -> Need | None:
    """Of a training on profiles; what the net itself takes is small beside the libraries at the sizes of the recipes.

    Parameters
    ----------
    table
        The profiles; None for images.
    sizes
        What lies there.
    stored
        Whether the values stay in their file.

    Returns
    -------
    Need or None
        None for images, for cells that are drawn, and for values that stay in their file.

    """
    if table is None or stored:
        return None
    seen = sizes.in_memory(table)
    helps = "let the values stay in an .h5ad file (stored = true in the recipe)"
    return None if seen is None else Need(NETS + _TRAINED * seen.bytes, 0, helps)


def of_embed(table: Path, sizes: Sizes, /) -> Need | None:
    """Of the embedding of one table.

    Parameters
    ----------
    table
        The profiles.
    sizes
        What lies there.

    Returns
    -------
    Need or None
        None for cells that are drawn.

    """
    seen = sizes.table(table)
    return None if seen is None else Need(NETS + _TRAINED * seen.bytes, 0, "embed a part of the plates at a time")


def on_disk(seen: Shape, out: Path, /) -> int:
    """Bytes of a table as it is written.

    Parameters
    ----------
    seen
        Rows and features.
    out
        Its file, whose name says the format.

    Returns
    -------
    int
        With annotation and receipt.

    """
    from impasto import profiles

    suffix = profiles.suffix(out)
    return int(seen.bytes * _WRITTEN.get(suffix, 1.5)) + (0 if suffix in _WRITTEN else _COLUMN * seen.width)
