"""The same profiles, as another program of the field reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from impasto import border, texts
from impasto.export import EXPORTERS
from impasto.families import named_in
from impasto.progress import say
from impasto.schema import InputError
from impasto.settings import Settings, Shown
from impasto.stages.base import PROFILES, Verb, Writes


class ExportSettings(Settings):
    """Which profiles (or, for copairs, `per_group.parquet` or `per_well.parquet` of an evaluation), for whom."""

    profiles: Annotated[Path, Shown("argument", metavar="PROFILES")] = Field(
        description="Profiles; for copairs also per_group.parquet or per_well.parquet of an evaluation."
    )
    to: Annotated[str, named_in(EXPORTERS)] = Field(description=f"The program that reads them: {', '.join(EXPORTERS)}.")
    file: Annotated[str, Shown("nowhere")] = Field(
        default="",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]*)?$",
        description="In a recipe: the name of the file in the stage's folder; its ending says the format.",
    )
    feature_prefix: str = Field(
        default="",
        description="For pycytominer: a prefix of features without a compartment, which makes it see them (Cells_dinov2_).",
    )
    concentration_unit: str | None = Field(default=None, description="For mantispy, which assumes none: uM, nM...")


def run(settings: ExportSettings, out: Path) -> None:
    """Write what the program reads at `out`: a file, or in a folder the file of that program."""
    from impasto import commit_point, dataset
    from impasto import profiles as tables
    from impasto.export import copairs
    from impasto.profiles import streams

    path, options = _target(settings, out), _options(settings)
    stream = EXPORTERS[settings.to].stream
    if stream is not None and commit_point.is_there(settings.profiles):
        stream(dataset.open_dataset(settings.profiles), path)
    elif settings.to == "plates" and len(files := _tables(settings.profiles)) > 1:
        say(f"  {streams.gather(files, path)} plates of {len(files)} tables")
    elif not _holds_scores(settings.profiles):
        if sentence := EXPORTERS[settings.to].write(tables.read(settings.profiles), path, options):
            say(f"  {sentence}")
    elif settings.to == "copairs":
        _write_results(copairs.results(border.parquet(settings.profiles)), path)
    else:
        raise InputError(f"{settings.profiles} holds the scores of an evaluation, not profiles; export those --to copairs")


def _tables(path: Path) -> list[Path]:
    """The tables of a folder of Parquet files, which are read one after the other; none of anything else."""
    from impasto import tables as any_table
    from impasto.profiles import streams

    return streams.files_of(path) if any_table.kind(path) == any_table.FOLDER_OF_PARQUET else []


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


def _options(settings: ExportSettings) -> dict[str, Any]:
    """The options of the program. Raises InputError on one that another program has."""
    options = {"feature_prefix": settings.feature_prefix, "concentration_unit": settings.concentration_unit}
    allowed = EXPORTERS[settings.to].options
    for option, value in options.items():
        if value and option not in allowed:
            programs = ", ".join(name for name in EXPORTERS if option in EXPORTERS[name].options)
            raise InputError(f"--{option.replace('_', '-')} is of --to {programs}, and this is --to {settings.to}; leave it out")
    return {option: options[option] for option in allowed}


def _write_results(scores: Any, path: Path) -> None:
    from impasto import profiles as tables
    from impasto import runs

    kind = tables.suffix(path)
    if kind not in (".parquet", ".csv", ".csv.gz"):
        raise InputError(f"{path.name}: the results of an evaluation are a table; name the file .parquet or .csv")
    with runs.atomic(path) as temporary:
        if kind == ".parquet":
            scores.to_parquet(temporary, index=False)
        else:
            texts.write_csv(scores, temporary)


def _target(settings: ExportSettings, out: Path) -> Path:
    """The file that is written: `out` itself, or where that is a stage's folder, a file in it."""
    file = settings.file or EXPORTERS[settings.to].file
    return out / file if VERB.writes.is_folder(out) and file else out


VERB = Verb(
    settings=ExportSettings, inputs=lambda s: [s.profiles], run=run, result="", writes=Writes(folder=True, suffixes=PROFILES.suffixes)
)
