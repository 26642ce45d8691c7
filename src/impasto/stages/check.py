"""Is every image in focus, lit, and the channel it says it is?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from impasto.settings import Settings, Shown
from impasto.stages.base import FOLDER, Verb, digest_of_images


class CheckSettings(Settings):
    """Which ingested images."""

    images: Annotated[Path, Shown("argument", metavar="DIR")] = Field(description="A folder that impasto ingest wrote.")


def run(settings: CheckSettings, out: Path) -> None:
    """Write quality.parquet, plates.parquet and quarantine.csv at `out`."""
    from impasto.plates.check import check
    from impasto.plates.sites import Sites

    check(Sites.read(settings.images), out)


VERB = Verb(settings=CheckSettings, inputs=lambda s: [s.images], run=run, result="", writes=FOLDER, digest=digest_of_images)
