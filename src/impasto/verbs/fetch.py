"""`impasto fetch LIST`: bring remote files into the cache, on this machine or for one without network."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from impasto import options, progress, remote
from impasto.schema import InputError
from impasto.settings import Settings, Shown
from impasto.verbs import ABOUT, terminal


class FetchSettings(Settings):
    """What to bring."""

    source: Annotated[str, Shown("argument", metavar="LIST")] = Field(
        description="A file of URLs, one a line (ingest --fetch-list); or one URL, or s3://.../."
    )


def run(values: dict[str, Any], flags: options.Printing) -> None:
    """Bring the files that are not there yet, and say how many came."""
    settings = FetchSettings.read(values, where="impasto fetch")
    cache = remote.cache()
    urls = remote.urls_of(settings.source)
    wanted = cache.missing(urls)
    with progress.bar(what="fetching", unit="file", total=len(urls), done=len(urls) - len(wanted)) as advance:
        failed = cache.fetch(wanted, advance=advance)
    if flags.as_json:
        terminal.write_json(
            {"files": len(urls), "here": len(urls) - len(failed), "came": len(wanted) - len(failed), "cache": str(cache.folder)}
        )
    else:
        terminal.console.print(
            f"{len(urls) - len(failed)} of {len(urls)} files are in {cache.folder} ({len(wanted) - len(failed)} came now)", soft_wrap=True
        )
    if failed:
        raise InputError(f"{len(failed)} of {len(urls)} files did not come (first: {next(iter(failed.values()))})")


command = options.command(
    "fetch",
    FetchSettings,
    options.Printing,
    run=run,
    about=f"{ABOUT['fetch']} What is there already is not asked for again, so a run that was stopped goes on.",
    example="impasto fetch list.txt --cache cache",
)
