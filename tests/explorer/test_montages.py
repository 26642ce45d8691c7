"""Single cells beside control cells: of the row asked for, and no request names a path."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient
from tests.cells import made_cells
from tests.explorer.conftest import ADDRESS

from impasto import recipe
from impasto.atlas import building, index, layout
from impasto.cells import crops, pool
from impasto.explorer.server import application
from impasto.stages.ingest import IngestSettings

WELLS = ["DMSO"] * 4 + ["x", "x", "y"]
GREY = {"DMSO": 2000, "x": 30000, "y": 60000}
"""Of the wells of each perturbation: what a crop shows says whose it is."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("montages")
    wells = made_cells.wells_of(["P1"], WELLS)
    rng = np.random.default_rng(0)
    rows = []
    (base / "P1").mkdir()
    for well, name in zip(wells["well"], wells["perturbation"], strict=True):
        tifffile.imwrite(base / "P1" / f"{well}_s1_DNA.tif", np.full((96, 96), GREY[name], dtype=np.uint16))
        for _ in range(25):
            moved = 5 if name == "x" and rng.random() < 0.4 else 0
            rows.append((*("P1", well), *rng.uniform(20, 70, 2), 300 + rng.normal(), moved + rng.normal(), rng.normal()))
    names = ["plate", "well", "Nuclei_Location_Center_X", "Nuclei_Location_Center_Y", "Nuclei_AreaShape_Area", "Nuclei_A_B", "Nuclei_C_D"]
    cells = made_cells.write(base / "tables", pd.DataFrame(rows, columns=names), wells)
    recipe.execute(
        "ingest",
        IngestSettings.read({"sources": [str(base / "P1")], "pattern": "{well}_s{site}_{channel}.tif"}, where="test"),
        out=base / "i",
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(layout, "has_umap", lambda: False)
        building.build(pool.pool(cells), base / "index", images=base / "i", cells=cells.folder)
    return base / "index"


@pytest.fixture(scope="module")
def client(built: Path) -> TestClient:
    return TestClient(application(index.open_index(built)), base_url=ADDRESS)


def test_the_rows_show_the_perturbation_and_the_controls_of_its_plate(client: TestClient) -> None:
    assert client.get("/api/about").json()["montages"] is True
    table = client.get("/api/about").json()
    row_of = {name: row for row, name in enumerate(_names(client))}
    answer = client.get(f"/api/montage/{row_of['x']}?v={table['digest']}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-rows"] == "chosen,random,controls,random controls"
    assert "immutable" in answer.headers["cache-control"]
    picture = np.asarray(Image.open(io.BytesIO(answer.content)))
    side = crops._STEP * int(np.ceil(crops._ACROSS * np.sqrt(300 * 4 / np.pi) / crops._STEP)) + 2
    assert picture.shape == (4 * side - 2, 6 * side - 2, 3)
    blue = [picture[side * line + side // 2, side // 2, 2] for line in range(4)]
    assert blue[0] == blue[1] > blue[2] == blue[3]
    other = client.get(f"/api/montage/{row_of['y']}")
    assert other.content != answer.content
    assert client.get(f"/api/montage/{row_of['x']}").content == answer.content


def test_what_cannot_be_shown_is_one_sentence(client: TestClient) -> None:
    assert client.get("/api/montage/99").json()["detail"].startswith("there is no row 99 of perturbations")
    assert client.get("/api/montage/..%2Fsecret").status_code == 404
    assert client.get("/api/montage/x").status_code == 404


def test_an_index_without_cells_says_how_to_add_them(folder: Path) -> None:
    client = TestClient(application(index.open_index(folder)), base_url=ADDRESS)
    assert client.get("/api/about").json()["montages"] is False
    assert "impasto index PROFILES --cells CELLS" in client.get("/api/montage/0").json()["detail"]


def _names(client: TestClient) -> list[str]:
    import pyarrow.ipc as ipc

    table = ipc.open_file(io.BytesIO(client.get("/api/columns/perturbations?names=perturbation").content)).read_all()
    return [str(name) for name in table["perturbation"].to_pylist()]
