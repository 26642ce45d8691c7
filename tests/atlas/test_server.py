"""The explorer answers, on its own."""

from __future__ import annotations

import pytest

from impasto.atlas import index


def test_the_explorer_answers(opened: index.Index) -> None:
    pytest.importorskip("fastapi")
    from fastapi.testclient import TestClient

    from impasto.atlas.server import application

    client = TestClient(application(opened))
    assert "impasto atlas" in client.get("/").text
    shown = client.get("/api/map").json()
    assert shown["n"] == len(shown["x"]) == len(opened.rows)
    answer = client.get("/api/search", params={"kind": "well", "query": "P1:A05", "top": 3}).json()
    assert len(answer["rows"]) == 3
    refused = client.get("/api/search", params={"kind": "well", "query": "nothing"})
    assert refused.status_code == 422
    assert "write PLATE:WELL" in refused.json()["detail"]


def test_the_page_asks_no_other_host() -> None:
    import importlib.resources

    html = importlib.resources.files("impasto.atlas").joinpath("page.html").read_text()
    assert "http://" not in html
    assert "https://" not in html
