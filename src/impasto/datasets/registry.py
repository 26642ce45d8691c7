"""The registry: what each data set is, who may use it, where its files lie, and how they are ingested. One TOML file in the package."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import Field

from impasto import progress, texts
from impasto.schema import InputError, one_of
from impasto.settings import Settings

SHIPPED = Path(__file__).with_name("registry.toml")


class Licence(Settings):
    """Who may use a data set."""

    name: str = Field(description="As its page calls it, or 'not confirmed'.")
    page: str = Field(description="Where it is written.")
    forbids: str = Field(default="", description="What it forbids; nothing where this is empty.")
    says: str = Field(default="", description="What else is known: sources that disagree.")
    confirmed: bool = Field(default=False, description="Whether the publisher's own words were read.")

    @property
    def is_asked_for(self) -> bool:
        """Whether a user must accept it by name: it forbids something, or is not known."""
        return bool(self.forbids) or not self.confirmed

    def sentence(self) -> str:
        """The licence in one sentence.

        Returns
        -------
        str
            Name, what it forbids, doubts, and its page.

        """
        name = self.name if self.confirmed else f"not confirmed: read {self.page}"
        forbids = f", which forbids {self.forbids}" if self.forbids else ""
        says = f" ({self.says})" if self.says else ""
        return f"licence {name}{forbids}{says}" + (f"; {self.page}" if self.confirmed else "")


class Plates(Settings):
    """Which plates there are: by name, by a table with a row a plate, or by the lines of a text."""

    named: list[str] = Field(default_factory=list, description="The plates.")
    table: str = Field(default="", description="The address of a table, of a zip that holds one, or of a text.")
    columns: dict[str, str] = Field(default_factory=dict, description="Word of an address -> column of the table.")
    lines: str = Field(default="", description="A regular expression with the group plate, where the table is a text.")
    always: dict[str, str] = Field(default_factory=dict, description="Words of all plates.")


class Part(Settings):
    """Files of one kind, each asked for by its part."""

    about: str = Field(description="What they hold.")
    files: list[str] = Field(description="Addresses; {plate} and other words are filled in for each plate.")
    kind: Literal["files", "load_data", "platemaps", "sites", "unzip", "wells", "package"] = Field(
        default="files",
        description="load_data: a table that names the images. sites: a file a row of the table of plates. unzip: the table in the zip. "
        "wells: a table of images, from which a plain platemap is made.",
    )
    columns: dict[str, str] = Field(default_factory=dict, description="Of wells: word of impasto -> column of the published table.")
    role: Literal["source", "platemap", "beside"] = Field(default="source", description="What impasto ingest takes it for, if anything.")
    options: str = Field(default="", description="What impasto ingest needs to know of it.")
    gb: float | None = Field(default=None, description="Size of one plate, or of the whole where no plate is named.")


class DataSet(Settings):
    """One data set."""

    title: str
    about: str
    papers: list[str] = Field(description="The four papers of impasto that name it.")
    aliases: list[str] = Field(default_factory=list)
    cells: str
    stains: list[str]
    gb: float | None = Field(default=None, description="Size of the whole, in GB; None where it is not confirmed.")
    licence: Licence
    cite: str
    below: str = Field(description="The address that the folder of a fetched set stands for.")
    pages: list[str]
    splits: str
    default: list[str] = Field(description="The parts that are fetched where none is named.")
    not_confirmed: list[str] = Field(default_factory=list)
    plates: Plates | None = None
    parts: dict[str, Part]
    sha256: dict[str, str] = Field(default_factory=dict, description="Address -> SHA-256, where the publisher gives it.")
    bytes: dict[str, int] = Field(default_factory=dict, description="Address -> size, where the publisher gives it.")


def read(path: Path, /, *, wanted: str | None = None) -> dict[str, DataSet]:
    """Read a registry.

    Parameters
    ----------
    path
        A TOML file with one table a data set.
    wanted
        The name that was typed: an entry of another name that cannot be used is said and left out. None: it is refused.

    Returns
    -------
    dict[str, DataSet]
        Name -> data set, in the order of the file.

    Raises
    ------
    InputError
        It cannot be read. Or the entry that is wanted lacks a key (such as its licence), or a default part is none of its parts.

    """
    try:
        entries = tomllib.loads(texts.read(path))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; a registry is a TOML file, one table a data set") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"the registry {path} cannot be read: {error}") from None
    sets: dict[str, DataSet] = {}
    for name, values in entries.items():
        try:
            sets[name] = _entry(name, values, path)
        except InputError as error:
            aliases = values.get("aliases", []) if isinstance(values, dict) else []
            if wanted is None or wanted.lower() in (name.lower(), *(str(alias).lower() for alias in aliases)):
                raise
            progress.say(f"left out: {error}")
    return sets


def _entry(name: str, values: object, path: Path) -> DataSet:
    where = f"{path}, data set {name!r}"
    if not isinstance(values, dict):
        raise InputError(f"{where}: it is a value, not a table; write [{name}] and its keys")
    if not values.get("licence"):
        raise InputError(f"{where} has no licence; add [{name}.licence] with name and page: nothing is fetched without one")
    entry = DataSet.read(values, where=where)
    for part in entry.default:
        one_of(part, entry.parts, what=f"default part of {name}")
    return entry


@functools.cache
def _shipped() -> dict[str, DataSet]:
    return read(SHIPPED)


def known(own: Path | None = None, /, *, wanted: str | None = None) -> dict[str, DataSet]:
    """All data sets that can be fetched by name.

    Parameters
    ----------
    own
        A registry of the user's own; a set of the same name takes the place of the package's.
    wanted
        As in `read`, of the user's own.

    Returns
    -------
    dict[str, DataSet]
        Name -> data set.

    Raises
    ------
    InputError
        The user's registry cannot be read, or what is wanted of it.

    """
    return {**_shipped(), **(read(own, wanted=wanted) if own else {})}


def find(name: str, sets: dict[str, DataSet], /) -> str | None:
    """The name of a data set, however it was typed.

    Parameters
    ----------
    name
        A name or an alias, in any case.
    sets
        As `known` gives them.

    Returns
    -------
    str or None
        None where no set is called so.

    """
    word = name.lower()
    named = next((key for key in sets if key.lower() == word), None)
    return named or next((key for key, entry in sets.items() if word in (alias.lower() for alias in entry.aliases)), None)
