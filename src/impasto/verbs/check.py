"""`impasto check DIR --out DIR`: is every image in focus, lit, and the channel it says it is?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.stages.check import CheckSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Writing):
    """What is of the terminal only."""

    out: Path = Field(description="The folder of the report.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Check, and print the medians of every plate and channel and the sites that are quarantined."""
    import pandas as pd

    from impasto.plates import quarantine

    recipe.execute("check", CheckSettings.read(values, where="impasto check"), out=flags.out)
    terminal.show_frame(
        pd.read_parquet(flags.out / "plates.parquet"), title="quality by plate and channel (medians)", as_json=flags.as_json
    )
    if not flags.as_json:
        left_out = quarantine.named(quarantine.read(flags.out / "quarantine.csv"))
        for row in left_out.itertuples():
            terminal.say(f"  quarantined: {row.site}: {row.reason}")
        terminal.say(f"{len(left_out)} sites quarantined: {flags.out / 'quarantine.csv'}")


command = options.command("check", CheckSettings, Flags, run=run, about=ABOUT["check"], example="impasto check ingested --out checked")
