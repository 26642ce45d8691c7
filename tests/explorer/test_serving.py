"""The explorer answers on loopback until it is stopped, and says which package or port it lacks."""

from __future__ import annotations

import importlib.util
import json
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from impasto.atlas import index
from impasto.explorer import serving
from impasto.schema import InputError


def answers(address: str) -> bool:
    try:
        return bool(json.loads(urllib.request.urlopen(f"{address}/api/about", timeout=1).read())["title"])
    except OSError:
        return False


def test_the_explorer_answers_until_it_is_stopped(folder: Path) -> None:
    pytest.importorskip("fastapi")
    explorer = serving.in_background(index.open_index(folder))
    assert answers(explorer.address)
    assert f'<iframe src="{explorer.address}"' in explorer._repr_html_()
    asked = urllib.request.Request(f"{explorer.address}/api/about", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="421") as refused:
        urllib.request.urlopen(asked, timeout=1)
    refused.value.close()
    explorer.stop()
    until = time.monotonic() + 10
    while answers(explorer.address):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_port_that_is_taken_is_named_with_another() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"port {port} of 127.0.0.1 cannot be had \(.*\); give another one, as --port {port + 1}"):
            serving.listening(port)
    with pytest.raises(InputError, match="port is 70000; it lies between 0"):
        serving.listening(70_000)


def test_only_loopback_is_listened_on() -> None:
    with serving.listening(0) as opened:
        assert opened.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("absent", ["uvicorn", "fastapi"])
def test_a_package_that_is_not_installed_is_named(absent: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == absent else object())
    with pytest.raises(InputError, match=rf"the explorer needs {absent}, which is not installed; run: pip install 'impasto\[atlas\]'"):
        serving.require_server()


def test_the_command_stands_with_the_address_that_it_answers_at(tmp_path: Path) -> None:
    from impasto.verbs.explore import ExploreSettings

    port = ExploreSettings(where=tmp_path).port
    assert serving.invitation(tmp_path) == f"impasto explore {tmp_path}  (http://127.0.0.1:{port})"
