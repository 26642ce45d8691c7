"""What can this layout show? The design of an assay, its warnings, and the smallest p-value, before anything is computed."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from impasto import border
from impasto.assay.settings import RATE, SPARE
from impasto.settings import Settings
from impasto.stages.base import FOLDER, Verb


class DesignSettings(Settings):
    """The wells, and how hits will be called among them."""

    wells: Path = Field(description="wells.parquet of ingested images, or profiles.")
    dose_unit: str = Field(default="", description="Of all doses; empty where nobody says it.")
    noted: list[str] = Field(default_factory=list, description="Warnings of what lies before the design.")
    spare: float = Field(default=SPARE, ge=0, le=1, description="Share of the negative controls that no correction learns from.")
    rate: float = Field(default=RATE, gt=0, lt=1, description="The false discovery rate.")
    seed: int = Field(default=0, description="Of the choice of spared controls.")


def run(settings: DesignSettings, out: Path) -> None:
    """Write design.json at `out`."""
    from impasto import profiles, runs
    from impasto.assay import check

    of_images = settings.wells.name == "wells.parquet"
    obs = border.parquet(settings.wells) if of_images else profiles.read(settings.wells).obs
    options = settings.model_dump(exclude={"wells"})
    with runs.atomic(out) as temporary:
        temporary.mkdir(parents=True)
        check.check(obs, **options).write(temporary / check.FILE)


VERB = Verb(settings=DesignSettings, inputs=lambda s: [s.wells], run=run, result="", writes=FOLDER)
