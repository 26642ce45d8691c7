"""Profiles and perturbations in the space of a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from impasto.devices import DeviceSettings
from impasto.settings import Shown
from impasto.stages import needs
from impasto.stages.base import PROFILES, Verb
from impasto.stages.check import is_of_cells
from impasto.stages.train import refuse_per_well


class EmbedSettings(DeviceSettings):
    """A trained run and the profiles to embed."""

    run: Annotated[Path, Shown("argument", metavar="RUN")] = Field(description="A run that impasto train left.")
    profiles: Annotated[Path, Shown("argument", metavar="PROFILES")] = Field(
        description="Profiles with the features that the run was trained on, or the folder of cells."
    )
    cells_per_well: int | None = Field(
        default=None, ge=1, description="Of a folder of cells: how many of each well are drawn; by default 64."
    )


def run(settings: EmbedSettings, out: Path) -> None:
    """Write the embeddings at `out`: of a joint space both modalities as rows, of other methods the rows of the profiles."""
    from impasto import methods
    from impasto import profiles as tables

    if is_of_cells(settings.profiles):
        from impasto.cells import sample

        profiles = sample.of_folder(settings.profiles, per_well=settings.cells_per_well)
    else:
        refuse_per_well(settings.profiles, settings.cells_per_well)
        profiles = tables.read(settings.profiles)
    tables.write(methods.embed(settings.run, profiles, where=settings), out)


VERB = Verb(
    settings=EmbedSettings,
    inputs=lambda s: [s.run / "model.json", s.run / "model.safetensors", s.profiles],
    run=run,
    result="profiles.parquet",
    writes=PROFILES,
    need=lambda s, _, sizes: needs.of_embed(s.profiles, sizes),
)
