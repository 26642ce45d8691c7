"""The picture of the explorer: serves an index, opens a view of it in Chromium, and saves what the browser shows.

    python docs/pictures/explorer.py INDEX docs/pictures/explorer.png --view "sel=p:BRD-K21728777-001-02-3"

The view is what stands after the `#` of the page's address: open the index with `impasto explore`, arrange it, and copy the link.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

import impasto as im

SIZE = {"width": 1600, "height": 1000}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SETTLE_MS = 3000
"""Cells are drawn as their pixels arrive."""


def draw(index: Path, picture: Path, view: str) -> None:
    """Save one view of an index as a PNG."""
    browser = next(path for name in BROWSERS if (path := shutil.which(name)))
    explorer = im.explore(index)
    try:
        with sync_playwright() as play:
            chromium = play.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
            page = chromium.new_page(viewport=SIZE, color_scheme="light")
            page.goto(f"{explorer.address}#{view}")
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(SETTLE_MS)
            page.screenshot(path=picture)
            chromium.close()
    finally:
        explorer.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--view", default="")
    chosen = parser.parse_args()
    draw(chosen.index, chosen.picture, chosen.view)
