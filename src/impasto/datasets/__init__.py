"""Public data sets by name: what each is and who may use it, and a part of it in a folder that `impasto ingest` reads.

    >>> from impasto import datasets
    >>> "cpg0016" in datasets.names()
    True

`datasets.about(NAME)` says what is known; `datasets.fetch(NAME, OUT, plates=[...])` does
what `impasto fetch NAME --plates ... --out OUT` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from impasto.datasets.registry import DataSet

__all__ = ["about", "fetch", "names"]


def names() -> list[str]:
    """The names of all data sets of the package.

    Returns
    -------
    list[str]
        In the order of the registry.

    """
    from impasto.datasets import registry

    return list(registry.known())


def about(name: str, /) -> DataSet:
    """What is known of a data set.

    Parameters
    ----------
    name
        Its name, or another that it is known by.

    Returns
    -------
    DataSet
        Title, licence, parts and what is not confirmed.

    Raises
    ------
    InputError
        There is no data set of that name.

    """
    from impasto.datasets import registry
    from impasto.schema import one_of

    sets = registry.known()
    return sets[registry.find(name, sets) or one_of(name, sets, what="data set")]


def fetch(
    name: str,
    out: Path | str,
    /,
    *,
    plates: Sequence[str] = (),
    wells: Sequence[str] = (),
    sources: Sequence[str] = (),
    plate_types: Sequence[str] = (),
    parts: Sequence[str] = (),
    accept_licence: bool = False,
) -> str:
    """Fetch a part of a data set.

    Parameters
    ----------
    name
        Its name, or another that it is known by.
    out
        The folder to write.
    plates, wells, sources, plate_types, parts
        What is wanted of it.
    accept_licence
        Its licence is accepted, where it forbids something or is not confirmed.

    Returns
    -------
    str
        The command that reads it: `impasto ingest ...`; `""` where nothing of it is read so.

    Raises
    ------
    InputError
        Something of it is not there or did not come, or its licence must be accepted.

    """
    from impasto.datasets import sets
    from impasto.datasets.choose import Wish

    entry = about(name)
    wish = Wish(plates=[*plates], wells=[*wells], sources=[*sources], plate_types=[*plate_types], parts=[*parts])
    sets.refuse_unless_accepted(name, entry, accepted=accept_licence)
    return sets.fetch(name, entry, wish, Path(out)).ingest
