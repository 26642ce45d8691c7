"""What the stages take that read images and cells: memory, disk and time. The factors were measured: `python -m benchmarks.needs`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from impasto import devices
from impasto.need import Need
from impasto.profiles.shape import Shape
from impasto.profiling import WITHOUT_NET
from impasto.schema import InputError
from impasto.stages import times
from impasto.stages.held import CellRows, Images
from impasto.stages.needs import MB, NETS, TABLES, on_disk

if TYPE_CHECKING:
    from impasto.profiling.extract import ProfileSettings
    from impasto.stages.held import Held, Sizes

_SITES_TO_NETS, _SITES_WITHOUT_NET = 5, 1
"""Of a batch of sites as they lie on disk: those that are read ahead, in the forms that they take."""
_CELLS_OF_FILES, _POOLED, _INGESTED = 0.3, 1, 8
"""Of the files of tables of cells, of the values of the largest plate of cells, and of tables of profiles that are ingested."""
_FEATURES = {"efficientnet_lite0": 1280, "random": 1280, "dinov2_s14": 384, "intensity": 14}
"""Of a channel."""
_BYTES_OF_A_VALUE = 10
"""Of a table of cells in SQLite."""
_SQLITE = (".sqlite", ".db", ".sqlite3")


def of_ingest(sources: Sequence[Path], out: Path, sizes: Sizes, /) -> Need | None:
    """Of images that are listed, or of tables of profiles that are read.

    Parameters
    ----------
    sources
        All images, or all tables.
    out
        The folder that is written.
    sizes
        What lies there.

    Returns
    -------
    Need or None
        None where they lie elsewhere, or nothing says how large they are.

    """
    from impasto.plates import folders
    from impasto.plates.listing import IMAGE

    if not sources or not all(source.exists() for source in sources):
        return None
    if not any(folders.is_profiles(source) for source in sources):
        count = sum(1 for source in sources for path in ([source] if source.is_file() else source.rglob("*")) if IMAGE.search(path.name))
        return Need(TABLES, 0, "give fewer plates at a time", seconds=times.of_image_files(count)) if count else None
    known = [sizes.in_memory(source) for source in sources]
    tables = [seen for seen in known if seen is not None]
    if not tables or len(tables) < len(known):
        return None
    values = sum(seen.bytes for seen in tables)
    written = sum(on_disk(seen, out / "profiles.parquet") for seen in tables)
    seconds = sum(times.of_table(seen) for seen in tables)
    return Need(TABLES + _INGESTED * values, written, "give fewer plates at a time", seconds=seconds)


def of_check(folder: Path, sizes: Sizes, /) -> Need | None:
    """Of judging images or cells.

    Parameters
    ----------
    folder
        What is judged.
    sizes
        What lies there.

    Returns
    -------
    Need or None
        None where nothing says how much there is.

    """
    cells = sizes.cells(folder)
    if cells is not None:
        return _of_cell_rows(cells, checked=True)
    images = sizes.images(folder)
    if images is None:
        return None
    return Need(TABLES + _SITES_WITHOUT_NET * images.bytes_of_site, 0, "give fewer plates at a time", seconds=times.of_check(images))


def of_cells(sources: Sequence[Path], sizes: Sizes, /) -> Need | None:
    """Of tables of cells: their numbers, and the values of sixteen wells, grow with the files.

    Parameters
    ----------
    sources
        The tables.
    sizes
        What lies there.

    Returns
    -------
    Need or None
        None for images and for what lies elsewhere.

    """
    size = _bytes_of_tables(sources, sizes)
    if not size:
        return None  # of an address, of images, or of nothing
    values = values_in(sources, sizes)
    seconds = None if values is None else times.of_tables_of_cells(values)
    return Need(TABLES + int(_CELLS_OF_FILES * size), size // 4, "give fewer plates at a time", seconds=seconds)


def values_in(sources: Sequence[Path], sizes: Sizes, /) -> float | None:
    """How many values tables of cells hold, by the size of their files.

    Parameters
    ----------
    sources
        The tables.
    sizes
        What lies there.

    Returns
    -------
    float or None
        None where one is no SQLite: what a value takes of text or Parquet depends on what it is.

    """
    if not all(source.suffix.lower() in _SQLITE for source in sources):
        return None
    return _bytes_of_tables(sources, sizes) / _BYTES_OF_A_VALUE or None


def of_profile(settings: ProfileSettings, out: Path, sizes: Sizes, /) -> Need | None:
    """Of images through an encoder, or of cells into wells.

    Parameters
    ----------
    settings
        The images or cells.
    out
        The profiles.
    sizes
        What lies there.

    Returns
    -------
    Need or None
        None where no image lies on this machine.

    """
    cells = sizes.cells(settings.images)
    if cells is not None:
        return _of_cell_rows(cells, checked=False)
    images = sizes.images(settings.images)
    if images is None:
        return None
    is_net = settings.encoder not in WITHOUT_NET
    batch = settings.per_batch * images.bytes_of_site
    own = NETS + _SITES_TO_NETS * batch if is_net else NETS - 120 * MB + _SITES_WITHOUT_NET * batch
    where = settings.where()
    workers = where.workers if where.engine == "local" else 1
    # Workers are processes of their own beside this one.
    memory = own if workers == 1 else NETS + workers * own
    helps = "--shards local:1" if workers > 1 else f"--per-batch {max(1, settings.per_batch // 4)}"
    written = _profiles_of(settings, images)
    return Need(memory, 0 if written is None else on_disk(written, out), helps, seconds=_seconds(settings, images))


def of_profiles(settings: ProfileSettings, out: Path, sizes: Sizes, /) -> dict[Path, Held]:
    """What `impasto profile` will leave.

    Parameters
    ----------
    settings
        The images or cells.
    out
        The profiles.
    sizes
        What lies there.

    Returns
    -------
    dict
        Path -> rows and features; empty where they are not known.

    """
    cells = sizes.cells(settings.images)
    if cells is not None:
        return {out: Shape(cells.wells, cells.width)}
    images = sizes.images(settings.images)
    seen = None if images is None else _profiles_of(settings, images)
    return {} if seen is None else {out: seen}


def _profiles_of(settings: ProfileSettings, images: Images) -> Shape | None:
    """Rows and features of the profiles of images."""
    if settings.encoder not in _FEATURES:
        return None
    rows = images.wells if settings.level == "well" else images.sites * (_crops(settings, images) if settings.instances else 1)
    return Shape(rows, images.channels * _FEATURES[settings.encoder])


def _seconds(settings: ProfileSettings, images: Images) -> float | None:
    """None where light is evened, and for another runtime or a GPU: they were not measured."""
    if settings.runtime != "torch" or settings.illumination != "none":
        return None
    if settings.encoder not in WITHOUT_NET and devices.place(settings).kind != "cpu":
        return None
    return times.of_encoder(settings.encoder, images, crops=_crops(settings, images))


def _crops(settings: ProfileSettings, images: Images) -> int:
    """Of a site; small images are refused later, with a sentence."""
    from impasto.plates.crops import Crops
    from impasto.plates.read import BadImage

    try:
        return len(Crops(settings.crops, settings.size or 224).boxes(images.height, images.width))
    except BadImage:
        return 1


def _of_cell_rows(cells: CellRows, *, checked: bool) -> Need:
    return Need(TABLES + _POOLED * cells.largest, 0, "give fewer cells a plate", seconds=times.of_cells(cells, checked=checked))


def _bytes_of_tables(sources: Sequence[Path], sizes: Sizes) -> int:
    """None of images."""
    from impasto.cells import build

    try:
        if any(build.is_of_images(source) or sizes.images(source) is not None for source in sources):
            return 0
        return sum(_bytes_of(source) for source in sources)
    except (InputError, OSError):
        return 0


def _bytes_of(source: Path) -> int:
    if source.is_file():
        return source.stat().st_size
    return sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
