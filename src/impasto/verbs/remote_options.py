"""--cache, --offline and --signed: how every verb reads what lies at s3:// and https://. Declared once, for all verbs."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from impasto import remote

_PANEL = "Remote files"


def _options(
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The cache of remote files (also IMPASTO_CACHE).", rich_help_panel=_PANEL)
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Read remote files from the cache only.", rich_help_panel=_PANEL)] = False,
    signed: Annotated[
        bool, typer.Option("--signed", help="Ask buckets with the credentials of the environment, not anonymously.", rich_help_panel=_PANEL)
    ] = False,
) -> None:
    """The options as typer understands them; no verb takes them: they hold as long as it runs (`remote.settings`)."""


@functools.cache
def _parsed() -> Any:
    alone = typer.Typer(add_completion=False)
    alone.command()(_options)
    return typer.main.get_command(alone)


class Reading(TyperCommand):
    """A verb that reads files, remote ones through the cache."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The verb's own options, then those of remote files."""
        return [*super().get_params(ctx), *_parsed().params]

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; within it, remote files are read as these options say."""
        cache, offline, signed = (ctx.params.pop(option.name) for option in _parsed().params)
        with remote.settings(cache=cache, offline=offline, signed=signed):
            return super().invoke(ctx)
