"""`impasto profile DIR --encoder NAME --out PROFILES`: images into profiles."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from impasto.recipe import PROFILES, Verb, digest_of_images
from impasto.schema import InputError, nearest
from impasto.settings import Settings

if TYPE_CHECKING:
    from impasto.nets.encoders.vision import VisionEncoder
    from impasto.plates.sites import Sites
    from impasto.profiling.deep import Extraction
    from impasto.profiling.encoders import SiteEncoder


class ProfileSettings(Settings):
    """Which images, through which encoder, to which level."""

    images: Path
    encoder: str = "efficientnet_lite0"
    layer: int = -1
    pooling: Literal["cls", "mean"] = "cls"
    size: int = 224
    nucleus: float = 30.0
    """Of cp_measure: the diameter of a nucleus in pixels."""
    level: Literal["site", "well"] = "site"
    per_batch: int = 8
    quarantine: Path | None = None
    """The quarantine.csv of `impasto check`; its sites are left out."""
    engine: Literal["here", "ray"] = "here"
    """Where plates are embedded: in this process, or by workers of Ray (on this machine, or the cluster of RAY_ADDRESS)."""
    workers: int = 2
    runtime: Literal["torch", "openvino"] = "torch"
    """What computes a vision encoder: torch, or OpenVINO (extra openvino), faster on a CPU; a transformer then has 8-bit weights."""
    illumination: Literal["none", "estimate", "files"] = "none"
    """How light is evened before 8 bit: not at all, by a field estimated from each plate and kept at `<out>.illumination.parquet`, or by
    the functions that a LoadData table names."""
    seed: int = 0


def run(settings: ProfileSettings, out: Path) -> None:
    """Write the profiles at `out`; plates that are done wait in a hidden folder beside it until all are."""
    import shutil

    from impasto import profiles as tables
    from impasto.plates.sites import Sites
    from impasto.profiling import deep
    from impasto.verbs.terminal import say

    sites = Sites.read(settings.images)
    if sites.not_everywhere:
        say(f"read in the stains that all plates have: {', '.join(sites.channels)}; left out: {sites.told_not_everywhere()}")
    encoder = _encoder(settings, sites)
    shards = _shards(settings, out)
    if settings.engine == "ray":
        _deal(settings, sites, shards)
    found = deep.profile(sites, encoder, shards=shards, how=_extraction(settings, sites))
    if settings.illumination == "estimate":
        _keep_fields([deep.field(sites, plate, shards) for plate in sites.plates()], out)
    tables.write(deep.to_wells(found) if settings.level == "well" else found, out)
    shutil.rmtree(shards)
    _say_left_out(found.uns["quarantine"])


_CLASSICAL = ("cp_measure", "cp_measure_fast")
_NAMED = 10
"""So many sites of one reason are named; all are in `uns["quarantine"]` of the profiles."""


def _say_left_out(quarantine: list[dict[str, str]]) -> None:
    """Which sites were left out and why: a few of each reason by name, all by number."""
    from impasto.verbs.terminal import say

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
    from impasto.verbs.terminal import say

    fields = pd.concat([pd.read_parquet(path) for path in parts], ignore_index=True)
    with runs.atomic(fields_path(out)) as temporary:
        fields.to_parquet(temporary, index=False)
    for plate, mine in fields.groupby("plate", sort=True):
        sites = int(mine["sites"].min())
        if sites < LEAST:
            say(f"  {plate}: light left as it is; a field is estimated from {LEAST} sites or more, and it has {sites} that can be read")
            continue
        told = ", ".join(f"{row.channel} {row.corner_to_centre:.2f}" for row in mine.itertuples())
        say(f"  {plate}: light of the corners over the centre, divided out: {told}")


def fields_path(out: Path) -> Path:
    """Where the fields of light that were divided out of profiles are kept."""
    return out.with_name(out.name + ".illumination.parquet")


def _deal(settings: ProfileSettings, sites: Sites, shards: Path) -> None:
    """Have workers write the plates' shards; `run` then finds them done and collects them."""
    import torch

    from impasto import progress
    from impasto.profiling import deep, ray_engine

    todo = deep.unfinished(sites, shards)
    left = sum(len(deep.sites_of(sites, plate)) for plate in todo)
    encoder = str(Path(settings.encoder).resolve()) if _is_run(settings.encoder) else settings.encoder
    quarantine = settings.quarantine and settings.quarantine.resolve()
    whole = settings.model_copy(update={"images": settings.images.resolve(), "quarantine": quarantine, "encoder": encoder})
    told = whole.model_dump_json()  # a worker stands in a folder of its own
    work = functools.partial(_plate, told, str(shards.resolve()), torch.get_num_threads())
    with progress.bar(what=f"embedding, {settings.workers} workers", unit="site", total=len(sites), done=len(sites) - left) as advance:
        for sites_done in ray_engine.deal(todo, work, workers=settings.workers):
            advance(sites_done)


def _plate(told: str, shards: str, threads: int, plate: str) -> int:
    """What a worker does: one plate. As many threads as one process would use: sums are split, and so rounded, the same way."""
    import torch

    from impasto.profiling import deep

    torch.set_num_threads(threads)
    sites, encoder, how = _ready(told)
    return deep.write_plate(sites, plate, encoder, shards=Path(shards), how=how)


@functools.lru_cache(maxsize=1)
def _ready(told: str) -> tuple[Sites, VisionEncoder | SiteEncoder, Extraction]:
    """What a worker needs for every plate: opened once a worker, since loading an encoder may take longer than a small plate."""
    from impasto.plates.sites import Sites

    settings = ProfileSettings.model_validate_json(told)
    sites = Sites.read(settings.images)
    return sites, _encoder(settings, sites), _extraction(settings, sites)


def _extraction(settings: ProfileSettings, sites: Sites) -> Extraction:
    from impasto.plates import quarantine
    from impasto.profiling.deep import Extraction

    skip = quarantine.sites_of(sites, quarantine.read(settings.quarantine)) if settings.quarantine else frozenset[str]()
    return Extraction(settings.per_batch, skip, settings.illumination, settings.seed)


def _encoder(settings: ProfileSettings, sites: Sites) -> VisionEncoder | SiteEncoder:
    """A trained run by its folder, classical features or statistics of intensity, or a vision encoder by name."""
    from impasto.nets.encoders import vision
    from impasto.pretrain.frozen import FrozenRun
    from impasto.profiling.classical import CpMeasure
    from impasto.profiling.encoders import Intensity
    from impasto.verbs.terminal import say
    from impasto.verbs.train import method_module

    if _is_run(settings.encoder):
        described = json.loads((Path(settings.encoder) / "model.json").read_text())
        module = method_module(described["method"])
        if getattr(module, "READS", "") != "sites":
            raise InputError(f"{settings.encoder} holds a {described['method']['name']} model, which reads profiles, not images")
        run = FrozenRun.load(Path(settings.encoder), module, channels=sites.channels)
        say(f"  {run.match.sentence}")
        return run
    if settings.encoder == "intensity":
        return Intensity()
    if settings.encoder in _CLASSICAL:
        return CpMeasure(nucleus=settings.nucleus, slow=settings.encoder == "cp_measure")
    known = (*vision.PACKAGED, "intensity", *_CLASSICAL)
    # A slip of the pen is not looked for on the network.
    if settings.encoder not in known and "/" not in settings.encoder and not Path(settings.encoder).is_dir():
        raise InputError(
            f"unknown encoder {settings.encoder!r}{nearest(settings.encoder, known)}; allowed: {', '.join(known)}, the folder of a run or "
            "of a vision model, or a model of the hub as ORG/MODEL"
        )
    found = vision.load(settings.encoder, layer=settings.layer, pooling=settings.pooling, size=settings.size, seed=settings.seed)
    if settings.runtime == "openvino":
        from impasto.nets.encoders import openvino_int8

        return openvino_int8.convert(found)
    return found


def _is_run(encoder: str) -> bool:
    return (Path(encoder) / "model.json").exists()


def _inputs(settings: ProfileSettings) -> list[Path]:
    weights = [Path(settings.encoder) / "model.safetensors"] if _is_run(settings.encoder) else []
    return [settings.images, *weights, *([settings.quarantine] if settings.quarantine else [])]


def _shards(settings: ProfileSettings, out: Path) -> Path:
    """The folder of finished plates: named by settings and images, so that shards of others are never mixed in."""
    import hashlib

    digests = "".join(digest_of_images(path) for path in _inputs(settings))
    # Who embeds the plates changes nothing in them.
    told = settings.model_dump_json(exclude={"engine", "workers"})
    key = hashlib.sha256((told + digests).encode()).hexdigest()[:12]
    return out.with_name(f".{out.name}.plates-{key}")


def command(
    images: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that impasto ingest wrote.")],
    out: Annotated[Path, typer.Option(help="Where to write: .parquet, .h5ad or .zarr.")],
    encoder: Annotated[
        str,
        typer.Option(
            help="efficientnet_lite0, dinov2_s14, random, intensity, cp_measure, cp_measure_fast, a run's folder, or a Hugging Face model."
        ),
    ] = "efficientnet_lite0",
    layer: Annotated[int, typer.Option(help="Of a Hugging Face model: which hidden layer.")] = -1,
    pooling: Annotated[str, typer.Option(help="Of a Hugging Face model: cls, or mean over patches.")] = "cls",
    size: Annotated[int, typer.Option(help="Of a Hugging Face model: pixels a side.")] = 224,
    nucleus: Annotated[float, typer.Option(help="Of cp_measure: the diameter of a nucleus in pixels.")] = 30.0,
    level: Annotated[str, typer.Option(help="site, or well (the mean of its sites).")] = "site",
    per_batch: Annotated[int, typer.Option(min=1, help="Sites that go through the encoder together.")] = 8,
    quarantine: Annotated[Path | None, typer.Option(help="quarantine.csv of impasto check.")] = None,
    illumination: Annotated[
        str, typer.Option(help="Even the light first: none, estimate (a field a plate and channel), or files (a LoadData table's).")
    ] = "none",
    engine: Annotated[str, typer.Option(help="here, or ray: plates over many workers (extra ray; RAY_ADDRESS names a cluster).")] = "here",
    workers: Annotated[int, typer.Option(min=1, help="Of Ray: plates at a time.")] = 2,
    runtime: Annotated[
        str, typer.Option(help="torch, or openvino: faster on a CPU, transformers with 8-bit weights (extra openvino).")
    ] = "torch",
) -> None:
    """Embed every site with a frozen encoder: packaged, of the hub, or a run of impasto train --sites.

    `random` is the control with random weights, `intensity` statistics of the raw pixels, `cp_measure` CellProfiler's features of cells,
    nuclei and cytoplasm (extra classical; `cp_measure_fast` without granularity and radial distribution). A killed run goes on at the
    first unfinished plate.

    Example: `impasto profile ingested --encoder efficientnet_lite0 --out profiles.parquet`
    """
    from impasto import recipe as recipes
    from impasto.verbs.terminal import say

    given: dict[str, Any] = {"images": images, "encoder": encoder, "layer": layer, "pooling": pooling, "size": size, "level": level}
    given |= {"per_batch": per_batch, "quarantine": quarantine and str(quarantine), "illumination": illumination, "nucleus": nucleus}
    settings = ProfileSettings.read({**given, "engine": engine, "workers": workers, "runtime": runtime}, where="impasto profile")
    worked = recipes.execute("profile", settings, out=out)
    say(f"{'wrote' if worked else 'already there:'} {out}")


VERB = Verb(
    settings=ProfileSettings,
    inputs=_inputs,
    run=run,
    result="profiles.parquet",
    writes=PROFILES,
    digest=digest_of_images,
    beside=lambda s, out: [fields_path(out)] if s.illumination == "estimate" else [],
)
