"""`impasto check DIR --out DIR`: is every image in focus, lit, and the channel it says it is? Is every cell one?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import border, options, recipe, texts
from impasto.schema import InputError
from impasto.stages import check
from impasto.stages.check import CheckSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Printing):
    """What is of the terminal only."""

    out: Path | None = Field(default=None, description="The folder to write; of cells, DIR/quality by default.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Check, and print the medians of every plate and channel and the sites that are quarantined; of cells, the receipt."""
    settings = CheckSettings.read(values, where="impasto check")
    if check.is_of_cells(settings.images):
        _check_cells(settings, flags)
        return
    if flags.out is None:
        raise InputError("impasto check needs --out DIR: the folder of the report")

    from impasto.plates import quarantine

    recipe.execute("check", settings, out=flags.out)
    terminal.show_frame(border.parquet(flags.out / "plates.parquet"), title="quality by plate and channel (medians)", as_json=flags.as_json)
    if not flags.as_json:
        left_out = quarantine.named(quarantine.read(flags.out / "quarantine.csv"))
        for row in left_out.itertuples():
            terminal.say(f"  quarantined: {row.site}: {row.reason}")
        terminal.say(f"{len(left_out)} sites quarantined: {flags.out / 'quarantine.csv'}")


def _check_cells(settings: CheckSettings, flags: Flags) -> None:
    """Write the bits of cells, beside them unless another folder is said, and print the receipt."""
    import json

    from impasto.cells import check as of_cells
    from impasto.cells.store import QUALITY_RECEIPT

    out = flags.out or check.inside(settings.images)
    worked = recipe.execute("check", settings, out=out)
    receipt = json.loads(texts.read(out / QUALITY_RECEIPT))
    if flags.as_json:
        terminal.write_json(receipt)
        return
    for sentence in of_cells.sentences(receipt):
        terminal.say(f"  {sentence}")
    terminal.wrote(out, worked, as_json=False)


command = options.command("check", CheckSettings, Flags, run=run, about=ABOUT["check"], example="impasto check ingested --out checked")
