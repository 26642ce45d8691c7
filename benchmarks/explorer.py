"""The explorer in a real browser, against its budget: processor seconds and memory of Chromium, and what the page computes alone.

Needs playwright (`pip install 'impasto[test]'`), a Chromium, and for what is timed alone node with the packages of `explorer/` (npm ci).
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd

from benchmarks.timing import Row

EXPLORER = Path(__file__).parents[1] / "explorer"
STATIC = Path(__file__).parents[1] / "src" / "impasto" / "explorer" / "static"
QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", *QUIET]
BUDGET = {200_000: (2.5, 300, 20), 1_000_000: (5.0, 450, 60)}
"""Wells -> processor seconds to the map, megabytes, milliseconds of a redraw."""
ALONE = {"lasso 200000": 20, "names 125000": 20, "compose 1080 x 1080 x 5": 30}
"""Milliseconds."""
TURNS = 12


def rows() -> Iterator[Row]:
    """The size of the page, what it computes, maps of 200,000 and a million wells, and a plate of 1536 wells shown again."""
    for name, most in (("app.js", 60), ("app.css", 6)):
        size = len(gzip.compress((STATIC / name).read_bytes(), 9)) / 1024
        yield Row(f"explorer: {name}", 0.0, None, "", f"{size:.1f} kB gzip, limit {most}")
    yield from _alone()
    for wells, (seconds, megabytes, redraw) in BUDGET.items():
        with tempfile.TemporaryDirectory() as folder, _served(_index(Path(folder), wells)) as address, _browser() as browser:
            yield from _map(browser, address, wells, seconds, megabytes, redraw)
            if wells == min(BUDGET):
                yield _plate(browser, address)


def _alone() -> Iterator[Row]:
    if shutil.which("node") is None or not (EXPLORER / "node_modules").exists():
        print("what the page computes is not timed alone: it needs node, and npm ci in explorer/", file=sys.stderr)
        return
    done = subprocess.run(["node", "bench.mjs"], cwd=EXPLORER, check=True, capture_output=True, text=True)
    for what, milliseconds in json.loads(done.stdout).items():
        limit = f", limit {ALONE[what]}" if what in ALONE else ""
        yield Row(f"explorer: {what}", milliseconds / 1000, None, "", f"{milliseconds:.1f} ms of processor time in node{limit}")


def _index(folder: Path, wells: int) -> Path:
    """An index of made-up wells: eight of each compound, plates of 1536, a control every 24th."""
    from impasto.atlas import building, layout

    rng = np.random.default_rng(0)
    number = np.arange(wells)
    compound = number % (wells // 8)
    control = number % 24 == 0
    place = number % 1536
    letters = np.array([f"{'A' if row > 25 else ''}{chr(65 + row % 26)}" for row in range(32)])
    named = np.char.mod("%06d", compound)
    table = {
        "plate": np.char.mod("P%04d", number // 1536),
        "well": np.char.add(letters[place // 48], np.char.mod("%02d", place % 48 + 1)),
        "perturbation": np.where(control, "DMSO", np.char.add("CPD-", named)),
        "perturbation_name": np.where(control, "DMSO", np.char.add("compound ", named)),
        "moa": np.char.mod("mechanism %d", compound % 300),
        "gene": np.char.mod("G%d", compound % 8000),
        "control_type": np.where(control, "negcon", "trt"),
        "cell_count": rng.integers(50, 300, wells).astype(float),
    }
    values = rng.normal(size=(wells // 8, 8))[compound] + 0.7 * rng.normal(size=(wells, 8))
    profiles = anndata.AnnData(X=values.astype(np.float32), obs=pd.DataFrame(table).rename(index=str))
    umap = layout.has_umap
    layout.has_umap = lambda: False  # where the points lie is not what is timed
    try:
        building.build(profiles, folder / "index", title=f"{wells:,} wells")
    finally:
        layout.has_umap = umap
    return folder / "index"


@contextmanager
def _served(index: Path) -> Iterator[str]:
    """The address of the explorer in a process of its own, which does not count."""
    command = [sys.executable, "-m", "impasto", "explore", str(index), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            said = next(line for line in server.stdout if "http://" in line)
            address = "http://" + said.split("http://")[1].split()[0] + "/"
            for _ in range(600):
                try:
                    urllib.request.urlopen(address + "api/about").close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield address
        finally:
            server.send_signal(signal.SIGINT)


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
    if path is None:
        raise ModuleNotFoundError("Chromium", name="Chromium")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def _processes() -> list[int]:
    """All processes below this one that are Chromium's."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
        except (OSError, ValueError, IndexError):
            continue
    found, waiting = [], [os.getpid()]
    while waiting:
        below = children.get(waiting.pop(), [])
        waiting += below
        found += [process for process in below if b"chrom" in _read(process, "cmdline")]
    return found


def _read(process: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{process}/{name}").read_bytes()
    except OSError:
        return b""


def _processor_seconds() -> float:
    ticks = 0
    for process in _processes():
        fields = _read(process, "stat").rpartition(b")")[2].split()
        ticks += int(fields[11]) + int(fields[12]) if fields else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def _megabytes(kind: bytes = b"") -> float:
    """Proportional memory of Chromium's processes; of the largest renderer, that is of the page, with `--type=renderer`."""
    each = []
    for process in _processes():
        if kind in _read(process, "cmdline"):
            lines = [line for line in _read(process, "smaps_rollup").splitlines() if line.startswith(b"Pss:")]
            each.append(sum(int(line.split()[1]) for line in lines) / 1024)
    return max(each, default=0.0) if kind else sum(each)


def _map(browser: Any, address: str, wells: int, seconds: float, megabytes: float, redraw: float) -> Iterator[Row]:
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    empty, before, start = _megabytes(), _processor_seconds(), time.perf_counter()
    page.goto(address)
    page.locator(".plot canvas[data-paint-ms]").wait_for(timeout=120_000)
    wall, cpu = time.perf_counter() - start, _processor_seconds() - before
    page.locator(".well").first.wait_for(timeout=120_000)
    page.wait_for_load_state("networkidle")
    whole = _processor_seconds() - before
    memory = f"{_megabytes(b'--type=renderer'):.0f} MB the page, limit {megabytes}; all of Chromium {_megabytes():.0f}, empty {empty:.0f}"
    told = f"limit {seconds:g} s; {whole:.1f} s to the last column; {wall:.1f} s on the wall; {memory}"
    yield Row(f"explorer: map of {wells:,} wells, processor seconds", cpu, None, "", told)
    took = _redraws(page)
    yield Row(
        f"explorer: redraw of {wells:,} wells",
        took / 1000,
        None,
        "",
        f"{took:.0f} ms of processor time of the page's thread, limit {redraw}",
    )
    page.close()


def _redraws(page: Any) -> float:
    """Milliseconds of processor time of the page's thread for one turn of the wheel, over twelve."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    box = page.locator(".plot canvas").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(500)
    before = _script_seconds(session)
    for _ in range(TURNS):
        page.mouse.wheel(0, -60)
        page.wait_for_timeout(60)
    return (_script_seconds(session) - before) / TURNS * 1000


def _script_seconds(session: Any) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "ScriptDuration"))


def _plate(browser: Any, address: str) -> Row:
    """A plate of 1536 wells after another."""
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.goto(address)
    page.locator(".well").first.wait_for(timeout=120_000)
    page.wait_for_load_state("networkidle")
    plates = page.get_by_label("plate", exact=True)
    took = []
    for plate in ("P0001", "P0002", "P0003", "P0004"):
        before = _processor_seconds()
        plates.select_option(plate)
        page.get_by_role("grid", name=f"Plate {plate}").wait_for()
        page.wait_for_timeout(300)
        took.append(_processor_seconds() - before)
    page.close()
    return Row(
        "explorer: 1536 wells shown again", min(took), None, "", f"{min(took) * 1000:.0f} ms of Chromium's processor time, limit 300"
    )
