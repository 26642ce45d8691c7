"""`impasto choose PROFILES... --out DIR`: which way to get features, with the setting chosen without what is scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.stages import choose
from impasto.stages.choose import ChooseSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Writing, shared.Setting):
    """What is of the terminal only."""

    out: Path = Field(description="The folder to write: verdict.md, results.csv, pairs.csv, picks.csv.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Choose, and print the page."""
    settings = ChooseSettings.read({**values, **options.parse_set(flags.changes)}, where="impasto choose")
    recipe.execute("choose", settings, out=flags.out)
    if flags.as_json:
        terminal.show_results(flags.out, as_json=True)
    else:
        terminal.say((flags.out / choose.VERDICT).read_text(encoding="utf-8"))


command = options.command(
    "choose",
    ChooseSettings,
    Flags,
    run=run,
    about=ABOUT["choose"],
    example="impasto choose raw.parquet sphered.parquet --label EfficientNet --label EfficientNet --out choice",
)
