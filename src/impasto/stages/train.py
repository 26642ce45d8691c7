"""One method, trained in the one loop on profiles or on images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from impasto import methods
from impasto.schema import InputError
from impasto.settings import Settings, Shown
from impasto.stages import needs
from impasto.stages.base import FOLDER, Verb, digest_of_images
from impasto.stages.check import is_of_cells
from impasto.training.settings import LoopSettings


class TrainSettings(Settings):
    """One training: the method with its parts, the loop, the data it reads (`profiles` or `sites`)."""

    profiles: Path | None = Field(
        default=None, description="Profiles to train on: .parquet, .csv, .h5ad or .zarr; or a folder of impasto cells."
    )
    sites: Path | None = Field(default=None, description="Images to train on: a folder that impasto ingest wrote.")
    start: Path | None = Field(default=None, description="An earlier run; training begins with its weights.")
    stored: Annotated[bool, Shown("nowhere")] = Field(
        default=False,
        description="Profiles stay in their .h5ad file and are read a minibatch at a time: for tables larger than memory.",
    )
    cells_per_well: int | None = Field(
        default=None, ge=1, description="Of a folder of cells: how many of each well are drawn, each a profile; by default 64."
    )
    method: methods.Chosen
    loop: LoopSettings = LoopSettings()
    seed: int = Field(default=0, description="Instead of the recipe's seed.")


def run(settings: TrainSettings, out: Path) -> None:
    """Train, and leave model.safetensors, model.json, split.json, log.jsonl, card.md and checkpoint/ at `out`."""
    path = data_path(settings)
    methods.train(
        settings.method,
        read(
            path,
            methods.METHODS[settings.method.name].reads,
            stored=settings.stored,
            per_well=settings.cells_per_well,
            seed=settings.seed,
        ),
        read_from=path,
        out=out,
        loop=settings.loop,
        start=settings.start,
        seed=settings.seed,
    )


def data_path(settings: TrainSettings) -> Path:
    """The data that this method reads.

    Parameters
    ----------
    settings
        A training.

    Returns
    -------
    Path
        The profiles or the sites.

    Raises
    ------
    InputError
        Where the data are not said, or others are.

    """
    data = {"profiles": settings.profiles, "sites": settings.sites}
    name, wanted = settings.method.name, methods.METHODS[settings.method.name].reads
    path = data.pop(wanted)
    if path is None:
        raise InputError(f"{name} trains on {wanted}; give them with --{wanted}, or as the key {wanted!r} of the stage")
    for other, extra in data.items():
        if extra is not None:
            raise InputError(f"{name} trains on {wanted}, so it does not read the {other} {extra}; leave them out")
    return path


def read(path: Path, kind: str, /, *, stored: bool, per_well: int | None = None, seed: int = 0) -> Any:
    """The data at a path: Profiles or Sites.

    Parameters
    ----------
    path
        The data.
    kind
        `profiles` or `sites`.
    stored
        Whether profiles stay in their file, for tables larger than memory.
    per_well
        Of a folder of cells: how many of each well are drawn.
    seed
        Of that draw.

    Returns
    -------
    AnnData or Sites
        The data.

    Raises
    ------
    InputError
        Cells are to stay in their file, or something else is to be drawn from.

    """
    if kind != "sites" and is_of_cells(path):
        from impasto.cells import sample

        if stored:
            raise InputError(f"stored is for profiles in an .h5ad file, and {path} holds cells, of which a part is drawn; leave it out")
        return sample.of_folder(path, per_well=per_well, seed=seed)
    refuse_per_well(path, per_well)
    if kind == "sites":
        from impasto.plates.sites import Sites

        return Sites.read(path)
    if stored:
        from impasto import stored as files

        return files.read(path)
    from impasto import profiles as tables

    return tables.read(path)


def refuse_per_well(path: Path, per_well: int | None, /) -> None:
    """Refuse an option that only a folder of cells has.

    Parameters
    ----------
    path
        What is read.
    per_well
        As it was said.

    Raises
    ------
    InputError
        It was said of something else.

    """
    if per_well is not None:
        raise InputError(f"--cells-per-well is for a folder of cells, and {path} is none; leave it out")


def inputs(settings: TrainSettings) -> list[Path]:
    """The data, the weights it starts from, and the files of what is added.

    Parameters
    ----------
    settings
        A training.

    Returns
    -------
    list[Path]
        Files and folders.

    """
    start = settings.start and settings.start / "model.safetensors"
    read = (settings.profiles, settings.sites, start)
    return [path for path in read if path is not None] + methods.own_files(settings.method) + methods.added_files(settings.method)


VERB = Verb(
    settings=TrainSettings,
    inputs=inputs,
    run=run,
    result="",
    writes=FOLDER,
    digest=digest_of_images,
    need=lambda s, _, sizes: needs.of_train(s.profiles, sizes, stored=s.stored),
)
