"""`impasto index PROFILES --out INDEX`: an index on disk to search and to explore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impasto.recipe import FOLDER, Verb
from impasto.settings import Settings


class IndexSettings(Settings):
    """What is indexed, by which engine. `run` (found by itself in the output of embed) lets the index read text."""

    profiles: Path
    run: Path | None = None
    engine: str = "exact"
    seed: int = 0


def run(settings: IndexSettings, out: Path) -> None:
    """Build the index at `out`."""
    from impasto import profiles as tables
    from impasto.atlas import index

    profiles = tables.read(settings.profiles)
    trained = settings.run or (Path(profiles.uns["run"]) if "run" in profiles.uns else None)
    index.build(profiles, out, run=trained, engine=settings.engine, seed=settings.seed)


def command(
    profiles: Annotated[Path, typer.Argument(metavar="PROFILES", help="Profiles, or the output of impasto embed.")],
    out: Annotated[Path, typer.Option(help="The folder of the index.")],
    engine: Annotated[str, typer.Option(help="exact, faiss or lance.")] = "exact",
    seed: Annotated[int, typer.Option(help="Of the flat map.")] = 0,
) -> None:
    """Index profiles for `impasto search` and `impasto atlas`.

    Example: `impasto index embeddings.parquet --out index`
    """
    from impasto import recipe as recipes
    from impasto.verbs.terminal import console

    settings = IndexSettings.read({"profiles": profiles, "engine": engine, "seed": seed}, where="impasto index")
    worked = recipes.execute("index", settings, out=out)
    console.print(f"{'wrote' if worked else 'already there:'} {out}")


VERB = Verb(settings=IndexSettings, inputs=lambda s: [s.profiles], run=run, result="", writes=FOLDER)
