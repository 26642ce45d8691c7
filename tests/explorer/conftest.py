"""The small assay as an open index, and a client of its server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.explorer import assay

from impasto.atlas import building, index, layout

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from impasto.explorer.contents import Contents

ADDRESS = "http://127.0.0.1:8765"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with images and hits, which no test changes."""
    base = tmp_path_factory.mktemp("explorer")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(layout, "has_umap", lambda: False)
        building.build(
            assay.profiles(),
            base / "index",
            images=assay.images(base / "ingested"),
            hits=assay.hits(base / "hits"),
            pixel_um=0.6,
            title="A small assay",
        )
    return base / "index"


@pytest.fixture(scope="session")
def contents(folder: Path) -> Contents:
    """Its parts."""
    from impasto.explorer.contents import open_contents

    return open_contents(index.open_index(folder))


@pytest.fixture(scope="session")
def client(folder: Path) -> TestClient:
    """Of its server, on the name of loopback."""
    pytest.importorskip("fastapi")
    from fastapi.testclient import TestClient

    from impasto.explorer.server import application

    return TestClient(application(index.open_index(folder)), base_url=ADDRESS)
