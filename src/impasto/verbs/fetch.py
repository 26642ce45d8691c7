"""`impasto fetch LIST`: bring remote files into the cache, on this machine or for one without network."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    source: Annotated[
        str, typer.Argument(metavar="LIST", help="A file of URLs, one a line (ingest --fetch-list); or one URL, or s3://.../.")
    ],
) -> None:
    """Bring remote files into the cache. What is there already is not asked for again, so a run that was stopped goes on.

    Example: `impasto fetch list.txt --cache cache`
    """
    from impasto import progress, remote
    from impasto.schema import InputError
    from impasto.verbs.terminal import console

    cache = remote.cache()
    urls = remote.urls_of(source)
    wanted = cache.missing(urls)
    with progress.bar(what="fetching", unit="file", total=len(urls), done=len(urls) - len(wanted)) as advance:
        failed = cache.fetch(wanted, advance=advance)
    console.print(
        f"{len(urls) - len(failed)} of {len(urls)} files are in {cache.folder} ({len(wanted) - len(failed)} came now)", soft_wrap=True
    )
    if failed:
        raise InputError(f"{len(failed)} of {len(urls)} files did not come (first: {next(iter(failed.values()))})")
