"""`impasto explore INDEX`: the map, the plates, the cells and the compounds on this machine only. `impasto atlas` is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from impasto import options
from impasto.explorer import serving
from impasto.settings import Settings, Shown
from impasto.verbs import ABOUT, terminal


class ExploreSettings(Settings):
    """What is shown, and where."""

    where: Annotated[Path, Shown("argument", metavar="RUN_OR_INDEX")] = Field(
        description="An index, a trained run, or a folder that holds an index."
    )
    port: int = Field(default=serving.PORT, ge=0, le=65535, description="The port on loopback; 0 takes any that is free.")
    host: list[str] = Field(
        default_factory=list,
        description="Another host name under which a proxy on this machine serves the page.",
    )


def run(values: dict[str, Any], _flags: Settings) -> None:
    """Serve until stopped."""
    settings = ExploreSettings.read(values, where="impasto explore")
    serving.require_server()
    opened = serving.listening(settings.port)
    from impasto.indexed import open_or_build

    index = open_or_build(settings.where)
    terminal.say(f"{len(index.rows)} rows of {index.folder} at {serving.address(opened.getsockname()[1])} (stop with Ctrl-C)")
    serving.serve(index, opened, hosts=settings.host)


command = options.command("explore", ExploreSettings, Settings, run=run, about=ABOUT["explore"], example="impasto explore runs/demo/index")
atlas = options.command("atlas", ExploreSettings, Settings, run=run, about=ABOUT["atlas"], example="impasto atlas runs/demo/index")
