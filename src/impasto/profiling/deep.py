"""Sites -> embeddings, one a channel, by a frozen encoder; batched, read ahead, resumable, in bounded memory.

Lu et al., CellCLIP, Eq. 2: each channel is an image of its own, z_k = [psi(u^1), ..., psi(u^C)]. One Parquet shard a plate is
written under a temporary name and renamed, so a killed run goes on at the first unfinished plate and ends in the same bytes.
Images that cannot be read are quarantined with their reason, counted, and do not stop the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from impasto import profiles as tables
from impasto import progress, runs, schema
from impasto.feature_names import embedding_names
from impasto.nets.encoders.vision import VisionEncoder
from impasto.plates.eight_bit import to_8_bit
from impasto.plates.read import BadImage
from impasto.plates.sites import Sites
from impasto.profiling.preprocess import to_encoder
from impasto.schema import InputError

Planes = npt.NDArray[np.uint8]


def profile(
    sites: Sites, encoder: VisionEncoder, /, *, shards: Path, per_batch: int = 8, skip: frozenset[str] = frozenset()
) -> anndata.AnnData:
    """Embed every site of every plate.

    Parameters
    ----------
    sites
        The ingested images.
    encoder
        A frozen encoder; each channel goes through it as an image of its own.
    shards
        Where finished plates are kept until all are done.
    per_batch
        Sites whose channels go through the encoder together.
    skip
        Names of sites to leave out (quarantined by `check`).

    Returns
    -------
    Profiles of sites, features `emb_<channel>_0000...`; `uns["quarantine"]` lists what was left out and why.

    Raises
    ------
    InputError
        Where no site at all could be read.

    """
    shards.mkdir(parents=True, exist_ok=True)
    numbers = {plate: np.flatnonzero((sites.table[schema.PLATE] == plate).to_numpy()) for plate in sites.plates()}
    paths = {plate: shards / f"{index:04d}.parquet" for index, plate in enumerate(numbers)}
    done = sum(len(numbers[plate]) for plate in numbers if paths[plate].exists())
    todo = [plate for plate in numbers if not paths[plate].exists()]
    with progress.bar(what="embedding", unit="site", total=len(sites), done=done) as advance:
        for plate in todo:
            _write_plate(sites, numbers[plate], encoder, paths[plate], per_batch=per_batch, skip=skip, advance=advance)
    return _collect([tables.read(paths[plate]) for plate in numbers], sites, encoder)


def _write_plate(
    sites: Sites,
    numbers: npt.NDArray[np.intp],
    encoder: VisionEncoder,
    path: Path,
    *,
    per_batch: int,
    skip: frozenset[str],
    advance: progress.Advance,
) -> None:
    vectors: list[npt.NDArray[np.float32]] = []
    kept: list[int] = []
    reasons: list[dict[str, str]] = []
    for ready, bad in _read_ahead(sites, numbers, per_batch=per_batch, skip=skip):
        reasons += bad
        if ready:
            vectors.append(_embed([planes for _, planes in ready], encoder))
            kept += [number for number, _ in ready]
        advance(len(ready) + len(bad))
    names = [name for channel in sites.channels for name in embedding_names(channel, encoder.width)]
    values = np.concatenate(vectors) if vectors else np.empty((0, len(names)), dtype=np.float32)
    obs = sites.table.iloc[kept].reset_index(drop=True).rename(index=str)
    shard = anndata.AnnData(X=values, obs=obs, var=tables.describe_features(names), uns={"quarantine": reasons})
    tables.write(shard, path)


def _read_ahead(
    sites: Sites, numbers: npt.NDArray[np.intp], *, per_batch: int, skip: frozenset[str]
) -> Iterator[tuple[list[tuple[int, Planes]], list[dict[str, str]]]]:
    """Batches of readable sites (number, planes (C, H, W) uint8) and the reasons of the others; the next batch is read meanwhile."""

    def fetch(batch: npt.NDArray[np.intp]) -> tuple[list[tuple[int, Planes]], list[dict[str, str]]]:
        ready: list[tuple[int, Planes]] = []
        bad: list[dict[str, str]] = []
        for number in map(int, batch):
            name = sites.name(number)
            if name in skip:
                bad.append({"site": name, "reason": "quarantined by check"})
                continue
            try:
                ready.append((number, np.stack([to_8_bit(plane) for plane in sites.image(number)])))
            except BadImage as error:
                bad.append({"site": name, "reason": error.told(without=name)})
        return ready, bad

    batches = [numbers[i : i + per_batch] for i in range(0, len(numbers), per_batch)]
    with ThreadPoolExecutor(max_workers=1) as ahead:
        pending = [ahead.submit(fetch, batch) for batch in batches[:2]]
        for position in range(len(batches)):
            result = pending.pop(0).result()
            if position + 2 < len(batches):
                pending.append(ahead.submit(fetch, batches[position + 2]))
            yield result


def _embed(images: Sequence[Planes], encoder: VisionEncoder) -> npt.NDArray[np.float32]:
    """Embeddings (sites, channels x width) of sites (C, H, W); sites of one size share a batch."""
    channels = len(images[0])
    out = np.empty((len(images), channels * encoder.width), dtype=np.float32)
    for shape in sorted({image.shape for image in images}):
        same = [i for i, image in enumerate(images) if image.shape == shape]
        planes = torch.from_numpy(np.concatenate([images[i] for i in same]))
        out[same] = encoder(to_encoder(planes, size=encoder.size)).reshape(len(same), -1).numpy()
    return out


def _collect(shards: list[anndata.AnnData], sites: Sites, encoder: VisionEncoder) -> anndata.AnnData:
    reasons = [dict(r) for shard in shards for r in shard.uns.get("quarantine", [])]
    if not sum(shard.n_obs for shard in shards):
        raise InputError(f"none of the {len(sites)} sites could be read (first: {reasons[0]['reason']})")
    values = np.concatenate([tables.dense(s) for s in shards])
    obs = pd.concat([s.obs for s in shards], ignore_index=True).rename(index=str)
    uns = {
        "encoder": encoder.name,
        "sha256": encoder.sha256,
        "licence": encoder.licence,
        "preprocessing": "8 bit by brightest share 0.000028; gray as RGB; bilinear antialiased; ImageNet mean and sd",
        "input_size": encoder.size,
        "quarantine": reasons,
    }
    return anndata.AnnData(X=values, obs=obs, var=shards[0].var, uns=uns)


def profile_like(ingested: Path, /, *, features: Sequence[str]) -> anndata.AnnData:
    """Site profiles of other images, made by the default encoder as those that have these features were.

    Raises InputError on features of another kind.
    """
    from impasto.nets.encoders import vision

    if not all(name.startswith("emb_") for name in features):
        raise InputError("this run was trained on a table of features, so it cannot embed images; give it a table with impasto embed")
    with runs.scratch() as folder:
        return profile(Sites.read(ingested), vision.load(), shards=folder)


def to_wells(profiles: anndata.AnnData) -> anndata.AnnData:
    """The mean over the sites of each well."""
    by = [w for w in (schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL) if w in profiles.obs]
    return tables.aggregate(profiles, by=by, statistic="mean")
