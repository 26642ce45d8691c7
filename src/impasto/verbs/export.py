"""`impasto export PROFILES --to PROGRAM --out FILE`: the same profiles, as another program of the field reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from impasto import options, recipe
from impasto.stages.export import ExportSettings
from impasto.verbs import ABOUT, shared, terminal

_ABOUT = f"""{ABOUT["export"]}

plates: a folder with a file a plate (.plates). table: one file again, a plate in memory (.parquet, .h5ad, .zarr).

pycytominer and copairs: a table, Metadata_ columns first. mantispy: AnnData to its schema 2.0 (experimental). cellprofiler: a folder with
Image.csv and a CSV a compartment.
"""


class Flags(shared.Writing):
    """What is of the terminal only."""

    out: Path = Field(description="The file (.parquet, .csv, .csv.gz, .h5ad, .zarr, .plates); for cellprofiler a folder.")


def run(values: dict[str, Any], flags: Flags) -> None:
    """Write, and say where the file lies."""
    worked = recipe.execute("export", ExportSettings.read(values, where="impasto export"), out=flags.out)
    terminal.wrote(flags.out, worked, as_json=flags.as_json)


command = options.command(
    "export",
    ExportSettings,
    Flags,
    run=run,
    about=_ABOUT,
    example="impasto export profiles.parquet --to pycytominer --feature-prefix Cells_efficientnet_ --out for_pycytominer.parquet",
)
