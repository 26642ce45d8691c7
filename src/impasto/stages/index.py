"""An index on disk, to search and to explore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from impasto.atlas import ENGINES
from impasto.families import named_in
from impasto.settings import Settings, Shown
from impasto.stages.base import FOLDER, Verb


class IndexSettings(Settings):
    """What is indexed, by which engine."""

    profiles: Annotated[Path, Shown("argument", metavar="PROFILES")] = Field(description="Profiles, or the output of impasto embed.")
    run: Path | None = Field(
        default=None, description="The trained run that reads text and molecules; known by itself in the output of impasto embed."
    )
    engine: Annotated[str, named_in(ENGINES)] = Field(default="exact", description="What finds the nearest vectors.")
    seed: int = Field(default=0, description="Of the flat map.")


def run(settings: IndexSettings, out: Path) -> None:
    """Build the index at `out`."""
    from impasto import identity
    from impasto import profiles as tables
    from impasto.atlas import index

    profiles = tables.read(settings.profiles)
    embedded_by = identity.of(profiles).run
    trained = settings.run or (Path(embedded_by["path"]) if embedded_by else None)
    index.build(profiles, out, run=trained, engine=settings.engine, seed=settings.seed)


VERB = Verb(settings=IndexSettings, inputs=lambda s: [s.profiles], run=run, result="", writes=FOLDER)
