"""New plates on a map of others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from impasto.settings import Settings, Shown
from impasto.stages.base import FOLDER, Verb
from impasto.stages.correct import share_or_auto

WELLS, NEIGHBOURS, SCORES, INDEX = "wells.csv", "neighbours.csv", "results.csv", "index"


class PlaceSettings(Settings):
    """What is placed, and on which map."""

    profiles: Annotated[Path, Shown("argument", metavar="PROFILES")] = Field(
        description="Uncorrected profiles, like those of the map before their correction."
    )
    on: Path = Field(description="The map, as impasto map wrote it.")
    top: int = Field(default=10, ge=1, description="Neighbours of each perturbation.")
    spare: float | Literal["auto"] = Field(
        default="auto", description="Share of each new plate's negative controls that judge; auto: half where a plate has 16."
    )
    seed: int = Field(default=0, description="Of the spared controls, and of what is drawn.")
    _share = field_validator("spare", mode="before")(share_or_auto)


def run(settings: PlaceSettings, out: Path) -> None:
    """Write wells.csv, neighbours.csv, results.csv and an index of the map with the new wells on it."""
    import pandas as pd

    from impasto import profiles, runs, texts
    from impasto.atlas import beside_map, map_folder, placing
    from impasto.evaluation.result import Result

    on = map_folder.open_map(settings.on)
    placed = placing.place(on, profiles.opened(settings.profiles), top=settings.top, spare=settings.spare, seed=settings.seed)
    with runs.atomic(out) as temporary:
        temporary.mkdir(parents=True)
        texts.write_csv(placed.wells, temporary / WELLS)
        texts.write_csv(placed.neighbours, temporary / NEIGHBOURS)
        texts.write_csv(Result.of(placed.scores, per_group=pd.DataFrame()).scores, temporary / SCORES)
        beside_map.build(on, placed, temporary / INDEX, seed=settings.seed)


VERB = Verb(settings=PlaceSettings, inputs=lambda s: [s.profiles, s.on], run=run, result="", writes=FOLDER)
