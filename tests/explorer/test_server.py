"""Every route: what it answers, and each of its errors as one sentence."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pytest

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient
from tests.explorer import assay
from tests.explorer.conftest import ADDRESS

from impasto.atlas import building, index, layout
from impasto.explorer import cards, structure
from impasto.explorer.contents import Contents
from impasto.explorer.server import application


def table(client: TestClient, path: str) -> pa.Table:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.apache.arrow.file"
    return ipc.open_file(io.BytesIO(answer.content)).read_all()


def test_columns_are_those_asked_for_in_their_order(client: TestClient) -> None:
    whole = table(client, "/api/columns/wells")
    assert whole.num_rows == 48
    assert len(whole.to_batches()) == 1
    some = table(client, "/api/columns/wells?names=y,plate,x")
    assert some.column_names == ["y", "plate", "x"]
    assert some["plate"].to_pylist() == ["P1"] * 24 + ["P2"] * 24
    listed = client.get("/api/about").json()["columns"]
    for level in ("wells", "perturbations"):
        got = table(client, f"/api/columns/{level}")
        assert got.column_names == [column["name"] for column in listed[level]]
        for column in listed[level]:
            kind = got.schema.field(column["name"]).type
            assert kind == pa.float32() if column["kind"] == "number" else pa.types.is_dictionary(kind)
            assert got[column["name"]].null_count == 0


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/api/columns/plates", 404, "there is no table 'plates'; there are: wells, perturbations"),
        ("/api/columns/wells?names=plate,colour", 422, "unknown column of wells 'colour'; allowed: batch, "),
        ("/api/columns/..%2Findex.json", 404, "Not Found"),
        ("/api/card/21", 404, "there is no row 21 of perturbations; this index has 21, numbered from 0"),
        ("/api/card/-1", 404, "there is no row -1 of perturbations"),
        ("/api/card/x", 404, "row is 'x': input should be a valid integer"),
        ("/api/card/1e3", 404, "row is '1e3'"),
        ("/api/near/21", 404, "there is no row 21 of perturbations"),
        ("/api/near/48?level=wells", 404, "there is no row 48 of wells; this index has 48"),
        ("/api/near/0?level=sites", 422, "unknown level 'sites'; allowed: "),
        ("/api/near/0?space=joint", 422, "unknown space 'joint'; allowed: profiles"),
        ("/api/near/0?top=0", 422, "top is '0': input should be greater than or equal to 1"),
        ("/api/near/0?top=201", 422, "top is '201': input should be less than or equal to 200"),
        ("/api/near/0?top=ten", 422, "top is 'ten'"),
        ("/api/why/0/21", 404, "there is no row 21"),
        ("/api/why/0", 404, "Not Found"),
        ("/api/ask?kind=text&query=kinase", 422, "has no trained run, so it cannot read text"),
        ("/api/ask?kind=poem&query=a", 422, "unknown kind of question 'poem'; allowed: gene, smiles, text"),
        ("/api/ask?kind=text&query=", 422, "query is ''"),
        ("/api/ask?kind=text", 422, "query is None: field required"),
        (f"/api/ask?kind=text&query={'a' * 2001}", 422, "at most 2000 characters"),
        ("/api/images/2", 404, "there is no plate 2; this index has 2, numbered from 0"),
        ("/api/images/-1", 404, "there is no plate -1"),
        ("/api/pixels/10/DNA", 404, "there is no image 10; this index has 10, numbered from 0"),
        ("/api/pixels/-1/DNA", 404, "there is no image -1"),
        ("/api/pixels/0/ER", 404, "image 0 is of channel 'DNA', not 'ER'"),
        ("/api/pixels/0/DNA?box=0,0,1", 422, "box is '0,0,1'; write four whole numbers"),
        ("/api/pixels/0/DNA?box=99,0,1,1", 422, "the box begins at 99,0, outside of the field of 50 x 37 pixels"),
        ("/api/pixels/0/DNA?shrink=5", 422, "shrink is 5; it lies between 0 and 4"),
        ("/api/pixels/0/DNA?shrink=-1", 422, "shrink is -1"),
        ("/api/pixels/7/ER", 422, "the image P1_B02_ER.tif cannot be read"),
        ("/api/pixels/..%2F..%2Fetc%2Fpasswd/DNA", 404, "Not Found"),
        ("/api/structure/0.svg", 404, "nothing says the structure of DMSO"),
        ("/api/structure/99.svg", 404, "there is no row 99"),
        ("/api/structure/0.png", 404, "Not Found"),
        ("/api/hits.csv", 404, "this index has no tables of hits"),
        ("/api/hits.xlsx", 404, "this index has no tables of hits"),
        ("/api/index.json", 404, "there is nothing called 'index.json' here"),
        ("/api/hits.parquet", 404, "there is nothing called 'hits.parquet' here"),
        ("/api/docs", 404, "there is nothing called 'docs' here"),
        ("/openapi.json", 404, "Not Found"),
        ("/static/app.js", 404, "Not Found"),
        ("/../index.json", 404, "Not Found"),
    ],
)
def test_an_error_is_one_sentence(client: TestClient, path: str, status: int, sentence: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, list(answer.json())) == (status, ["detail"])
    assert sentence in answer.json()["detail"]
    assert answer.headers["cache-control"] == "no-store" if path.startswith("/api") else True


def test_answers_to_the_build_at_hand_are_final_and_of_another_refused(client: TestClient, contents: Contents) -> None:
    for path in ("/api/card/0", "/api/near/1", "/api/columns/wells", "/api/pixels/0/DNA", "/api/images/0"):
        answer = client.get(path, params={"v": contents.digest})
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert client.get(path).headers["cache-control"] == "no-store"
        refused = client.get(path, params={"v": "0" * 16})
        assert (refused.status_code, refused.json()) == (409, {"detail": "the index was rebuilt; reload"})
        assert refused.headers["cache-control"] == "no-store"
    assert client.get("/api/about", params={"v": "0"}).status_code == 200


def test_pixels_are_sixteen_bits_with_their_shape(client: TestClient, contents: Contents) -> None:
    images = contents.tables["images"]
    at = int(np.flatnonzero((images["well"] == "A02") & (images["channel"] == "ER"))[0])
    answer = client.get(f"/api/pixels/{at}/ER?box=2,3,20,10")
    assert answer.headers["x-shape"] == "20,10"
    assert answer.headers["content-type"] == "application/octet-stream"
    got = np.frombuffer(answer.content, dtype="<u2").reshape(10, 20)
    np.testing.assert_array_equal(got, assay.field("P1", "A02", "ER")[3:13, 2:22])
    assert client.get(f"/api/pixels/{at}/ER?shrink=1").headers["x-shape"] == "25,19"


def test_a_structure_is_drawn_for_light_and_dark(client: TestClient, contents: Contents, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rdkit")
    row = int(np.flatnonzero(contents.rows["perturbation_name"] == "=cmd()")[0])
    drawn = client.get(f"/api/structure/{row}.svg")
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert "<svg" in drawn.text
    assert drawn.text != client.get(f"/api/structure/{row}.svg?dark=1").text
    bad = int(np.flatnonzero(contents.rows["perturbation_name"] == "aspirin")[0])
    assert client.get(f"/api/structure/{bad}.svg").json() == {"detail": "the structure 'not a structure' cannot be read as SMILES"}
    monkeypatch.setattr(structure, "can_draw", lambda: False)
    missing = client.get(f"/api/structure/{row}.svg")
    assert (missing.status_code, missing.json()["detail"]) == (
        501,
        "structures need RDKit, which is not installed; run: pip install 'impasto[chem]'",
    )


def test_files_of_hits_are_taken_away_where_they_are(folder: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(folder, tmp_path / "index")
    (tmp_path / "index" / "hits.csv").write_text("name\n'=cmd()\n")
    client = TestClient(application(index.open_index(tmp_path / "index")), base_url=ADDRESS)
    assert client.get("/api/about").json()["hits"]["downloads"] == ["hits.csv"]
    taken = client.get("/api/hits.csv")
    assert taken.text == "name\n'=cmd()\n"
    assert taken.headers["content-disposition"] == 'attachment; filename="hits.csv"'
    assert client.get("/api/hits.xlsx").status_code == 404


def test_an_index_of_vectors_alone_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "has_umap", lambda: False)
    plain = assay.profiles()
    plain.var_names = [f"v{n}" for n in range(plain.n_vars)]
    plain.var = plain.var.assign(compartment="", channel="", group="")
    plain.obs = plain.obs.drop(columns=["smiles", "control_type", "spared"])
    building.build(plain, tmp_path / "index")
    client = TestClient(application(index.open_index(tmp_path / "index")), base_url=ADDRESS)
    said = client.get("/api/about").json()
    assert sorted(said["missing"]) == ["cells", "features", "hits", "structures"]
    assert (said["hits"], said["features"], said["windows"], said["channels"], said["questions"]) == (None, False, {}, [], [])
    refused = client.get("/api/why/1/2")
    assert (refused.status_code, refused.json()["detail"]) == (404, said["missing"]["features"])
    assert client.get("/api/pixels/0/DNA").json()["detail"] == said["missing"]["cells"]
    assert client.get("/api/images/0").json()["well"] == []
    near = client.get("/api/near/1").json()
    assert near["null"] is None
    assert near["reason"] == "this index holds no control wells to compare with"
    assert {one["p"] for one in near["rows"]} == {None}


def test_a_fault_of_ours_is_a_sentence_with_the_policy(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise ZeroDivisionError("one by none")

    monkeypatch.setattr(cards, "card", failing)
    answer = client.get("/api/card/0")
    assert answer.status_code == 500
    assert "one by none" in answer.json()["detail"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_no_route_takes_a_path_and_all_are_read_only(folder: Path) -> None:
    routes = [route for route in application(index.open_index(folder)).routes if hasattr(route, "methods")]
    assert set(itertools.chain.from_iterable(route.methods for route in routes)) <= {"GET", "HEAD"}
    assert not [route.path for route in routes if ":path" in route.path]
