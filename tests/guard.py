"""Nothing leaves this machine: what a test opens to another one is refused, and named at its end even where it was caught."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import socket
from collections.abc import Iterator
from typing import Any


def is_here(host: object) -> bool:
    """Whether an address is this machine; `None` and `""` are all of its own addresses."""
    if isinstance(host, bytes):
        host = host.decode("ascii", errors="replace")
    if host in (None, "", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return (
        address.is_loopback or address.is_unspecified or _is_own(str(address), socket.AF_INET if address.version == 4 else socket.AF_INET6)
    )


@functools.cache
def _is_own(address: str, family: int) -> bool:
    """Whether it is an address of this machine in its network: Ray's parts speak to each other by it."""
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        try:
            one.bind((address, 0))
        except OSError:
            return False
        return True


@contextlib.contextmanager
def loopback_only() -> Iterator[list[str]]:
    """Refuse connections to and names of other machines; the list says what was asked for."""
    asked: list[str] = []
    reals = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex", "sendto")}
    lookup = socket.getaddrinfo

    def check(host: object) -> None:
        if not is_here(host):
            asked.append(str(host))
            raise OSError(101, f"Network is unreachable (a test may not leave this machine: {host})")

    def guarded(name: str) -> Any:
        def call(self: socket.socket, *given: Any) -> Any:
            address = given[-1]
            if isinstance(address, tuple) and self.family in (socket.AF_INET, socket.AF_INET6):
                check(address[0])
            return reals[name](self, *given)

        return call

    def found(host: Any, *given: Any, **more: Any) -> Any:
        check(host)
        return lookup(host, *given, **more)

    for name in reals:
        setattr(socket.socket, name, guarded(name))
    socket.getaddrinfo = found
    try:
        yield asked
    finally:
        socket.getaddrinfo = lookup
        for name in reals:
            setattr(socket.socket, name, reals[name])
