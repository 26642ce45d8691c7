"""Two real indexes on loopback, and the system's Chromium to look at them with."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.conftest import REPOSITORY

from impasto import recipe as recipes
from impasto.atlas import building, index, layout

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DEMO = REPOSITORY / "data" / "demo"

CPJUMP1 = """
[[stage]]
name = "fields"
verb = "ingest"
sources = ["{base}/BR00117010"]
pattern = "{{well}}_s{{site}}.tif"
plate_from = "folder"
channels = ["Mito", "AGP", "RNA", "ER", "DNA"]
[[stage]]
name = "plates"
verb = "ingest"
sources = ["{demo}/cpjump1_u2os_compound.parquet"]
[[stage]]
name = "standardized"
verb = "correct"
profiles = "@plates/profiles.parquet"
spare = 0.5
[[stage.steps]]
method = "standardize"
[[stage.steps]]
method = "clip"
[[stage]]
name = "hits"
verb = "evaluate"
task = "hits"
profiles = ["@standardized"]
[[stage]]
name = "index"
verb = "index"
profiles = "@standardized"
images = "@fields"
hits = "@hits"
title = "CPJUMP1, U2OS"
pixel_um = 0.598
"""
ASSAY = """
[[stage]]
name = "sim"
verb = "simulate"
seed = 5
[stage.plan]
batches = 3
plates = 1
perturbations = 8
mechanisms = 2
doses = [0.03, 0.1, 0.3, 1.0]
controls = 32
strength = 0.9
position_effect = 0.0
pixels = 128
cells = 8
[[stage]]
name = "images"
verb = "ingest"
sources = ["@sim/images"]
platemap = ["@sim/platemap.csv"]
[[stage]]
name = "standardized"
verb = "correct"
profiles = "@sim/profiles.parquet"
spare = 0.5
[[stage.steps]]
method = "standardize"
[[stage]]
name = "hits"
verb = "evaluate"
task = "hits"
profiles = ["@standardized"]
[[stage]]
name = "index"
verb = "index"
profiles = "@standardized"
images = "@images"
hits = "@hits"
title = "Three simulated plates"
pixel_um = 0.6
dose_unit = "µM"
"""


def _indexed(base: Path, text: str) -> index.Index:
    """Run every stage of a recipe in this process; the index that it made. The map is of two components: UMAP is long to start."""
    (base / "recipe.toml").write_text(text)
    recipe = recipes.read(base / "recipe.toml")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(layout, "has_umap", lambda: False)
        for stage in recipe.stages:
            recipes.execute(stage.verb, recipes.settings_of(recipe, stage, out=base), out=recipes.result_of(base, stage))
    return index.open_index(base / "index")


def _served(opened: index.Index) -> str:
    """The address of its explorer, on a thread that ends with the tests."""
    from impasto.explorer import serving

    listens = serving.listening(0)
    address = f"http://127.0.0.1:{listens.getsockname()[1]}/"
    threading.Thread(target=serving.serve, args=(opened, listens), daemon=True).start()
    for _ in range(200):
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return address
        time.sleep(0.1)
    raise RuntimeError("the explorer did not start")


@pytest.fixture(scope="session")
def cpjump1(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of five real plates, with four real fields. Their plate is one of four; here it is the first."""
    base = tmp_path_factory.mktemp("cpjump1")
    fields = base / "BR00117010"
    fields.mkdir()
    for file in (DEMO / "fields").glob("*.tif"):
        shutil.copy(file, fields / f"{file.stem.split('_')[1]}_s5.tif")
    return _served(_indexed(base, CPJUMP1.format(base=base, demo=DEMO)))


@pytest.fixture(scope="session")
def assay(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of simulated plates: eight compounds at four doses, every well with a field."""
    return _served(_indexed(tmp_path_factory.mktemp("assay"), ASSAY))


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of profiles of which nothing is known but what was done: no plate, no well, no control, no image."""
    out = tmp_path_factory.mktemp("bare") / "index"
    values = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    obs = pd.DataFrame({"perturbation": [f"<i>{number % 5}</i>|~;@&" for number in range(20)]}).rename(index=str)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(layout, "has_umap", lambda: False)
        building.build(anndata.AnnData(X=values, obs=obs), out)
    return _served(index.open_index(out))


@dataclass
class Opened:
    """A page, and all that must not have happened on it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


Opener = Callable[..., "Page"]


@pytest.fixture
def look(chromium: Browser) -> Iterator[Opener]:
    """Opens an address in a window of its own. Nothing may be complained of, and nothing asked of another machine."""
    opened: list[Opened] = []

    def opener(address: str, *, width: int = 1600, height: int = 1000, dark: bool = False, **more: Any) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", **more)
        one = Opened(context.new_page())
        one.page.set_default_timeout(20_000)
        one.page.on("console", lambda message: one.complaints.append(message.text) if message.type in ("error", "warning") else None)
        one.page.on("pageerror", lambda error: one.complaints.append(str(error)))
        one.page.on("request", lambda request: one.requests.append(request.url))
        opened.append(one)
        one.page.goto(address)
        return one.page

    yield opener
    for one in opened:
        one.page.context.close()
        assert not one.complaints
        assert all(url.startswith(("http://127.0.0.1:", "file://", "data:", "blob:")) for url in one.requests)
