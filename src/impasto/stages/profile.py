"""Images, or cells, into profiles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from impasto.profiling import extract
from impasto.schema import InputError
from impasto.stages import needs_of_images
from impasto.stages.base import PROFILES, Verb, digest_of_images
from impasto.stages.check import is_of_cells

if TYPE_CHECKING:
    from impasto.profiling.extract import ProfileSettings

_OF_CELLS = {"images", "pool", "quality", "level", "seed"}
"""What can be said of a folder of cells; a recipe gives all of its stages the seed, and pooling draws nothing."""


def inputs(settings: ProfileSettings) -> Sequence[Path]:
    """What is read: of cells the folder and its check, of images what `extract.inputs` lists."""
    if is_of_cells(settings.images):
        return [settings.images, *([settings.quality] if settings.quality else [])]
    return extract.inputs(settings)


def run(settings: ProfileSettings, out: Path) -> None:
    """Write profiles at `out`: of sites through an encoder, of wells from their cells."""
    if is_of_cells(settings.images):
        _pool(settings, out)
        return
    for field in ("pool", "quality"):
        if getattr(settings, field) is not None:
            raise InputError(
                f"--{field} is for cells, and {settings.images} holds none; write them first: impasto cells TABLES --out CELLS"
            )
    extract.profile(settings, out)


def _pool(settings: ProfileSettings, out: Path) -> None:
    from impasto import profiles
    from impasto.cells import pool
    from impasto.cells.folder import Cells

    said = settings.model_fields_set - _OF_CELLS
    if said:
        option = sorted(said)[0].replace("_", "-")
        raise InputError(f"--{option} is for images, and {settings.images} holds cells; leave it out (cells are pooled: --pool NAME)")
    if settings.level == "site" and "level" in settings.model_fields_set:
        raise InputError(
            f"--level site: cells of {settings.images} are pooled to wells; a site of few cells must not weigh as a well; leave it out"
        )
    profiles.write(pool.pool(Cells(settings.images, quality=settings.quality), name=settings.pool or pool.DEFAULT), out)


VERB = Verb(
    settings=extract.ProfileSettings,
    inputs=inputs,
    run=run,
    result="profiles.parquet",
    writes=PROFILES,
    digest=digest_of_images,
    beside=lambda s, out: [extract.fields_path(out)] if s.illumination == "estimate" and not is_of_cells(s.images) else [],
    need=lambda s, out, sizes: needs_of_images.of_profile(s, out, sizes),
    leaves=lambda s, out, sizes: needs_of_images.of_profiles(s, out, sizes),
)
