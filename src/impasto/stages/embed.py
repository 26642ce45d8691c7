"""Profiles and perturbations in the space of a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from impasto.devices import DeviceSettings
from impasto.settings import Shown
from impasto.stages.base import PROFILES, Verb


class EmbedSettings(DeviceSettings):
    """A trained run and the profiles to embed."""

    run: Annotated[Path, Shown("argument", metavar="RUN")] = Field(description="A run that impasto train left.")
    profiles: Annotated[Path, Shown("argument", metavar="PROFILES")] = Field(
        description="Profiles with the features that the run was trained on."
    )


def run(settings: EmbedSettings, out: Path) -> None:
    """Write the embeddings at `out`: of a joint space both modalities as rows, of other methods the rows of the profiles."""
    from impasto import methods
    from impasto import profiles as tables

    tables.write(methods.embed(settings.run, tables.read(settings.profiles), where=settings), out)


VERB = Verb(
    settings=EmbedSettings,
    inputs=lambda s: [s.run / "model.json", s.run / "model.safetensors", s.profiles],
    run=run,
    result="profiles.parquet",
    writes=PROFILES,
)
