"""The explorer answers on loopback until it is stopped, and says which package it lacks."""

from __future__ import annotations

import importlib.util
import socket
import time
import urllib.request

import pytest

from impasto.atlas import background
from impasto.atlas.index import Index
from impasto.schema import InputError


def answers(address: str) -> bool:
    try:
        return b"<html" in urllib.request.urlopen(address, timeout=1).read()
    except OSError:
        return False


def until(wanted: bool, address: str) -> bool:
    """Whether the address comes to answer, or to answer no more, within ten seconds."""
    for _ in range(200):
        if answers(address) == wanted:
            return True
        time.sleep(0.05)
    return False


def test_the_explorer_answers_until_it_is_stopped(opened: Index) -> None:
    pytest.importorskip("fastapi")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    explorer = background.serve(opened, port=port)
    assert explorer.address == f"http://127.0.0.1:{port}"
    assert until(True, explorer.address)
    assert explorer.address in explorer._repr_html_()
    explorer.stop()
    assert until(False, explorer.address)


@pytest.mark.parametrize("absent", ["uvicorn", "fastapi"])
def test_a_package_that_is_not_installed_is_named(absent: str, opened: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == absent else object())
    with pytest.raises(InputError, match=rf"the explorer needs {absent}, which is not installed; run: pip install 'impasto\[atlas\]'"):
        background.serve(opened, port=1)
