"""One method, trained in the one loop on profiles or on images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from impasto import methods
from impasto.schema import InputError
from impasto.settings import Settings, Shown
from impasto.stages.base import FOLDER, Verb, digest_of_images
from impasto.training.settings import LoopSettings


class TrainSettings(Settings):
    """One training: the method with its parts, the loop, the data it reads (`profiles` or `sites`)."""

    profiles: Path | None = Field(default=None, description="Profiles to train on: .parquet, .csv, .h5ad or .zarr.")
    sites: Path | None = Field(default=None, description="Images to train on: a folder that impasto ingest wrote.")
    start: Path | None = Field(default=None, description="An earlier run; training begins with its weights.")
    stored: Annotated[bool, Shown("nowhere")] = Field(
        default=False,
        description="Profiles stay in their .h5ad file and are read a minibatch at a time: for tables larger than memory.",
    )
    method: methods.Chosen
    loop: LoopSettings = LoopSettings()
    seed: int = Field(default=0, description="Instead of the recipe's seed.")


def run(settings: TrainSettings, out: Path) -> None:
    """Train, and leave model.safetensors, model.json, split.json, log.jsonl, card.md and checkpoint/ at `out`."""
    path = data_path(settings)
    methods.train(
        settings.method,
        read(path, methods.METHODS[settings.method.name].reads, stored=settings.stored),
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


def read(path: Path, kind: str, /, *, stored: bool) -> Any:
    """The data at a path: Profiles or Sites.

    Parameters
    ----------
    path
        The data.
    kind
        `profiles` or `sites`.
    stored
        Whether profiles stay in their file, for tables larger than memory.

    Returns
    -------
    AnnData or Sites
        The data.

    """
    if kind == "sites":
        from impasto.plates.sites import Sites

        return Sites.read(path)
    if stored:
        from impasto import stored as files

        return files.read(path)
    from impasto import profiles as tables

    return tables.read(path)


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


VERB = Verb(settings=TrainSettings, inputs=inputs, run=run, result="", writes=FOLDER, digest=digest_of_images)
