"""Serving the explorer on loopback: in the terminal until it is stopped, or in the background of a Python session."""

from __future__ import annotations

import importlib.util
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.schema import InputError

if TYPE_CHECKING:
    from impasto.atlas.index import Index

LOOPBACK = "127.0.0.1"
PORT = 8765
_PATIENCE = 15.0
_HEIGHT = 860


@dataclass(frozen=True)
class Explorer:
    """A running explorer.

    Attributes
    ----------
    address
        Where a browser on this machine finds it.
    server
        The server; `stop` ends it.

    """

    address: str
    server: Any

    def stop(self) -> None:
        """End the server."""
        self.server.should_exit = True

    def _repr_html_(self) -> str:
        """The page inside a notebook."""
        link = f'<a href="{self.address}" target="_blank" rel="noopener">{self.address}</a>'
        return f'<iframe src="{self.address}" width="100%" height="{_HEIGHT}" style="border:0"></iframe><p>{link}</p>'


def address(port: int = PORT, /) -> str:
    """Where a browser on this machine finds the explorer.

    Parameters
    ----------
    port
        The port on loopback.

    Returns
    -------
    str
        Without a fragment.

    """
    return f"http://{LOOPBACK}:{port}"


def invitation(folder: Path, /) -> str:
    """How to open the explorer of a folder.

    Parameters
    ----------
    folder
        An index, or a folder that holds one.

    Returns
    -------
    str
        The command, and the address that it answers at.

    """
    return f"impasto explore {folder}  ({address()})"


def require_server() -> None:
    """Check that the packages of the server are installed.

    Raises
    ------
    InputError
        FastAPI or uvicorn is not installed. The sentence says how to install them.

    """
    missing = [name for name in ("uvicorn", "fastapi") if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"the explorer needs {missing[0]}, which is not installed; run: pip install 'impasto[atlas]'")


def listening(port: int, /) -> socket.socket:
    """A socket on a port of loopback.

    Parameters
    ----------
    port
        Its number; 0 for any that is free.

    Returns
    -------
    socket.socket
        Bound, for a server to listen on.

    Raises
    ------
    InputError
        The port cannot be had: another program listens there, or it needs rights that this user lacks.

    """
    if not 0 <= port <= 65_535:
        raise InputError(f"port is {port}; it lies between 0 (any free one) and 65535")
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((LOOPBACK, port))
    except OSError as error:
        opened.close()
        why = error.strerror or str(error)
        raise InputError(f"port {port} of {LOOPBACK} cannot be had ({why}); give another one, as --port {port + 1}, or --port 0") from None
    return opened


def serve(index: Index, opened: socket.socket, /, *, hosts: Sequence[str] = ()) -> None:
    """Serve the explorer of an index until it is stopped.

    Parameters
    ----------
    index
        An open index.
    opened
        What `listening` gave.
    hosts
        Host names that are answered besides those of loopback.

    """
    _server(index, hosts=hosts, framed=False).run(sockets=[opened])


def in_background(index: Index, /, *, port: int = 0) -> Explorer:
    """Start the explorer of an index on a thread of its own.

    Parameters
    ----------
    index
        An open index.
    port
        The port on 127.0.0.1; 0 for any that is free.

    Returns
    -------
    Explorer
        Running until `stop`, or until Python ends.

    Raises
    ------
    InputError
        FastAPI or uvicorn is not installed, the port cannot be had, or the server does not start.

    """
    require_server()
    opened = listening(port)
    server = _server(index, hosts=(), framed=True)
    threading.Thread(target=server.run, kwargs={"sockets": [opened]}, daemon=True).start()
    end = time.monotonic() + _PATIENCE
    while not server.started:
        if time.monotonic() > end:
            server.should_exit = True
            raise InputError(f"the explorer did not start within {_PATIENCE:g} seconds; run it in a terminal: impasto explore INDEX")
        time.sleep(0.02)
    return Explorer(address(opened.getsockname()[1]), server)


def _server(index: Index, *, hosts: Sequence[str], framed: bool) -> Any:
    import uvicorn

    from impasto.explorer.server import application

    app = application(index, hosts=hosts, framed=framed)
    return uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False))
