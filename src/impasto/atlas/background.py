"""The explorer in the background of a Python session: its server runs on a thread of its own, on loopback."""

from __future__ import annotations

import importlib.util
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from impasto.schema import InputError

if TYPE_CHECKING:
    from impasto.atlas.index import Index


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
        return f'<iframe src="{self.address}" width="100%" height="640" style="border:0"></iframe>'


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


def serve(index: Index, /, *, port: int) -> Explorer:
    """Start the explorer of an index.

    Parameters
    ----------
    index
        An open index.
    port
        The port on 127.0.0.1.

    Returns
    -------
    Explorer
        Running until `stop`, or until Python ends.

    Raises
    ------
    InputError
        FastAPI or uvicorn is not installed.

    """
    require_server()
    import uvicorn

    from impasto.atlas.server import application

    server = uvicorn.Server(uvicorn.Config(application(index), host="127.0.0.1", port=port, log_level="warning"))
    threading.Thread(target=server.run, daemon=True).start()
    return Explorer(f"http://127.0.0.1:{port}", server)
