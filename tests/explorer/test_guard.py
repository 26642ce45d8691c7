"""Who may ask: by host name, by site, in a frame. Every answer carries the policy, errors too."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient
from tests.explorer.conftest import ADDRESS

from impasto.atlas import index
from impasto.explorer.server import application

ASKED = "/api/about"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.0.0.1:8765", "localhost:1", "[::1]:9999", "LOCALHOST:80"])
def test_names_of_loopback_are_answered_on_any_port(client: TestClient, host: str) -> None:
    assert client.get(ASKED, headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8765",
        "127.0.0.1.evil.example",
        "localhost.evil",
        "evil-localhost",
        "xlocalhost:8765",
        "1127.0.0.1",
        "",
        "0.0.0.0",
        "[::2]",
        "127.0.0.1:x",
        "::1",
        "127.1",
    ],
)
@pytest.mark.parametrize("path", [ASKED, "/", "/api/pixels/0/DNA", "/nothing"])
def test_other_names_are_not(client: TestClient, host: str, path: str) -> None:
    refused = client.get(path, headers={"host": host})
    assert refused.status_code == 421
    assert "give that name to impasto explore --host" in refused.json()["detail"]


def test_a_name_that_was_given_is_answered(folder: Path) -> None:
    named = TestClient(application(index.open_index(folder), hosts=["Lab.Example"]), base_url=ADDRESS)
    assert named.get(ASKED, headers={"host": "lab.example:443"}).status_code == 200
    assert named.get(ASKED, headers={"host": "other.example"}).status_code == 421


@pytest.mark.parametrize(("site", "status"), [("none", 200), ("same-origin", 200), ("same-site", 403), ("cross-site", 403), ("odd", 403)])
@pytest.mark.parametrize("path", [ASKED, "/api/columns/wells", "/api/pixels/0/DNA"])
def test_requests_of_other_sites_are_refused(client: TestClient, site: str, status: int, path: str) -> None:
    assert client.get(path, headers={"sec-fetch-site": site}).status_code == status


@pytest.mark.parametrize("path", ["/", ASKED, "/api/card/0", "/api/card/9999", "/api/pixels/0/DNA", "/nothing", "/api/near/0?top=x"])
def test_every_answer_carries_the_policy(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob: data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    refused = client.get(path, headers={"host": "evil.example"})
    assert refused.headers["content-security-policy"] == headers["content-security-policy"]


def test_a_notebook_may_frame_the_page_and_ask_nothing_else(folder: Path, client: TestClient) -> None:
    framed = TestClient(application(index.open_index(folder), framed=True), base_url=ADDRESS)
    in_frame = {"sec-fetch-site": "cross-site", "sec-fetch-dest": "iframe"}
    assert framed.get("/", headers=in_frame).status_code != 403
    assert framed.get(ASKED, headers=in_frame).status_code == 403
    assert framed.get("/", headers={**in_frame, "sec-fetch-dest": "script"}).status_code == 403
    assert client.get("/", headers=in_frame).status_code == 403
    ancestors = framed.get(ASKED).headers["content-security-policy"].partition("frame-ancestors ")[2]
    assert ancestors == "http://127.0.0.1:* http://localhost:*"


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch", "options"])
def test_nothing_can_be_changed(client: TestClient, method: str) -> None:
    assert getattr(client, method)("/api/card/0").status_code == 405
