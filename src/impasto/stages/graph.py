"""How strongly biology relates the perturbations of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from impasto.perturbations.graph_settings import SourceSettings
from impasto.settings import Shown
from impasto.stages.base import Verb, Writes


class GraphSettings(SourceSettings):
    """The table (or ingested folder) whose perturbations are the nodes, and the sources of what is known of them."""

    profiles: Annotated[Path, Shown("argument", metavar="PROFILES")] = Field(
        description="A table, or an ingested folder, whose perturbations are the nodes."
    )

    def files(self) -> list[Path]:
        """What is read.

        Returns
        -------
        list[Path]
            The profiles, and the files of the relations.

        """
        return [self.profiles, *super().files()]


def run(settings: GraphSettings, out: Path) -> None:
    """Write the graph at `out`."""
    from impasto import profiles as tables
    from impasto.perturbations import graph, graph_sources

    alike = tables.read(settings.images) if settings.images is not None else None
    if settings.profiles.is_dir() and (settings.profiles / "images.parquet").exists():
        from impasto.plates.sites import Sites

        obs = Sites.read(settings.profiles).table
    else:
        obs = tables.read(settings.profiles).obs
    graph.write(graph_sources.build(obs, settings, profiles=alike), out)


VERB = Verb(
    settings=GraphSettings, inputs=lambda s: s.files(), run=run, result="graph.parquet", writes=Writes(folder=False, suffixes=(".parquet",))
)
