"""The page within a report: one file from the disk, everything in it, nothing asked of anybody."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.ipc as ipc
import pytest
from PIL import Image
from tests.conftest import REPOSITORY

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.explorer.browser.conftest import Opener

pytestmark = pytest.mark.browser

STATIC = REPOSITORY / "src" / "impasto" / "explorer" / "static"
FRAME = "#app{height:900px}"
MEAN = """c => { const d = c.getContext('2d').getImageData(0, 0, 90, 90).data; let sum = 0;
for (let i = 0; i < d.length; i += 4) sum += d[i]; return sum / 8100; }"""


def fetched(address: str) -> bytes:
    with urllib.request.urlopen(address) as answer:
        return bytes(answer.read())


def webp(plane: np.ndarray, low: float, high: float) -> str:
    """Eight bits, the square root of brightness."""
    shown = (255 * np.clip((plane.astype(float) - low) / (high - low), 0, 1) ** 0.5).round().astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(shown).save(out, "WEBP", quality=75)
    return base64.b64encode(out.getvalue()).decode()


def carried(server: str) -> dict[str, Any]:
    """One compound with its card, neighbours, reasons and a field beside a control, as a report carries them."""
    about = json.loads(fetched(f"{server}api/about"))
    table = ipc.open_file(io.BytesIO(fetched(f"{server}api/columns/perturbations"))).read_all().to_pandas()
    rows = table.index[table["perturbation"] == "SIM-001"]
    cards = {str(row): json.loads(fetched(f"{server}api/card/{row}")) for row in rows}
    near = {str(row): json.loads(fetched(f"{server}api/near/{row}?top=5")) for row in rows}
    images: dict[str, Any] = {}
    pictures: dict[str, Any] = {}
    for number, plate in enumerate(about["plates"]):
        listed = json.loads(fetched(f"{server}api/images/{number}"))
        images[str(number)] = {**listed, "width": 96, "height": 96}
        windows = about["windows"][plate["plate"]]
        for channels in listed["image"]:
            for place, image in enumerate(channels):
                low, high = windows[place]
                box = fetched(f"{server}api/pixels/{image}/{about['channels'][place]}?box=0,0,96,96")
                high = low + 1.5 * (high - low)
                picture = webp(np.frombuffer(box, "<u2").reshape(96, 96), low, high)
                pictures[str(image)] = {"width": 96, "height": 96, "low": low, "high": high, "webp": picture}
        break
    columns = {level: base64.b64encode(fetched(f"{server}api/columns/{level}")).decode() for level in ("wells", "perturbations")}
    data = {"format": 1, "about": about, "columns": columns, "cards": cards, "near": near, "why": {}, "structures": {}}
    return {**data, "images": images, "pictures": pictures}


def page_of(data: dict[str, Any]) -> str:
    app, css = (STATIC / "app.js").read_text(), (STATIC / "app.css").read_text() + FRAME
    digest = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (app, css)]
    policy = f"default-src 'none'; script-src 'sha256-{digest[0]}'; style-src 'sha256-{digest[1]}'; img-src data: blob:"
    said = json.dumps(data).replace("<", "\\u003c")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>report</title><link rel=icon href='data:,'><style>{css}</style></head><body><h1>A report</h1><p><a href='#top'>top</a> "
        f'<a href="#sel=p:SIM-001">SIM-001</a></p><div id="app"></div><script type="application/json" id="impasto-data">{said}</script>'
        f'<script type="module">{app}</script></body></html>'
    )


@pytest.fixture(scope="module")
def report(assay: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page_of(carried(assay)), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("width", [1400, 390])
def test_a_report_shows_what_it_carries(report: str, look: Opener, width: int) -> None:
    page = look(report, width=width, height=1000)
    page.get_by_role("link", name="SIM-001").click()
    card = page.get_by_role("region", name="Compound")
    if width < 700:
        page.get_by_role("navigation").get_by_role("button", name="Compound").click()
    expect(card.get_by_role("heading", level=2)).to_have_text("simulated compound 001")
    expect(card.locator(".near tbody tr").first).to_be_visible()
    if width < 700:
        page.get_by_role("navigation").get_by_role("button", name="Cells").click()
    frame = page.get_by_role("region", name="Cells").locator("figure").first.locator("canvas")
    expect(frame).to_have_attribute("data-compose-ms", re.compile(r"\d"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    address = page.url
    page.get_by_role("link", name="top").click()
    expect(page.locator(".frame").first.locator("xpath=..")).to_contain_text("simulated compound 001")  # an anchor is no state
    page.goto(address)
    expect(page.locator(".app")).to_be_visible()


def test_what_a_report_lacks_is_said(report: str, look: Opener) -> None:
    page = look(report + "#sel=p:SIM-007")
    card = page.get_by_role("region", name="Compound")
    expect(card).to_contain_text("this report does not carry")
    expect(card).to_contain_text("impasto explore DIR")


def test_pictures_keep_their_brightness(assay: str, report: str, look: Opener) -> None:
    there, here = look(f"{assay}#sel=p:SIM-001&ch=DNA"), look(f"{report}#sel=p:SIM-001&ch=DNA")
    means = []
    for page in (there, here):
        canvas = page.get_by_role("region", name="Cells").locator("figure").first.locator("canvas")
        expect(canvas).to_have_attribute("data-compose-ms", re.compile(r"\d"))
        canvas.focus()
        page.keyboard.press("0")
        page.wait_for_timeout(300)
        means.append(canvas.evaluate(MEAN))
    assert means[1] == pytest.approx(means[0], rel=0.1, abs=3)
