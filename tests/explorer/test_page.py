"""The page: three files with an ETag, or a sentence where it was not built."""

from __future__ import annotations

import pytest

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient

from impasto.explorer import page


@pytest.mark.parametrize(("path", "name"), [("/", "index.html"), ("/app.js", "app.js"), ("/app.css", "app.css")])
def test_a_file_is_answered_with_its_tag(client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str, name: str) -> None:
    monkeypatch.setattr(page, "content", lambda asked: f"of {asked}".encode())
    answer = client.get(path)
    assert answer.text == f"of {name}"
    assert answer.headers["content-type"] == page.FILES[name]
    assert answer.headers["cache-control"] == "no-cache"
    again = client.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_a_page_that_was_not_built_is_a_sentence(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "content", lambda _: None)
    answer = client.get("/app.js")
    assert answer.status_code == 404
    assert "app.js is missing" in answer.json()["detail"]


def test_files_of_the_package_are_read_by_name() -> None:
    assert page.content("no such file") is None
