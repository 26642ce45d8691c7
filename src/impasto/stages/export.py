"""The same profiles, as another program of the field reads them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from impasto.schema import InputError
from impasto.settings import Settings, Shown
from impasto.stages.base import Verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    import anndata

# What a recipe's stage leaves in its folder, where `file` does not say.
_FILES = {"pycytominer": "profiles.parquet", "mantispy": "profiles.h5ad", "copairs": "profiles.parquet", "cellprofiler": ""}


class ExportSettings(Settings):
    """Which profiles (or, for copairs, `per_group.parquet` or `per_well.parquet` of an evaluation), for whom."""

    profiles: Annotated[Path, Shown("argument", metavar="PROFILES")] = Field(
        description="Profiles; for copairs also per_group.parquet or per_well.parquet of an evaluation."
    )
    to: Literal["pycytominer", "mantispy", "copairs", "cellprofiler"] = Field(description="The program that reads them.")
    file: Annotated[str, Shown("nowhere")] = Field(
        default="", description="In a recipe: the name of the file in the stage's folder; its ending says the format."
    )
    feature_prefix: str = Field(
        default="",
        description="For pycytominer: put before features of no compartment, which it would not infer, as Cells_dinov2_ of an embedding.",
    )
    concentration_unit: str | None = Field(default=None, description="For mantispy, which assumes none: uM, nM...")


def run(settings: ExportSettings, out: Path) -> None:
    """Write what the program reads at `out`: a file, or in a folder the file of that program."""
    import pandas as pd

    from impasto import profiles as tables
    from impasto.export import copairs

    path = _target(settings, out)
    _refuse_foreign_options(settings)
    if not _holds_scores(settings.profiles):
        _write(tables.read(settings.profiles), settings, path)
    elif settings.to == "copairs":
        _write_results(copairs.results(pd.read_parquet(settings.profiles)), path)
    else:
        raise InputError(f"{settings.profiles} holds the scores of an evaluation, not profiles; export those --to copairs")


def _holds_scores(path: Path) -> bool:
    """Whether a file is the detail of an evaluation."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from impasto.export import copairs

    if path.suffix != ".parquet":
        return False
    try:
        return copairs.is_result(pd.Index(pq.read_schema(path).names))
    except (OSError, pa.ArrowException):
        return False  # reading it as profiles says what is wrong


def _refuse_foreign_options(settings: ExportSettings) -> None:
    for option, given, program in (
        ("--feature-prefix", settings.feature_prefix, "pycytominer"),
        ("--concentration-unit", settings.concentration_unit, "mantispy"),
    ):
        if given and settings.to != program:
            raise InputError(f"{option} is of --to {program}, and this is --to {settings.to}; leave it out")


def _write(profiles: anndata.AnnData, settings: ExportSettings, path: Path) -> None:
    from impasto import profiles as tables
    from impasto.export import cellprofiler, copairs, mantispy, pycytominer
    from impasto.progress import say

    if settings.to == "cellprofiler":
        if path.suffix:
            raise InputError(f"--to cellprofiler writes a folder of spreadsheets, and {path.name} is named as a file; give a folder's name")
        say(f"  {', '.join(sorted(cellprofiler.write(profiles, path)))}")
    elif settings.to == "mantispy":
        if tables.suffix(path) not in (".h5ad", ".zarr"):
            raise InputError(f"{path.name}: mantispy reads AnnData; name the file .h5ad or .zarr")
        tables.write(mantispy.stamped(profiles, concentration_unit=settings.concentration_unit), path)
        say("  schema 2.0 of mantispy 0.1.0a1, which is experimental and may change")
    elif settings.to == "copairs":
        tables.write(copairs.spelled(profiles), path)
    else:
        spelled = pycytominer.spelled(profiles, feature_prefix=settings.feature_prefix)
        tables.write(spelled, path)
        say(f"  {_inferred(spelled.var_names)}")


def _write_results(found: Any, path: Path) -> None:
    from impasto import profiles as tables
    from impasto import runs

    kind = tables.suffix(path)
    if kind not in (".parquet", ".csv", ".csv.gz"):
        raise InputError(f"{path.name}: the results of an evaluation are a table; name the file .parquet or .csv")
    with runs.atomic(path) as temporary:
        if kind == ".parquet":
            found.to_parquet(temporary, index=False)
        else:
            found.to_csv(temporary, index=False)


def _target(settings: ExportSettings, out: Path) -> Path:
    """The file that is written: `out` itself, or where that is a stage's folder, a file in it."""
    file = settings.file or _FILES[settings.to]
    return out if out.suffix or not file else out / file


def _inferred(names: Sequence[str]) -> str:
    """What pycytominer finds by itself among the features written."""
    from impasto.export import INFERRED

    inferred = sum(name.startswith(INFERRED) for name in names)
    image = sum(name.startswith("Image_") for name in names)
    told = f"pycytominer infers {inferred} of {len(names)} features by their names"
    if inferred + image < len(names):
        told += "; for the others add --feature-prefix Cells_<model>_, or give it their names (features=...)"
    return told + (f"; {image} of the image are taken with image_features=True" if image else "")


VERB = Verb(settings=ExportSettings, inputs=lambda s: [s.profiles], run=run, result="")
