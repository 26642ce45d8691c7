"""Sites -> profiles: which encoder a name means, plates embedded one after the other or by workers, light evened before.

A killed run continues at the first unfinished plate: plates that are done wait in a hidden folder beside the result until all are.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from impasto import methods
from impasto.profiling import ENCODERS
from impasto.profiling.settings import EncoderSettings
from impasto.progress import say
from impasto.schema import InputError, nearest
from impasto.settings import Shown

if TYPE_CHECKING:
    from impasto.nets.encoders.vision import VisionEncoder
    from impasto.plates.sites import Sites
    from impasto.profiling.deep import Extraction
    from impasto.profiling.encoders import SiteEncoder


class ProfileSettings(EncoderSettings):
    """Which images, through which encoder, to which level."""

    images: Annotated[Path, Shown("argument", metavar="DIR")] = Field(description="A folder that impasto ingest wrote.")
    level: Literal["site", "well"] = Field(default="site", description="site, or well (the mean of its sites).")
    per_batch: int = Field(default=8, ge=1, description="Sites that go through the encoder together.")
    quarantine: Path | None = Field(default=None, description="quarantine.csv of impasto check; its sites are left out.")
    engine: Literal["here", "ray"] = Field(
        default="here", description="here, or ray: plates over many workers (extra ray; RAY_ADDRESS names a cluster)."
    )
    workers: int = Field(default=2, ge=1, description="Of Ray: plates at a time.")
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
    from impasto.plates.sites import Sites
    from impasto.profiling import deep

    sites = Sites.read(settings.images)
    if sites.not_everywhere:
        say(f"read in the stains that all plates have: {', '.join(sites.channels)}; left out: {sites.told_not_everywhere()}")
    encoder = open_encoder(settings, sites)
    shards = _shards(settings, out)
    if settings.engine == "ray":
        _over_workers(settings, sites, shards)
    profiles = deep.profile(sites, encoder, shards=shards, how=_extraction(settings, sites))
    if settings.illumination == "estimate":
        _keep_fields([deep.field(sites, plate, shards) for plate in sites.plates()], out)
    tables.write(deep.to_wells(profiles) if settings.level == "well" else profiles, out)
    shutil.rmtree(shards)
    _say_left_out(profiles.uns["quarantine"])


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

    fields = pd.concat([pd.read_parquet(path) for path in parts], ignore_index=True)
    with runs.atomic(fields_path(out)) as temporary:
        fields.to_parquet(temporary, index=False)
    for plate, of_plate in fields.groupby("plate", sort=True):
        sites = int(of_plate["sites"].min())
        if sites < LEAST:
            say(f"  {plate}: light left as it is; a field is estimated from {LEAST} sites or more, and it has {sites} that can be read")
            continue
        ratios = ", ".join(f"{row.channel} {row.corner_to_centre:.2f}" for row in of_plate.itertuples())
        say(f"  {plate}: light of the corners over the centre, divided out: {ratios}")


def _over_workers(settings: ProfileSettings, sites: Sites, shards: Path) -> None:
    """Have workers write the plates' shards; `run` then finds them done and collects them."""
    import torch

    from impasto import progress
    from impasto.profiling import deep, ray_engine

    todo = deep.unfinished(sites, shards)
    left = sum(len(deep.sites_of(sites, plate)) for plate in todo)
    encoder = str(Path(settings.encoder).resolve()) if _is_run(settings.encoder) else settings.encoder
    quarantine = settings.quarantine and settings.quarantine.resolve()
    whole = settings.model_copy(update={"images": settings.images.resolve(), "quarantine": quarantine, "encoder": encoder})
    described = whole.model_dump_json()  # a worker stands in a folder of its own
    work = functools.partial(_plate, described, str(shards.resolve()), torch.get_num_threads())
    with progress.bar(what=f"embedding, {settings.workers} workers", unit="site", total=len(sites), done=len(sites) - left) as advance:
        for sites_done in ray_engine.over_workers(todo, work, workers=settings.workers):
            advance(sites_done)


def _plate(described: str, shards: str, threads: int, plate: str) -> int:
    """What a worker does: one plate. As many threads as one process would use: sums are split, and so rounded, the same way."""
    import torch

    from impasto.profiling import deep

    torch.set_num_threads(threads)
    sites, encoder, how = _ready(described)
    return deep.write_plate(sites, plate, encoder, shards=Path(shards), how=how)


@functools.lru_cache(maxsize=1)
def _ready(described: str) -> tuple[Sites, VisionEncoder | SiteEncoder, Extraction]:
    """What a worker needs for its plates, opened once a worker: loading an encoder may take longer than a small plate."""
    from impasto.plates.sites import Sites

    settings = ProfileSettings.model_validate_json(described)
    sites = Sites.read(settings.images)
    return sites, open_encoder(settings, sites), _extraction(settings, sites)


def _extraction(settings: ProfileSettings, sites: Sites) -> Extraction:
    from impasto.plates import quarantine
    from impasto.profiling.deep import Extraction

    skip = quarantine.sites_of(sites, quarantine.read(settings.quarantine)) if settings.quarantine else frozenset[str]()
    return Extraction(settings.per_batch, skip, settings.illumination, settings.seed)


def open_encoder(settings: EncoderSettings, sites: Sites, /) -> VisionEncoder | SiteEncoder:
    """The encoder of these settings, for these images.

    Parameters
    ----------
    settings
        The name of an encoder of the family, the folder of a run that was trained on images, or a vision model of transformers.
    sites
        The images; their channels decide whether a run fits.

    Returns
    -------
    VisionEncoder | SiteEncoder
        The encoder.

    Raises
    ------
    InputError
        Where there is none of that name, or a run does not read these channels.

    """
    name = settings.encoder
    if _is_run(name):
        from impasto.pretrain.frozen import FrozenRun

        described = json.loads((Path(name) / "model.json").read_text())
        run = FrozenRun.load(Path(name), methods.METHODS[str(described["method"]["name"])], channels=sites.channels)
        say(f"  {run.match.sentence}")
        return run
    if name in ENCODERS:
        return ENCODERS[name](settings)
    refuse_unknown(name)
    from impasto.profiling.encoders import vision_encoder

    return vision_encoder(settings)


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
    if encoder not in ENCODERS and "/" not in encoder and not Path(encoder).is_dir():
        raise InputError(
            f"unknown encoder {encoder!r}{nearest(encoder, ENCODERS)}; allowed: {', '.join(ENCODERS)}, the folder of a run or of a vision "
            "model, or a model of the hub as ORG/MODEL"
        )


def _is_run(encoder: str) -> bool:
    return (Path(encoder) / "model.json").exists()


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
    """The images, the weights of a run, the quarantine.

    Parameters
    ----------
    settings
        Which of them are read.

    Returns
    -------
    list[Path]
        Their paths.

    """
    weights = [Path(settings.encoder) / "model.safetensors"] if _is_run(settings.encoder) else []
    return [settings.images, *weights, *([settings.quarantine] if settings.quarantine else [])]


def _shards(settings: ProfileSettings, out: Path) -> Path:
    """The folder of finished plates: named by settings and images, so that shards of other settings are never mixed in."""
    import hashlib

    from impasto.plates.digest import digest

    digests = "".join(digest(path) for path in inputs(settings))
    # Who embeds the plates changes nothing in them.
    described = settings.model_dump_json(exclude={"engine", "workers"})
    key = hashlib.sha256((described + digests).encode()).hexdigest()[:12]
    return out.with_name(f".{out.name}.plates-{key}")
