"""A map that others can stand on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from impasto.settings import Settings, Shown
from impasto.stages.base import FOLDER, Verb


class MapSettings(Settings):
    """What is packed, and under which licence."""

    source: Annotated[Path, Shown("argument", metavar="DIR")] = Field(description="An index, or the folder of a run that holds one.")
    fitted: Path | None = Field(
        default=None, description="The fitted correction (impasto correct --keep leaves CORRECTED.fitted); by default the one in DIR."
    )
    hits: Path | None = Field(default=None, description="What impasto evaluate hits wrote of these profiles: the calibration.")
    licence: str = Field(description="The licence of the map, such as CC0-1.0.")
    title: str = Field(default="", description="The title of the map; by default that of the index.")


def run(settings: MapSettings, out: Path) -> None:
    """Pack the map at `out`."""
    from impasto.atlas import map_folder

    index, fitted = map_folder.parts_of(settings.source, settings.fitted)
    map_folder.pack(index, fitted, out, licence=settings.licence, title=settings.title, hits=settings.hits)


VERB = Verb(
    settings=MapSettings,
    inputs=lambda s: [path for path in (s.source, s.fitted, s.hits) if path is not None],
    run=run,
    result="",
    writes=FOLDER,
)
