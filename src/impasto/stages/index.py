"""An index on disk, to search and to explore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from impasto.atlas import ENGINES
from impasto.families import named_in
from impasto.settings import Settings, Shown
from impasto.stages import needs
from impasto.stages.base import FOLDER, Verb


class IndexSettings(Settings):
    """What is indexed, by which engine, and what is shown beside it."""

    profiles: Annotated[Path, Shown("argument", metavar="PROFILES")] = Field(description="Profiles, or the output of impasto embed.")
    run: Path | None = Field(
        default=None,
        description="The trained run that reads text and molecules; by default the one named in the output of impasto embed.",
    )
    features: Path | None = Field(
        default=None, description="Of embeddings: the corrected profiles that were embedded, for neighbours by named features."
    )
    images: Path | None = Field(default=None, description="What impasto ingest wrote of the images, to show cells.")
    cells: Path | None = Field(default=None, description="What impasto cells wrote, to show single cells beside those of controls.")
    hits: Path | None = Field(default=None, description="What impasto evaluate hits wrote, to show verdicts and dose curves.")
    title: str = Field(default="", description="The title of the explorer's page; by default its plates.")
    pixel_um: float | None = Field(
        default=None, gt=0, description="The side of a pixel in micrometres, for scale bars; by default what the images say."
    )
    dose_unit: str = Field(default="", description="The unit of the doses; by default what the profiles say.")
    engine: Annotated[str, named_in(ENGINES, "auto")] = Field(
        default="auto",
        description="What finds the nearest vectors; auto: exact; above 250,000 rows FAISS's lists, where it is installed.",
    )
    seed: int = Field(default=0, description="Of the map and of random draws.")


def run(settings: IndexSettings, out: Path) -> None:
    """Build the index at `out`."""
    from impasto import identity
    from impasto import profiles as tables
    from impasto.atlas import building

    profiles = tables.opened(settings.profiles)
    embedded_by = identity.of(profiles).run
    trained = settings.run or (Path(embedded_by["path"]) if embedded_by else None)
    building.build(
        profiles,
        out,
        run=trained,
        engine=settings.engine,
        seed=settings.seed,
        features=None if settings.features is None else tables.opened(settings.features),
        images=settings.images,
        cells=settings.cells,
        hits=settings.hits,
        title=settings.title,
        pixel_um=settings.pixel_um,
        dose_unit=settings.dose_unit,
    )


VERB = Verb(
    settings=IndexSettings,
    inputs=lambda s: [path for path in (s.profiles, s.features, s.images, s.cells, s.hits) if path is not None],
    run=run,
    result="",
    writes=FOLDER,
    need=lambda s, _, sizes: needs.of_index(s.profiles, sizes),
)
