"""Reading minibatches from profiles larger than memory: CellCLIP's shape, 760,000 sites x 5 channels x 1,536 in half precision (12 GB).

The file is synthetic and is scaled down where it would take more than a quarter of the free disk. "Out of the page cache": the system is
told to forget the file first. Beside it stands the training step on the same rows, which is what a loader must keep busy.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import torch

from benchmarks.timing import Row
from impasto import stored
from impasto.joint import described, values
from impasto.joint.feed import BagFeed
from impasto.joint.two_towers import TwoTowers, TwoTowersSettings
from impasto.sampling import bags
from impasto.training.optim import optimiser
from impasto.training.settings import OptimSettings

SITES, CHANNELS, WIDTH = 760_000, 5, 1536
BAGS, BAG = 512, 8
MINIBATCHES = 8


def rows() -> Iterator[Row]:
    sites = min(SITES, shutil.disk_usage(tempfile.gettempdir()).free // 4 // (2 * CHANNELS * WIDTH))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sites.h5ad"
        _write(path, sites)
        shape = f"{sites:,} x {CHANNELS} x {WIDTH:,}"
        start = time.perf_counter()
        data = stored.read(path)
        settings = TwoTowersSettings(minibatch=BAGS, pooling="gated_attention", width=512, depth=2, bag=BAG)
        found, _ = values.of(data, np.arange(sites), settings, among=None, width=None)
        members = list(bags.groups(data.obs, by=["perturbation"]).values())
        yield Row(f"opening {shape}, half precision", time.perf_counter() - start, None, "", f"{path.stat().st_size / 1e9:.1f} GB")
        texts = described.Features(torch.randn(sites, 384))
        feed = BagFeed(found, texts, members, minibatch=BAGS, bag=BAG, seed=0)
        _forget(path)
        yield _reading(feed, f"out of the page cache, {shape}", epoch=0)
        yield _reading(feed, f"in the page cache, {shape}", epoch=0)
        yield _step(feed, settings)


def _write(path: Path, sites: int) -> None:
    names = [f"emb_{c}_{i:04d}" for c in ("DNA", "ER", "RNA", "AGP", "Mito") for i in range(WIDTH)]
    obs = pd.DataFrame({"perturbation": [f"p{i % (sites // 25)}" for i in range(sites)], "plate": "P"})
    anndata.AnnData(obs=obs.rename(index=str), var=pd.DataFrame(index=names)).write_h5ad(path)
    block = np.random.default_rng(0).normal(size=(4096, len(names))).astype(np.float16)
    with h5py.File(path, "a") as file:
        if "X" in file:
            del file["X"]
        lines = file.create_dataset("X", shape=(sites, len(names)), dtype=np.float16)
        lines.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        for first in range(0, sites, len(block)):
            lines[first : first + len(block)] = np.roll(block, first // len(block), axis=1)[: sites - first]


def _forget(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _reading(feed: BagFeed, what: str, *, epoch: int) -> Row:
    start, read = time.perf_counter(), 0
    for rows in list(feed.epoch(epoch))[:MINIBATCHES]:
        read += int(feed.minibatch(rows, epoch=epoch).mask.sum())
    took = time.perf_counter() - start
    return Row(f"a minibatch of {BAGS} bags of {BAG} sites, {what}", took / MINIBATCHES, None, "", f"{read / took:,.0f} rows/s")


def _step(feed: BagFeed, settings: TwoTowersSettings) -> Row:
    torch.manual_seed(0)
    method = TwoTowers(settings, blocks=CHANNELS, profile_width=WIDTH, perturbation_width=384)
    optim = optimiser(method, OptimSettings())
    minibatch = feed.minibatch(next(iter(feed.epoch(0))), epoch=0)
    start = time.perf_counter()
    method(minibatch).loss.backward()
    optim.step()
    took = time.perf_counter() - start
    anonymous = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    note = f"{int(minibatch.mask.sum()) / took:,.0f} rows/s; {int(anonymous.split()[1]) / 2**20:.1f} GB of its own, the file not counted"
    return Row("the training step on such a minibatch (width 512, depth 2)", took, None, "", note)
