"""The report: one file, no network, everything in it; looked at in a real browser where there is one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from tests.conftest import CHROMIUM

from impasto import recipe as recipes
from impasto.report import collect, page
from impasto.report.figures import drawing
from impasto.schema import InputError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BEYOND = """() => [...document.querySelectorAll('body *')].filter((element) => {
    if (element.getBoundingClientRect().right <= innerWidth + 1) return false;
    for (let above = element.parentElement; above; above = above.parentElement) {
        if (getComputedStyle(above).overflowX !== 'visible') return false; // cut off, or scrolled by itself
    }
    return true;
}).map((element) => element.outerHTML.slice(0, 120))"""
RECIPE = """
[[stage]]
name = "sim"
verb = "simulate"
[stage.plan]
batches = 1
perturbations = 10
mechanisms = 4
pixels = 64
cells = 5
corrupt = 1
[[stage]]
name = "images"
verb = "ingest"
sources = ["@sim/images"]
platemap = ["@sim/platemap.csv"]
[[stage]]
name = "quality"
verb = "check"
images = "@images"
[[stage]]
name = "corrected"
verb = "correct"
profiles = "@sim/profiles.parquet"
[[stage.steps]]
method = "standardize"
[[stage]]
name = "replicates"
verb = "evaluate"
task = "replicates"
profiles = ["@sim/profiles.parquet", "@corrected"]
labels = ["raw", "<b>corrected</b>"]
[stage.options]
draws = 20
[[stage]]
name = "index"
verb = "index"
profiles = "@corrected"
[[stage]]
name = "maps"
verb = "panels"
profiles = ["@sim/profiles.parquet", "@corrected"]
labels = ["raw", "<b>corrected</b>"]
methods = ["pca"]
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("report")
    (base / "r.toml").write_text(RECIPE)
    recipe = recipes.read(base / "r.toml")
    for stage in recipe.stages:
        recipes.execute(stage.verb, recipes.settings_of(recipe, stage, out=base / "out"), out=recipes.result_of(base / "out", stage))
    (base / "titles.json").write_text(json.dumps([figure.title for figure in page.write(base / "out", base / "page.html").figures]))
    return base


def test_it_is_one_file_without_any_address(run: Path) -> None:
    html = (run / "page.html").read_text()
    assert not re.findall(r"(?:src|href)=[\"'](?!data:|#)[^\"']+", html)
    assert not re.findall(r"https?://", html.replace("http://www.w3.org", ""))
    for word in (
        "Scores",
        "What correction removed",
        "Maps of the profiles",
        "Plates",
        "Perturbations that look alike",
        "Image quality",
        "Quarantined",
        "Provenance",
    ):
        assert word in html
    assert "<b>corrected</b>" not in html.split("<style>")[0]
    assert "&lt;b&gt;corrected&lt;/b&gt;" in html  # what users name is never markup


def test_every_figure_has_words_for_those_who_cannot_see_it(run: Path) -> None:
    html = (run / "page.html").read_text()
    assert html.count("<svg") == html.count('role="img"') > 5
    assert html.count("<img") == len(re.findall(r"<img [^>]*alt=\"[^\"]+\"", html)) > 0


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="headless Chromium is not installed")
@pytest.mark.parametrize("width", [1200, 400])
def test_a_browser_shows_it(run: Path, tmp_path: Path, width: int) -> None:
    assert CHROMIUM is not None
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"]
    shot, address = tmp_path / "page.png", (run / "page.html").as_uri()
    subprocess.run(
        [CHROMIUM, *quiet, f"--window-size={width},2400", f"--screenshot={shot}", address], check=True, capture_output=True, timeout=120
    )
    pixels = np.asarray(Image.open(shot).convert("RGB"))
    assert pixels.shape[1] == width
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100  # text, dots and maps, not an empty page
    dom = subprocess.run([CHROMIUM, *quiet, "--dump-dom", address], check=True, capture_output=True, text=True, timeout=120).stdout
    assert dom.count("<table") >= 3
    assert dom.count("<use") + dom.count("<path") > 200


@pytest.mark.browser
@pytest.mark.parametrize("width", [1600, 1100, 390])
def test_nothing_lies_beyond_the_edge_of_the_page(run: Path, width: int, chromium: Browser) -> None:
    shown = chromium.new_page(viewport={"width": width, "height": 900})
    shown.goto((run / "page.html").as_uri())
    assert shown.locator(".near table").count() > 0  # the widest
    assert shown.evaluate(BEYOND) == []
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    shown.close()


def test_panels_stand_on_the_page_and_are_exported(run: Path, tmp_path: Path) -> None:
    html = (run / "page.html").read_text()
    assert "The same rows, before and after" in html
    assert "PCA of" in html
    figures = page.write(run / "out", tmp_path / "again.html").figures
    assert [figure.title for figure in figures] == json.loads((run / "titles.json").read_text())
    written = drawing.write(iter(figures), tmp_path / "figures", png=True)
    (panel,) = [path for path in written if "pca_of_raw" in path.name]
    assert panel.read_text() == (run / "out" / "maps" / "pca.svg").read_text()
    assert panel.with_suffix(".png").read_bytes() == (run / "out" / "maps" / "pca.png").read_bytes()
    assert (tmp_path / "again.html").read_text() == html


def test_panels_of_a_sweep_are_those_of_its_first_seed(run: Path, tmp_path: Path) -> None:
    record = json.loads((run / "out" / "maps" / "run.json").read_text())
    for seed in (2, 10):
        folder = tmp_path / "sets" / "row" / str(seed) / "maps"
        shutil.copytree(run / "out" / "maps", folder)
        figures = [{"method": "PCA", "caption": f"seed {seed}", "title": "maps", "file": "pca"}]
        (folder / "figures.json").write_text(json.dumps(figures))
    (tmp_path / "sets" / "run.json").write_text(json.dumps({**record, "verb": "sweep"}))
    found = collect.panels(collect.stages(tmp_path))
    assert [(name, figures[0]["caption"]) for name, figures in found] == [("row: maps", "seed 2")]
    (tmp_path / "sets" / "row" / "2" / "maps" / "figures.json").unlink()
    with pytest.raises(InputError, match=r"holds no figures\.json"):
        collect.panels(collect.stages(tmp_path))


def test_a_folder_without_stages_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no finished stages"):
        page.write(tmp_path, tmp_path / "x.html")
