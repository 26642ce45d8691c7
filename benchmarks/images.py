"""Reading, preprocessing and embedding a site; memory of extraction as the number of sites grows; a training step; search."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.timing import Row, beside, best_of, peak_megabytes
from impasto.atlas.engines import Exact
from impasto.nets.encoders import openvino_int8, vision
from impasto.plates.eight_bit import to_8_bit
from impasto.plates.ingest import find, write
from impasto.plates.sites import Sites
from impasto.profiling import deep
from impasto.profiling.preprocess import to_encoder
from impasto.simulate import plates as simulated
from impasto.simulate.plan import Plan


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        write(find([Path(__file__).parent.parent / "data" / "demo" / "fields"]), base / "fields")
        sites = Sites.read(base / "fields")
        encoder = vision.load()
        pixels = np.stack([to_8_bit(p) for p in sites.image(0)])
        yield Row("reading a site, 5 x 480 x 480", best_of(lambda: sites.image(0)), None, "")
        yield Row("16 to 8 bit of a site", best_of(lambda: [to_8_bit(p) for p in sites.image(0)]), None, "", "reading included")
        yield Row(
            "embedding a site, EfficientNet-Lite0", best_of(lambda: encoder(to_encoder(torch.from_numpy(pixels), size=224))), None, ""
        )
        yield from _compiled(pixels)
        for number in (1, 4):
            simulated.write(Plan(batches=1, plates=number, pixels=128, cells=4), base / f"sim{number}", seed=0)
            write(find([base / f"sim{number}" / "images"]), base / f"in{number}")
            some = Sites.read(base / f"in{number}")

            def extract(some: Sites = some) -> object:
                with tempfile.TemporaryDirectory() as shards:
                    return deep.profile(some, encoder, shards=Path(shards))

            yield Row(
                f"extraction of {len(some)} sites",
                best_of(extract, times=1),
                None,
                "",
                f"{peak_megabytes(extract):.0f} MB allocated by Python and NumPy",
            )
    vectors = np.random.default_rng(0).normal(size=(200_000, 384)).astype(np.float32)
    everything = np.ones(len(vectors), dtype=bool)
    yield Row("search among 200,000 x 384", best_of(lambda: Exact(Path(), vectors).nearest(vectors[0], top=10, among=everything)), None, "")


def _compiled(pixels: np.ndarray) -> Iterator[Row]:
    """OpenVINO beside torch, where it is installed."""
    if importlib.util.find_spec("openvino") is None or importlib.util.find_spec("nncf") is None:
        return
    images = to_encoder(torch.from_numpy(pixels), size=224)
    for name in ("efficientnet_lite0", "dinov2_s14"):
        encoder = vision.load(name)
        compiled = openvino_int8.convert(encoder)
        cosine = torch.nn.functional.cosine_similarity(encoder(images), compiled(images)).min()
        what = f"embedding {len(images)} planes, {compiled.name}"
        yield beside(what, lambda c=compiled: c(images), lambda e=encoder: e(images), peer="torch", aim=2.2, note=f"cosine {cosine:.5f}")  # type: ignore[misc]
