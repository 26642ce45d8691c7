"""Is every image in focus, lit, and the channel it says it is? Is every cell one?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from impasto import outputs
from impasto.scale.settings import ShardSettings
from impasto.settings import Shown
from impasto.stages import needs_of_images
from impasto.stages.base import FOLDER, Verb, digest_of_images


class CheckSettings(ShardSettings):
    """Which ingested images, or which cells."""

    images: Annotated[Path, Shown("argument", metavar="DIR")] = Field(description="A folder that impasto ingest or impasto cells wrote.")


def is_of_cells(folder: Path, /) -> bool:
    """Whether a folder holds cells, not images.

    Parameters
    ----------
    folder
        What a verb is given.

    Returns
    -------
    bool
        True for a folder of `impasto cells`.

    """
    from impasto.cells.folder import is_folder_of_cells

    return is_folder_of_cells(folder)


def inside(folder: Path, /) -> Path:
    """Where the check of a folder of cells lies, where nothing else is said: every later stage looks for it there.

    Parameters
    ----------
    folder
        A folder of cells.

    Returns
    -------
    Path
        The folder `quality` in it.

    """
    from impasto.cells.folder import QUALITY

    return folder / QUALITY


def run(settings: CheckSettings, out: Path) -> None:
    """Write quality.parquet, plates.parquet and quarantine.csv at `out`; of cells their bits and cells_qc.json."""
    if is_of_cells(settings.images):
        from impasto.cells import check as of_cells
        from impasto.cells.folder import Cells

        of_cells.check(Cells.unchecked(settings.images), out)
        return
    outputs.refuse_overlap(out, [settings.images])
    from impasto.plates.check import check

    check(settings.images, out, where=settings.where())


def digest(path: Path, /) -> str:
    """The digest of what is checked.

    Parameters
    ----------
    path
        A folder of images or of cells.

    Returns
    -------
    str
        Of a folder of cells without the check inside it, which is the result.

    """
    if is_of_cells(path):
        from impasto.cells.folder import digest_of_cells

        return digest_of_cells(path)
    return digest_of_images(path)


VERB = Verb(
    settings=CheckSettings,
    inputs=lambda s: [s.images],
    run=run,
    result="",
    writes=FOLDER,
    digest=digest,
    may_lie_in_input=True,
    need=lambda s, _, sizes: needs_of_images.of_check(s.images, sizes),
)
