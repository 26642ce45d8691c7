"""`im.explore` in an executed notebook: the page is there, inside the notebook's own page, and answers."""

from __future__ import annotations

import functools
import http.server
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.sync_api")
pytest.importorskip("nbclient")
pytest.importorskip("nbconvert")
pytest.importorskip("ipykernel")
import nbclient
import nbconvert
import nbformat
from playwright.sync_api import expect
from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from tests.explorer.browser.conftest import Opener

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default")]

CELLS = (
    "import impasto as im\nfrom impasto.atlas import layout\nlayout.has_umap = lambda: False",
    f"ad = im.read({str(REPOSITORY / 'data' / 'demo' / 'cpjump1_u2os_compound.parquet')!r})[:600].copy()\nim.pp.standardize(ad)",
    "page = im.explore(ad)\npage",
)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[str]:
    """The address of a notebook's page, with its kernel alive."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    own = os.pathsep.join([str(REPOSITORY / "src"), os.environ.get("PYTHONPATH", "")])
    client = nbclient.NotebookClient(book, timeout=240, kernel_name="python3")
    with client.setup_kernel(env={**os.environ, "PYTHONPATH": own}):
        for number, cell in enumerate(book.cells):
            client.execute_cell(cell, number)
        text, _ = nbconvert.HTMLExporter(template_name="basic").from_notebook_node(book)
        (tmp_path / "book.html").write_text(f"<!doctype html><meta charset=utf-8><link rel=icon href=data:,>{text}", encoding="utf-8")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/book.html"
        server.shutdown()
        server.server_close()


def test_the_page_answers_inside_the_notebook(notebook: str, look: Opener) -> None:
    page = look(notebook)
    frame = page.frame_locator("iframe")
    expect(frame.locator(".plot canvas")).to_have_attribute("data-paint-ms", re.compile(r"\d"), timeout=60_000)
    expect(frame.locator(".well").first).to_be_visible()
    link = page.locator("a", has_text="http://127.0.0.1:")
    assert link.get_attribute("href") == page.locator("iframe").get_attribute("src")
