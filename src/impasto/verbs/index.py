"""`impasto index PROFILES --out INDEX`: an index on disk to search and to explore."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.atlas import ENGINES
from impasto.stages.index import IndexSettings
from impasto.verbs import ABOUT, shared, terminal


class Flags(shared.Writing):
    """What is of the terminal only."""

    out: Path = Field(description="The folder of the index.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Index, and say where it lies."""
    worked = recipe.execute("index", IndexSettings.read(values, where="impasto index"), out=flags.out)
    terminal.wrote(flags.out, worked, as_json=flags.as_json)


command = options.command(
    "index",
    IndexSettings,
    Flags,
    run=run,
    about=ABOUT["index"],
    example="impasto index embeddings.parquet --out index",
    names={"engine": ENGINES},
)
