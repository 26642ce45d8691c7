"""`impasto embed RUN PROFILES --out PROFILES`: profiles and perturbations into the space of a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impasto.recipe import PROFILES, Verb
from impasto.settings import Settings


class EmbedSettings(Settings):
    """A trained run and the profiles to embed."""

    run: Path
    profiles: Path


def run(settings: EmbedSettings, out: Path) -> None:
    """Write the embeddings at `out`: of a joint space both modalities as rows, of other methods the rows given."""
    from impasto import profiles as tables
    from impasto.joint.space import Space
    from impasto.training.earlier import Earlier
    from impasto.verbs.train import method_module

    module = method_module(Earlier.read(settings.run).method)
    embed = module.embed if hasattr(module, "embed") else lambda run, profiles: Space.load(run).embed(profiles)
    tables.write(embed(settings.run, tables.read(settings.profiles)), out)


def command(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run that impasto train left.")],
    profiles: Annotated[Path, typer.Argument(metavar="PROFILES", help="Profiles with the features the run was trained on.")],
    out: Annotated[Path, typer.Option(help="Where to write: .parquet, .h5ad or .zarr.")],
) -> None:
    """Embed profiles and their perturbations; rows of both modalities, with the split each was in.

    Example: `impasto embed runs/cellclip profiles.parquet --out embeddings.parquet`
    """
    from impasto import recipe as recipes
    from impasto.verbs.terminal import console

    settings = EmbedSettings.read({"run": run_folder, "profiles": profiles}, where="impasto embed")
    worked = recipes.execute("embed", settings, out=out)
    console.print(f"{'wrote' if worked else 'already there:'} {out}")


VERB = Verb(
    settings=EmbedSettings,
    inputs=lambda s: [s.run / "model.json", s.run / "model.safetensors", s.profiles],
    run=run,
    result="profiles.parquet",
    writes=PROFILES,
)
