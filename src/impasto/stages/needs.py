"""What the stages take of memory and disk, by the sizes that headers tell. The factors were measured: `python -m benchmarks.needs`.

A stage that holds its table whole takes its libraries and a multiple of the table's values in float32. What the values of a stage are
copied for (a frame, a table of Arrow, doubles of one step, the receipt) stands in that multiple. A folder of plates that is worked on plate
by plate has no estimate: its memory does not grow with the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.need import Need
from impasto.profiling import WITHOUT_NET
from impasto.schema import InputError
from impasto.stages import times

if TYPE_CHECKING:
    from impasto.profiles.shape import Shape
    from impasto.profiling.extract import ProfileSettings

_MB = 2**20
_TABLES, _NETS, _UMAP = 230 * _MB, 500 * _MB, 650 * _MB
"""What the libraries of tables take, those of nets, and those of maps, which are compiled as they run."""
_READ, _CORRECTED, _TRAINED, _INDEXED = 4, 15, 8, 17
_TASKS = {"replicates": 2, "hits": 26, "mixing": 14}
"""Multiples beside reading; of another task no more is said than what reading takes."""
_DRAWN = {"mixing": 20_000}
"""Tasks that draw so many rows of a large table (`evaluation.samples`)."""
_SITES_TO_NETS, _SITES_WITHOUT_NET = 5, 1
"""Of a batch of sites as they lie on disk: those that are read ahead, in the forms that they take."""
_CELLS_OF_FILES, _POOLED = 0.3, 1
"""Of the files of tables of cells, and of the values of the largest plate of cells."""
_WRITTEN = {".csv": 2.8, ".tsv": 2.8, ".csv.gz": 1.3, ".tsv.gz": 1.3}
"""Bytes on disk of a byte of values; 1.5 in the other formats, with annotation and receipt."""
_BY_PLATE = "give a folder of plates (impasto export TABLE --to plates --out NAME.plates)"


def of_correct(table: Path, out: Path, /, *, steps: Sequence[str] = ()) -> Need | None:
    """Of a correction of one table.

    Parameters
    ----------
    table, out
        The profiles and the result.
    steps
        The names of its methods.

    Returns
    -------
    Need or None
        None for a folder of plates.

    """
    seen = _in_memory(table)
    if seen is None:
        return None
    seconds = times.of_correction(steps, seen)
    return Need(_TABLES + _CORRECTED * seen.bytes, _on_disk(seen, out), _BY_PLATE, seconds=seconds)


def of_evaluate(task: str, tables: Sequence[Path], /) -> Need | None:
    """Of a task over one or several tables, which are scored one after the other. The scores are small.

    Parameters
    ----------
    task
        Its name.
    tables
        The profiles.

    Returns
    -------
    Need or None
        None where no table is held.

    """
    sizes = [seen for path in tables if (seen := _in_memory(path)) is not None]
    if not sizes:
        return None
    largest = max(sizes, key=lambda seen: seen.bytes)
    scored = min(largest.rows, _DRAWN.get(task, largest.rows)) * largest.width * 4
    each = [times.of_task(task, seen) for seen in sizes]
    seconds = sum(one for one in each if one is not None) if None not in each else None
    return Need(_TABLES + _READ * largest.bytes + _TASKS.get(task, 0) * scored, 0, _BY_PLATE, seconds=seconds)


def of_index(table: Path, /) -> Need | None:
    """Of an index of one table.

    Parameters
    ----------
    table
        The profiles.

    Returns
    -------
    Need or None
        None for a folder of plates.

    """
    from impasto.atlas import layout

    seen = _in_memory(table)
    libraries = _UMAP if layout.has_umap() else _TABLES
    return None if seen is None else Need(libraries + _INDEXED * seen.bytes, 2 * seen.bytes, _BY_PLATE)


def of_train(table: Path | None, /, *, stored: bool) -> Need | None:
    """Of a training on profiles; what the net itself takes is small beside the libraries at the sizes of the recipes.

    Parameters
    ----------
    table
        The profiles; None for images.
    stored
        Whether the values stay in their file.

    Returns
    -------
    Need or None
        None for images, for cells that are drawn, and for values that stay in their file.

    """
    if table is None or stored:
        return None
    seen = _in_memory(table)
    helps = "let the values stay in an .h5ad file (stored = true in the recipe)"
    return None if seen is None else Need(_NETS + _TRAINED * seen.bytes, 0, helps)


def of_embed(table: Path, /) -> Need | None:
    """Of the embedding of one table.

    Parameters
    ----------
    table
        The profiles.

    Returns
    -------
    Need or None
        None for cells that are drawn.

    """
    from impasto.profiles.shape import shape

    seen = shape(table)
    return None if seen is None else Need(_NETS + _TRAINED * seen.bytes, 0, "embed a part of the plates at a time")


def of_cells(sources: Sequence[Path], /) -> Need | None:
    """Of tables of cells: their numbers, and the values of sixteen wells, grow with the files.

    Parameters
    ----------
    sources
        The tables.

    Returns
    -------
    Need or None
        None for images and for what lies elsewhere.

    """
    from impasto.cells import build

    try:
        if any(build.is_of_images(source) for source in sources):
            return None
        size = sum(_bytes_of(source) for source in sources)
    except (InputError, OSError):
        return None
    if not size:
        return None  # of an address, or of nothing
    return Need(_TABLES + int(_CELLS_OF_FILES * size), size // 2, "give fewer plates at a time")


def of_profile(settings: ProfileSettings, /) -> Need | None:
    """Of images through an encoder, or of cells into wells.

    Parameters
    ----------
    settings
        The images or cells. The profiles are small beside them.

    Returns
    -------
    Need or None
        None where no image lies on this machine.

    """
    from impasto.stages.check import is_of_cells

    if is_of_cells(settings.images):
        return Need(_TABLES + _POOLED * _largest_plate_of_cells(settings.images), 0, "give fewer cells a plate")
    site = _bytes_of_site(settings.images)
    if site is None:
        return None
    is_net = settings.encoder not in WITHOUT_NET
    batch = settings.per_batch * site
    own = _NETS + _SITES_TO_NETS * batch if is_net else _NETS - 120 * _MB + _SITES_WITHOUT_NET * batch
    where = settings.where()
    workers = where.workers if where.engine == "local" else 1
    # Workers are processes of their own beside this one.
    memory = own if workers == 1 else _NETS + workers * own
    return Need(memory, 0, "--shards local:1" if workers > 1 else f"--per-batch {max(1, settings.per_batch // 4)}")


def _in_memory(path: Path) -> Shape | None:
    """The shape of a table that is read whole."""
    from impasto.profiles.shape import shape

    seen = shape(path)
    return None if seen is None or seen.largest is not None else seen


def _on_disk(seen: Shape, out: Path) -> int:
    from impasto import profiles

    return int(seen.bytes * _WRITTEN.get(profiles.suffix(out), 1.5))


def _bytes_of(source: Path) -> int:
    if source.is_file():
        return source.stat().st_size
    return sum(path.stat().st_size for path in source.rglob("*") if path.is_file())


def _largest_plate_of_cells(folder: Path) -> int:
    from impasto.cells.folder import Cells
    from impasto.profiles.shape import shape

    try:
        cells = Cells.unchecked(folder)
        sizes = [shape(folder / cells.plate(name).file) for name in cells.plates]
    except (InputError, OSError, KeyError):
        return 0
    return max((size.bytes for size in sizes if size is not None), default=0)


def _bytes_of_site(folder: Path) -> int | None:
    """Bytes of all stains of the first site that can be read."""
    from impasto.plates.read import BadImage
    from impasto.plates.sites import Sites
    from impasto.profiling.extract import plates_of

    try:
        index = plates_of(folder)
        if index.is_remote or not len(index):
            return None
        return int(Sites.read(folder, plate=index.names[0]).image(0).nbytes)
    except (InputError, BadImage, OSError, KeyError, ValueError):
        return None
