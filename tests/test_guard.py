"""The guard of the tests lets nothing out, and nothing that is caught stays unsaid."""

from __future__ import annotations

import contextlib
import socket
import urllib.request

import pytest
from tests.guard import is_here, loopback_only


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "", None, "0.0.0.0", b"127.0.0.1"])
def test_this_machine(host: object) -> None:
    assert is_here(host)


@pytest.mark.parametrize("host", ["198.51.100.1", "example.org", "2001:db8::1", "localhost.example.org", "203.0.113.7"])
def test_other_machines(host: str) -> None:
    assert not is_here(host)


def test_what_is_caught_is_named_all_the_same() -> None:
    with loopback_only() as asked:
        with contextlib.suppress(OSError):
            urllib.request.urlopen("http://pypi.example.org/simple", timeout=1)
        with contextlib.suppress(OSError), socket.socket() as one:
            one.connect(("198.51.100.1", 80))
        with socket.socket() as one, pytest.raises(OSError, match="may not leave this machine"):
            one.connect_ex(("198.51.100.2", 80))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, pytest.raises(OSError, match="may not leave"):
            one.sendto(b"x", ("198.51.100.3", 53))
    assert asked == ["pypi.example.org", "198.51.100.1", "198.51.100.2", "198.51.100.3"]


def test_this_machine_is_reached() -> None:
    with socket.socket() as server, socket.socket() as one, loopback_only() as asked:
        server.bind(("127.0.0.1", 0))
        server.listen()
        one.connect(server.getsockname())
    assert asked == []
