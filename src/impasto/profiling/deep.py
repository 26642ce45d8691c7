"""Sites -> features by a frozen encoder; batched, read ahead, resumable, in bounded memory.

A vision encoder sees each channel as an image of its own (Lu et al., CellCLIP, Eq. 2: z_k = [psi(u^1), ..., psi(u^C)]); other encoders
(profiling/encoders.py, a trained run) see the channels together. Each plate has a file, in the form of a member of a dataset, written under
a temporary name and renamed. So a killed run goes on at the first unfinished plate, and ends in the same bytes.
Images that cannot be read are quarantined with their reason, counted, and do not stop the run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import dataset, identity, progress, runs, schema, texts, wells
from impasto import profiles as tables
from impasto.nets.encoders.vision import VisionEncoder
from impasto.plates import illumination as light
from impasto.plates.read import BadImage
from impasto.plates.sites import Sites
from impasto.profiling.classical import COUNT
from impasto.profiling.encoders import Array, Cropping, SiteEncoder, of_sites
from impasto.schema import InputError

CROP = "crop"
"""The number of a site's crop, where each is a row."""


@dataclass(frozen=True)
class Extraction:
    """How sites go to an encoder."""

    per_batch: int = 8
    """So many together."""
    skip: frozenset[str] = frozenset()
    """Names of sites to leave out (quarantined by `check`)."""
    illumination: str = "none"
    """How light is evened before anything else: one of `plates.illumination.WAYS`."""
    seed: int = 0
    """Of the sites an illumination field is estimated from."""


def profile(sites: Sites, encoder: VisionEncoder | SiteEncoder, /, *, shards: Path, how: Extraction = Extraction()) -> anndata.AnnData:
    """Embed every site of every plate: a row a site, or a row a crop where the encoder gives these.

    Parameters
    ----------
    sites
        The ingested images.
    encoder
        A frozen encoder of sites, or a vision encoder, through which each channel goes as an image of its own.
    shards
        Where finished plates are kept until all are done.
    how
        How sites go to the encoder.

    Returns
    -------
    anndata.AnnData
        Profiles of sites, features as the encoder names them (`emb_<channel>_0000...`), with the identity of the encoder (`identity.of`).
        `uns["quarantine"]` lists what was left out and why.

    Raises
    ------
    InputError
        Where no site at all could be read.

    """
    todo = unfinished(sites, shards)
    left = sum(len(sites_of(sites, plate)) for plate in todo)
    with progress.bar(what="embedding", unit="site", total=len(sites), done=len(sites) - left) as advance:
        for plate in todo:
            write_plate(sites, plate, encoder, shards=shards, how=how, advance=advance)
    return collect(shards, len(sites.plates()), encoder, illumination=how.illumination)


def unfinished(sites: Sites, shards: Path, /) -> list[str]:
    """The plates that have no shard yet.

    Parameters
    ----------
    sites
        The ingested images.
    shards
        Where finished plates are kept.

    Returns
    -------
    list[str]
        Names of plates.

    """
    return [plate for plate in sites.plates() if not is_finished(shard(sites, plate, shards))]


def shard(sites: Sites, plate: str, shards: Path, /) -> Path:
    """Where a plate's profiles are kept until all are done, in the form of a member of a dataset.

    Parameters
    ----------
    sites
        The ingested images.
    plate
        Its name.
    shards
        Where finished plates are kept.

    Returns
    -------
    Path
        The file.

    """
    return shards / f"{sites.number(plate):04d}.parquet"


def field(sites: Sites, plate: str, shards: Path, /) -> Path:
    """Where a plate's illumination fields are kept, where they are estimated.

    Parameters
    ----------
    sites
        The ingested images.
    plate
        Its name.
    shards
        Where finished plates are kept.

    Returns
    -------
    Path
        The file.

    """
    return shard(sites, plate, shards).with_suffix(".light.parquet")


def sites_of(sites: Sites, plate: str, /) -> npt.NDArray[np.intp]:
    """The sites of a plate.

    Parameters
    ----------
    sites
        The ingested images.
    plate
        Its name.

    Returns
    -------
    npt.NDArray[np.intp]
        Their numbers.

    """
    return sites.of_plate(plate)


def write_plate(
    sites: Sites,
    plate: str,
    encoder: VisionEncoder | SiteEncoder,
    /,
    *,
    shards: Path,
    how: Extraction = Extraction(),
    advance: progress.Advance = lambda _: None,
) -> int:
    """Embed one plate into its shard, whole or not at all.

    Parameters
    ----------
    sites
        The ingested images.
    plate
        Its name.
    encoder
        A frozen encoder of sites, or a vision encoder.
    shards
        Where finished plates are kept.
    how
        How sites go to the encoder.
    advance
        Called with a number of sites as they are done.

    Returns
    -------
    int
        The number of the plate's sites.

    """
    shards.mkdir(parents=True, exist_ok=True)
    encoder = of_sites(encoder)
    numbers = sites_of(sites, plate)
    channels = encoder.channels(sites.channels)
    even_light = light.WAYS[how.illumination](sites, plate, channels, kept=field(sites, plate, shards), seed=how.seed, skip=how.skip)
    vectors: list[npt.NDArray[np.float32]] = []
    read_numbers: list[int] = []
    crops: list[int] = []
    reasons: list[dict[str, str]] = []
    for ready, bad in _read_ahead(sites, numbers, encoder, channels, even_light, how):
        reasons += bad
        if ready:
            vectors.append(encoder([site for _, site in ready]))
            rows = [(number, encoder.rows_of(site) if isinstance(encoder, Cropping) else 1) for number, site in ready]
            read_numbers += [number for number, count in rows for _ in range(count)]
            crops += [crop for _, count in rows for crop in range(count)]
        advance(len(ready) + len(bad))
    names = encoder.features(channels)
    values = np.concatenate(vectors) if vectors else np.empty((0, len(names)), dtype=np.float32)
    obs = sites.table.iloc[read_numbers].reset_index(drop=True).rename(index=str)
    if len(set(read_numbers)) < len(read_numbers):
        obs[CROP] = crops
    profiles = _counted(anndata.AnnData(X=values, obs=obs, var=tables.describe_features(names)))
    path = shard(sites, plate, shards)
    facts = None
    if len(values):
        with runs.atomic(path) as temporary:
            facts = dataset.write_member(profiles, temporary)
    said = {"member": None if facts is None else list(facts), "quarantine": reasons, "sites": len(numbers)}
    runs.write_json(facts_path(path), {**said, "features": list(profiles.var_names)})
    return len(numbers)


def is_finished(shard_file: Path, /) -> bool:
    """Whether a shard and what is said of it are there.

    Parameters
    ----------
    shard_file
        As `shard` gives it.

    Returns
    -------
    bool
        False where one of them is missing.

    """
    facts = facts_path(shard_file)
    return facts.exists() and (shard_file.exists() or json.loads(texts.read(facts))["member"] is None)


def facts_path(shard_file: Path, /) -> Path:
    """Where it is kept what a shard holds, and what was left out of it. It is written last: a plate that has it is done.

    Parameters
    ----------
    shard_file
        As `shard` gives it.

    Returns
    -------
    Path
        A JSON file beside it.

    """
    return shard_file.with_suffix(".json")


def _read_ahead(
    sites: Sites,
    numbers: npt.NDArray[np.intp],
    encoder: SiteEncoder,
    channels: list[str],
    even: light.Light,
    how: Extraction,
) -> Iterator[tuple[list[tuple[int, Array]], list[dict[str, str]]]]:
    """Batches of readable sites (number, prepared for the encoder) and the reasons of the others; the next batch is read meanwhile."""

    def fetch(batch: npt.NDArray[np.intp]) -> tuple[list[tuple[int, Array]], list[dict[str, str]]]:
        ready: list[tuple[int, Array]] = []
        bad: list[dict[str, str]] = []
        sites.fetch(batch)
        for number in map(int, batch):
            name = sites.name(number)
            if name in how.skip:
                bad.append({"site": name, "reason": "quarantined by check"})
                continue
            try:
                ready.append((number, encoder.prepare(even(number, sites.image(number, channels=channels)))))
            except BadImage as error:
                bad.append({"site": name, "reason": error.told(without=name)})
        return ready, bad

    batches = [numbers[i : i + how.per_batch] for i in range(0, len(numbers), how.per_batch)]
    with ThreadPoolExecutor(max_workers=1) as ahead:
        pending = [ahead.submit(fetch, batch) for batch in batches[:2]]
        for position in range(len(batches)):
            result = pending.pop(0).result()
            if position + 2 < len(batches):
                pending.append(ahead.submit(fetch, batches[position + 2]))
            yield result


class Finished:
    """The plates of a finished extraction, on disk.

    Parameters
    ----------
    shards
        Where finished plates are kept.
    count
        How many plates there are.

    Attributes
    ----------
    quarantine
        The sites that were left out, each with its reason.
    var
        The features.

    Raises
    ------
    InputError
        No site at all could be read.

    """

    def __init__(self, shards: Path, count: int, /) -> None:
        self.files = [shards / f"{number:04d}.parquet" for number in range(count)]
        said = [json.loads(texts.read(facts_path(path))) for path in self.files]
        self.quarantine: list[dict[str, str]] = [reason for one in said for reason in one["quarantine"]]
        self.facts = [dataset.Facts(*one["member"]) if one["member"] else None for one in said]
        if not any(self.facts):
            count_of_sites = sum(one["sites"] for one in said)
            raise InputError(
                f"none of the {count_of_sites} sites could be read (first: {self.quarantine[0]['reason']}); list what is damaged with: "
                "impasto check INGESTED --out CHECKED"
            )
        self.var = tables.describe_features(said[0]["features"])

    def plates(self) -> Iterator[tuple[Path, dataset.Facts]]:
        """The plates of which some site could be read.

        Yields
        ------
        file : Path
            Of the plate.
        facts : dataset.Facts
            What it holds.

        """
        yield from ((path, facts) for path, facts in zip(self.files, self.facts, strict=True) if facts is not None)


def collect(shards: Path, count: int, encoder: VisionEncoder | SiteEncoder, /, *, illumination: str) -> anndata.AnnData:
    """All plates of a finished extraction, in memory.

    Parameters
    ----------
    shards
        Where finished plates are kept.
    count
        How many there are.
    encoder
        What made them.
    illumination
        How light was evened.

    Returns
    -------
    anndata.AnnData
        Profiles of sites.

    Raises
    ------
    InputError
        No site at all could be read.

    """
    finished = Finished(shards, count)
    plates = [dataset.read_member(path, finished.var) for path, _ in finished.plates()]
    values = np.concatenate([tables.dense(plate) for plate in plates])
    obs = pd.concat([plate.obs for plate in plates], ignore_index=True).rename(index=str)
    profiles = anndata.AnnData(X=values, obs=obs, var=finished.var, uns={"quarantine": finished.quarantine})
    record(profiles, encoder, illumination=illumination)
    return profiles


def record(profiles: anndata.AnnData, encoder: VisionEncoder | SiteEncoder, /, *, illumination: str) -> None:
    """Write down what made profiles.

    Parameters
    ----------
    profiles
        Profiles of sites.
    encoder
        What made them.
    illumination
        How light was evened.

    """
    identity.record_encoder(profiles, {**of_sites(encoder).describe(), "illumination": illumination})


def _counted(profiles: anndata.AnnData) -> anndata.AnnData:
    """Move the number of cells of a site from the features to the annotation: scores are compared with it."""
    if COUNT not in profiles.var_names:
        return profiles
    counts = tables.dense(profiles)[:, profiles.var_names.get_loc(COUNT)].astype(int)
    out = profiles[:, profiles.var_names != COUNT].copy()
    out.obs[schema.CELL_COUNT] = counts
    return out


def to_wells(profiles: anndata.AnnData) -> anndata.AnnData:
    """The mean over the sites of each well.

    Parameters
    ----------
    profiles
        Profiles of sites.

    Returns
    -------
    anndata.AnnData
        Profiles of wells.

    """
    by = [*wells.keys_of_plate(profiles.obs), *([schema.WELL] if schema.WELL in profiles.obs else [])]
    return tables.aggregate(profiles, by=by, statistic="mean")
