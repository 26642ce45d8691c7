"""`impasto atlas INDEX`: the explorer, a page on this machine only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from impasto.schema import InputError


def command(
    where: Annotated[Path, typer.Argument(metavar="RUN_OR_INDEX", help="A trained run, or an index.")],
    port: Annotated[int, typer.Option(help="The port on loopback.")] = 8765,
) -> None:
    """Serve the explorer on http://127.0.0.1:PORT until stopped: a map of all profiles, and search.

    Example: `impasto atlas runs/demo/index`
    """
    try:
        import uvicorn

        from impasto.atlas.server import application
    except ModuleNotFoundError as error:
        raise InputError(f"the explorer needs {error.name}, which is not installed; run: pip install 'impasto[atlas]'") from None
    from impasto.verbs.search import open_or_build
    from impasto.verbs.terminal import console

    index = open_or_build(where)
    console.print(f"{len(index.rows)} rows of {index.folder} at http://127.0.0.1:{port} (stop with Ctrl-C)")
    uvicorn.run(application(index), host="127.0.0.1", port=port, log_level="warning")
