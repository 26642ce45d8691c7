"""`impasto atlas INDEX`: the explorer, a page on this machine only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from impasto import options
from impasto.schema import InputError
from impasto.settings import Settings, Shown
from impasto.verbs import ABOUT, terminal


class AtlasSettings(Settings):
    """What is shown, and where."""

    where: Annotated[Path, Shown("argument", metavar="RUN_OR_INDEX")] = Field(description="A trained run, or an index.")
    port: int = Field(default=8765, description="The port on loopback.")


def run(values: dict[str, Any], _flags: Settings) -> None:
    """Serve until stopped."""
    settings = AtlasSettings.read(values, where="impasto atlas")
    try:
        import uvicorn

        from impasto.atlas.server import application
    except ModuleNotFoundError as error:
        raise InputError(f"the explorer needs {error.name}, which is not installed; run: pip install 'impasto[atlas]'") from None
    from impasto.indexed import open_or_build

    index = open_or_build(settings.where)
    terminal.say(f"{len(index.rows)} rows of {index.folder} at http://127.0.0.1:{settings.port} (stop with Ctrl-C)")
    uvicorn.run(application(index), host="127.0.0.1", port=settings.port, log_level="warning")


command = options.command("atlas", AtlasSettings, Settings, run=run, about=ABOUT["atlas"], example="impasto atlas runs/demo/index")
