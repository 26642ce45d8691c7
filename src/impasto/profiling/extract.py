"""Sites -> profiles: which encoder a name means, plates embedded one after the other or by workers, light evened before.

A killed run continues at the first unfinished plate: plates that are done wait in a hidden folder beside the result until all are.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from impasto import border, devices, methods, records, texts
from impasto.cells.pools import POOLS
from impasto.profiling import ENCODERS, cards
from impasto.profiling.settings import EncoderSettings
from impasto.progress import say
from impasto.scale.plan import Phase, Plan, Shard
from impasto.scale.run import run_shards
from impasto.scale.settings import ShardSettings
from impasto.scale.task import Task
from impasto.schema import InputError, nearest
from impasto.settings import Shown
from impasto.training import model_json

if TYPE_CHECKING:
    from anndata import AnnData

    from impasto.devices import Place
    from impasto.nets.encoders.vision import VisionEncoder
    from impasto.plates.plate_index import PlateIndex
    from impasto.plates.sites import Sites
    from impasto.profiling.deep import Extraction, Finished
    from impasto.profiling.encoders import SiteEncoder


class ProfileSettings(EncoderSettings, ShardSettings):
    """Which images, through which encoder, to which level."""

    images: Annotated[Path, Shown("argument", metavar="DIR")] = Field(description="A folder that impasto ingest or impasto cells wrote.")
    pool: str | None = Field(
        default=None, description=f"Of cells: how those of a well become its profile: {', '.join(POOLS)}; by default median."
    )
    cells: Path | None = Field(
        default=None,
        description="Of images, at level well: a folder that impasto cells wrote of them; their count stands beside the profiles.",
    )
    quality: Path | None = Field(default=None, description="Of cells: the folder of impasto check, where it is not DIR/quality.")
    level: Literal["site", "well"] = Field(default="site", description="site, or well (the mean of its sites).")
    per_batch: int = Field(default=8, ge=1, description="Sites that go through the encoder together.")
    quarantine: Path | None = Field(default=None, description="quarantine.csv of impasto check; its sites are left out.")
    illumination: Literal["none", "estimate", "files"] = Field(
        default="none",
        description="Even the light before 8 bit: none, estimate (a field a plate and channel, kept beside the profiles), or files (those "
        "that a LoadData table names).",
    )


def profile(settings: ProfileSettings, out: Path, /) -> None:
    """Write the profiles of all sites at `out`.

    Parameters
    ----------
    settings
        The images, the encoder and how light is evened.
    out
        The table: .parquet, .h5ad or .zarr; with `illumination = "estimate"` the fields lie beside it, at `<out>.illumination.parquet`.

    Raises
    ------
    InputError
        Where no encoder has that name, or it does not fit the images.

    """
    import shutil

    from impasto import profiles as tables
    from impasto.profiling import deep

    _refuse_cells(settings, out)
    index = plates_of(settings.images)
    if index.not_everywhere:
        say(f"read in the stains that all plates have: {', '.join(index.channels)}; left out: {index.told_not_everywhere()}")
    encoder = open_encoder(settings, index)
    shards = _shards(settings, out)
    plan, place = _plan(settings, index, shards), devices.place(settings)
    if place.world > 1:
        _part(plan, settings, place)
        if not devices.is_first():
            return
    run_shards(plan, settings.where())
    if settings.illumination == "estimate":
        _keep_fields([shards / f"{number:04d}.light.parquet" for number in range(len(index.names))], out)
    if tables.suffix(out) == ".plates":
        quarantine = _keep_plates(settings, deep.Finished(shards, len(index.names)), encoder, out)
    else:
        profiles = deep.collect(shards, len(index.names), encoder, illumination=settings.illumination)
        whole = deep.to_wells(profiles) if settings.level == "well" else profiles
        tables.write(_counted(whole, settings.cells) if settings.cells is not None else whole, out)
        quarantine = profiles.uns["quarantine"]
    shutil.rmtree(shards)
    _say_left_out(quarantine)


def _refuse_cells(settings: ProfileSettings, out: Path) -> None:
    """Refuse cells that would be passed over."""
    from impasto import profiles as tables

    if settings.cells is not None and (settings.level != "well" or tables.suffix(out) == ".plates"):
        raise InputError(f"--cells counts the cells of wells in one table; say --level well, and write a table instead of {out.name}")


def _counted(profiles: AnnData, cells: Path) -> AnnData:
    from impasto.cells.folder import Cells
    from impasto.profiling.counted import counted

    return counted(profiles, Cells(cells))


def plates_of(images: Path, /) -> PlateIndex:
    """The plates of the images. A folder of an earlier version has no table of plates: there it is made from its sites.

    Parameters
    ----------
    images
        A folder that impasto ingest wrote.

    Returns
    -------
    PlateIndex
        Its plates and channels.

    """
    from impasto.plates import plate_index
    from impasto.plates.sites import Sites

    return plate_index.read(images) or Sites.read(images).index


def _plan(settings: ProfileSettings, index: PlateIndex, shards: Path) -> Plan:
    """One shard a plate. A worker stands in a folder of its own, so paths are absolute."""
    import torch

    is_path = _is_run(settings.encoder) or cards.is_card(settings.encoder)
    encoder = str(Path(settings.encoder).resolve()) if is_path else settings.encoder
    quarantine = settings.quarantine and settings.quarantine.resolve()
    whole = settings.model_copy(update={"images": settings.images.resolve(), "quarantine": quarantine, "encoder": encoder, "cells": None})
    # As many threads as this process uses: sums are split, and so rounded, the same way in all workers.
    common = {"settings": whole.model_dump_json(exclude=set(ShardSettings.change_nothing)), "threads": torch.get_num_threads()}
    plates = tuple(
        Shard(
            f"plate-{number:05d}",
            "impasto.profiling.extract:embed_plate",
            {**common, "plate": name},
            f"done/{number:05d}.json",
            inputs=(shards.name,),
            plates=(name,),
        )
        for number, name in enumerate(index.names)
    )
    return Plan(shards, (Phase("embedding", plates, unit="plate", shows_itself=True),), threads=0)


def embed_plate(arguments: Mapping[str, Any], task: Task, /) -> None:
    """The shard of one plate.

    Parameters
    ----------
    arguments
        The settings, how many threads, the plate.
    task
        Its folder holds the finished plates.

    """
    import torch

    from impasto import progress
    from impasto.plates.sites import Sites
    from impasto.profiling import deep

    torch.set_num_threads(arguments["threads"])
    settings = ProfileSettings.model_validate_json(arguments["settings"])
    plate = arguments["plate"]
    sites = Sites.read(settings.images, plate=plate)
    encoder = _opened(arguments["settings"])
    with progress.bar(what=f"embedding {plate}", unit="site", total=len(sites.of_plate(plate))) as advance:
        count = deep.write_plate(sites, plate, encoder, shards=task.folder, how=_extraction(settings, sites), advance=advance)
    texts.write(task.output, json.dumps({"sites": count}))


@functools.lru_cache(maxsize=1)
def _opened(described: str) -> VisionEncoder | SiteEncoder:
    """The encoder, opened once a process: loading one may take longer than a small plate."""
    settings = ProfileSettings.model_validate_json(described)
    return open_encoder(settings, plates_of(settings.images))


def _keep_plates(settings: ProfileSettings, finished: Finished, encoder: VisionEncoder | SiteEncoder, out: Path) -> list[dict[str, str]]:
    """The finished plates as the members of a dataset: none is read that need not be."""
    import anndata

    from impasto import dataset, runs
    from impasto.dataset.commit import add_member, commit, row_of
    from impasto.profiling import deep

    made = anndata.AnnData(var=finished.var)
    deep.record(made, encoder, illumination=settings.illumination)
    with runs.atomic(out) as temporary:
        rows = []
        for path, facts in finished.plates():
            if settings.level == "well":
                rows.append(add_member(deep.to_wells(dataset.read_member(path, finished.var)), temporary))
                continue
            dataset.link(path, temporary / dataset.file_of(facts.key))
            rows.append(row_of(temporary, facts))
        rows.sort(key=lambda row: tuple(row[word] for word in dataset.KEYS))
        commit(temporary, rows, finished.var, uns={**made.uns, "quarantine": finished.quarantine})
    return finished.quarantine


def _part(plan: Plan, settings: ProfileSettings, place: Place) -> None:
    """Embed the plates of this process, one of those that torchrun started. Returns when all have done theirs."""
    from impasto.scale import local

    if settings.shards != "local":
        raise InputError(
            f"torchrun has started {place.world} processes, and --shards {settings.shards} would start its own; use one of the two"
        )
    plan.save()
    for phase in plan.phases:
        local.run_phase(plan, replace(phase, shards=phase.shards[place.rank :: place.world]), settings.where())
    devices.wait()


_NAMED = 10
"""So many sites of one reason are named; all are in `uns["quarantine"]` of the profiles."""


def _say_left_out(quarantine: list[dict[str, str]]) -> None:
    """Which sites were left out and why: a few of each reason by name, all by number."""
    by_reason: dict[str, list[str]] = {}
    for bad in quarantine:
        by_reason.setdefault(bad["reason"], []).append(bad["site"])
    for reason, names in by_reason.items():
        for name in names[:_NAMED]:
            say(f"  left out: {name}: {reason}")
        if len(names) > _NAMED:
            say(f"  left out: {len(names) - _NAMED} more sites: {reason}")
    if quarantine:
        say(f"{len(quarantine)} sites were left out; their names and reasons are in the profiles (uns['quarantine'])")


def _keep_fields(parts: list[Path], out: Path) -> None:
    """One table of the plates' fields beside the profiles; a plate with too few sites for one is named."""
    import pandas as pd

    from impasto import runs
    from impasto.plates.illumination import LEAST

    fields = pd.concat([border.parquet(path) for path in parts], ignore_index=True)
    with runs.atomic(fields_path(out)) as temporary:
        fields.to_parquet(temporary, index=False)
    for plate, of_plate in fields.groupby("plate", sort=True):
        sites = int(of_plate["sites"].min())
        if sites < LEAST:
            say(f"  {plate}: light left as it is; a field is estimated from {LEAST} sites or more, and it has {sites} that can be read")
            continue
        ratios = ", ".join(f"{row.channel} {row.corner_to_centre:.2f}" for row in of_plate.itertuples())
        say(f"  {plate}: light of the corners over the centre, divided out: {ratios}")


def _extraction(settings: ProfileSettings, sites: Sites) -> Extraction:
    from impasto.plates import quarantine
    from impasto.profiling.deep import Extraction

    skip = quarantine.sites_of(sites, quarantine.read(settings.quarantine)) if settings.quarantine else frozenset[str]()
    return Extraction(settings.per_batch, skip, settings.illumination, settings.seed)


def open_encoder(settings: EncoderSettings, sites: Sites | PlateIndex, /) -> VisionEncoder | SiteEncoder:
    """The encoder of these settings, for these images.

    Parameters
    ----------
    settings
        The name of an encoder of the family, the folder of a run that was trained on images, or a vision model of transformers.
    sites
        The images, or their plates; their channels decide whether a run fits.

    Returns
    -------
    VisionEncoder | SiteEncoder
        The encoder.

    Raises
    ------
    InputError
        Where there is none of that name, or a run does not read these channels.

    """
    settings = cards.applied(settings)
    name = settings.encoder
    if _is_run(name):
        return _run(settings, sites)
    if name in ENCODERS:
        return ENCODERS[name](settings)
    refuse_unknown(name)
    from impasto.profiling.encoders import vision_encoder

    return vision_encoder(settings.model_copy(update={"order": list(sites.channels)}) if _any_channels(settings) else settings)


def _any_channels(settings: EncoderSettings) -> bool:
    """Whether the encoder reads whatever channels the images have."""
    return settings.input == "set" and not settings.order


_OF_A_MODEL = ("layer", "size", "input", "order", "normalise", "code", "call", "licence")
"""The fields that say how a model of others is read; of a run they were decided when it was trained."""


def _run(settings: EncoderSettings, sites: Sites | PlateIndex) -> SiteEncoder:
    """A run that was trained on images, as an encoder."""
    from impasto.plates.crops import Crops
    from impasto.pretrain.frozen import FrozenRun

    folder = Path(settings.encoder)
    for field in _OF_A_MODEL:
        if getattr(settings, field) != EncoderSettings.model_fields[field].get_default(call_default_factory=True):
            raise InputError(f"{folder} is a run, and its {field} was decided when it was trained; leave {field} out")
    if settings.runtime != "torch":
        raise InputError(f"{folder} is a run, which torch reads; leave out --runtime")
    trainable = methods.METHODS[model_json.read(folder)["method"]["name"]]
    run = FrozenRun.load(folder, trainable, channels=list(sites.channels), readout=settings.readout, place=devices.place(settings))
    say(f"  {run.match.sentence}")
    return replace(run, crops=Crops(settings.crops, run.crops.size, settings.seed, settings.instances))


def refuse_unknown(encoder: str, /) -> None:
    """Refuse a slip of the pen, before anything is looked for on the network.

    Parameters
    ----------
    encoder
        What was typed.

    Raises
    ------
    InputError
        Where it is no name of the family, no folder, and no model of the hub.

    """
    if encoder not in ENCODERS and "/" not in encoder and not Path(encoder).exists():
        raise InputError(
            f"unknown encoder {encoder!r}{nearest(encoder, ENCODERS)}; allowed: {', '.join(ENCODERS)}, the folder of a run or of a vision "
            "model, a model of the hub as ORG/MODEL, or a card (.toml)"
        )


def _is_run(encoder: str) -> bool:
    return model_json.is_run(Path(encoder))


def fields_path(out: Path) -> Path:
    """Where the fields of light that were divided out of profiles are kept.

    Parameters
    ----------
    out
        The profiles.

    Returns
    -------
    Path
        A file beside them.

    """
    return out.with_name(out.name + ".illumination.parquet")


def inputs(settings: ProfileSettings, /) -> list[Path]:
    """The images, the weights of a run, the folder or card of a model, the quarantine, the cells.

    Parameters
    ----------
    settings
        Which of them are read.

    Returns
    -------
    list[Path]
        Their paths.

    """
    weights = [Path(settings.encoder) / "model.safetensors"] if _is_run(settings.encoder) else _of_a_folder(settings.encoder)
    return [settings.images, *weights, *(path for path in (settings.quarantine, settings.cells) if path)]


def _of_a_folder(encoder: str) -> list[Path]:
    """The card, or the folder of a vision model, that an encoder is read from."""
    path = Path(encoder)
    return [path] if encoder not in ENCODERS and (path.is_dir() or cards.is_card(encoder)) else []


def _shards(settings: ProfileSettings, out: Path) -> Path:
    """The folder of finished plates: named by settings and images, so that shards of other settings are never mixed in."""
    import hashlib

    from impasto.plates.digest import digest

    digests = "".join(digest(path) for path in inputs(settings))
    described = json.dumps(settings.result(), sort_keys=True)
    key = hashlib.sha256((described + digests).encode()).hexdigest()[:12]
    return records.work_of(out, key)
