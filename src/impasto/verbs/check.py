"""`impasto check DIR --out DIR`: is every image in focus, lit, and the channel it says it is?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impasto.recipe import FOLDER, Verb, digest_of_images
from impasto.settings import Settings


class CheckSettings(Settings):
    """Which ingested images."""

    images: Path


def run(settings: CheckSettings, out: Path) -> None:
    """Write quality.parquet, plates.parquet and quarantine.csv at `out`."""
    from impasto.plates.check import check
    from impasto.plates.sites import Sites

    check(Sites.read(settings.images), out)


def command(
    images: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that impasto ingest wrote.")],
    out: Annotated[Path, typer.Option(help="The folder of the report.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of rows.")] = False,
) -> None:
    """Measure every channel of every site; quarantine what cannot be used, with its reason.

    Example: `impasto check ingested --out checked`
    """
    import pandas as pd

    from impasto import recipe as recipes
    from impasto.plates import quarantine
    from impasto.verbs.terminal import console, show

    recipes.execute("check", CheckSettings.read({"images": images}, where="impasto check"), out=out)
    plates = pd.read_parquet(out / "plates.parquet")
    told = plates.astype(object).where(plates.notna(), None)  # no light of a plate with too few sites
    show(told.to_dict(orient="records"), title="quality by plate and channel (medians)", as_json=as_json)
    if not as_json:
        bad = quarantine.named(quarantine.read(out / "quarantine.csv"))
        for row in bad.itertuples():
            console.print(f"  quarantined: {row.site}: {row.reason}", highlight=False)
        console.print(f"{len(bad)} sites quarantined: {out / 'quarantine.csv'}")


VERB = Verb(settings=CheckSettings, inputs=lambda s: [s.images], run=run, result="", writes=FOLDER, digest=digest_of_images)
