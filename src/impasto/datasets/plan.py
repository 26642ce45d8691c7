"""What a wish comes to: the address of every file, and where it will lie in the folder of the data set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from impasto import remote, schema
from impasto.datasets import choose
from impasto.datasets.choose import Wish, Words
from impasto.datasets.registry import DataSet, Part
from impasto.schema import InputError, one_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Plan:
    """Files of a data set that are to be fetched or written.

    Attributes
    ----------
    files
        URL -> place in the folder of the data set.
    written
        Place -> table that is written there.
    wells
        URL of a table of images from which a plain platemap is made -> its part.
    zips
        URL of a zip whose table is taken out -> its part.
    maps
        URL of a platemap -> the map that it must be.
    shipped
        Names of files in the package -> place.
    sources, platemaps
        Part -> places that `impasto ingest` reads. Those of `zips` and `wells` are known once they came.

    """

    files: dict[str, PurePosixPath] = field(default_factory=dict)
    written: dict[PurePosixPath, pd.DataFrame] = field(default_factory=dict)
    wells: dict[str, str] = field(default_factory=dict)
    zips: dict[str, str] = field(default_factory=dict)
    maps: dict[str, str] = field(default_factory=dict)
    shipped: dict[str, PurePosixPath] = field(default_factory=dict)
    sources: dict[str, list[PurePosixPath]] = field(default_factory=dict)
    platemaps: dict[str, list[PurePosixPath]] = field(default_factory=dict)

    def read_by_ingest(self, name: str, part: Part, place: PurePosixPath, /) -> None:
        """Note a file or folder for the command that follows.

        Parameters
        ----------
        name, part
            The part that it belongs to.
        place
            Where it lies.

        """
        if part.role == "beside":
            return
        places = (self.sources if part.role == "source" else self.platemaps).setdefault(name, [])
        if place not in places:
            places.append(place)


def parts_of(name: str, entry: DataSet, wish: Wish, /) -> dict[str, Part]:
    """The parts that are wanted.

    Parameters
    ----------
    name, entry, wish
        The data set, and what the user said.

    Returns
    -------
    dict[str, Part]
        In the order of the registry.

    Raises
    ------
    InputError
        There is no part of that name, or wells are named and no part has images a well.

    """
    wanted = wish.parts or entry.default
    for part in wanted:
        one_of(part, entry.parts, what=f"part of {name}")
    parts = {key: part for key, part in entry.parts.items() if key in wanted}
    if wish.wells and not any(part.kind in ("load_data", "sites") for part in parts.values()):
        raise InputError(f"--wells is for the images of single wells, and these parts of {name} come whole; leave it out")
    return parts


def make(name: str, entry: DataSet, wish: Wish, /) -> Plan:
    """The files that are wanted. Tables that say which they are come into the cache.

    Parameters
    ----------
    name, entry, wish
        The data set, and what the user said.

    Returns
    -------
    Plan
        Nothing of it is fetched yet.

    Raises
    ------
    InputError
        A plate, part or well is not there.
    NoConnection
        A table that is needed first is not in the cache, and no network leads there.

    """
    parts = parts_of(name, entry, wish)
    by_plate = any("{" in address for part in parts.values() for address in part.files)
    rows = choose.chosen(name, entry, wish) if by_plate or wish.plates or wish.sources or wish.plate_types else []
    wells = [schema.normal_well(well) for well in wish.wells]
    plan = Plan()
    for key, part in parts.items():
        _PLANNED[part.kind](plan, key, part, entry, rows, wells)
    return plan


def needed_first(name: str, entry: DataSet, wish: Wish, /) -> list[str]:
    """What a machine without network lacks before it can tell which files are wanted.

    Parameters
    ----------
    name, entry, wish
        The data set, and what the user said.

    Returns
    -------
    list[str]
        URLs that are not in the cache: the table of plates; where it is there, LoadData tables, and folders to be listed.

    """
    cache = remote.cache()
    if entry.plates is not None and entry.plates.table and cache.missing([entry.plates.table]):
        return [entry.plates.table]
    rows = choose.chosen(name, entry, wish) if entry.plates else []
    parts = parts_of(name, entry, wish).values()
    folders = [url for part in parts for url in addresses(part, rows) if url.endswith("/") and not cache.listing_of(url).is_file()]
    return [*cache.missing(tables_of(name, entry, wish)), *folders]


def tables_of(name: str, entry: DataSet, wish: Wish, /) -> list[str]:
    """The tables that say which images are wanted.

    Parameters
    ----------
    name, entry, wish
        The data set, and what the user said.

    Returns
    -------
    list[str]
        URLs of LoadData tables; the table of plates is there already.

    """
    by_table = [part for part in parts_of(name, entry, wish).values() if part.kind == "load_data"]
    rows = choose.chosen(name, entry, wish) if by_table else []
    return [url for part in by_table for url in addresses(part, rows)]


def addresses(part: Part, rows: list[Words], /) -> list[str]:
    """The addresses of a part, filled in.

    Parameters
    ----------
    part
        A part of a data set.
    rows
        The words of each plate.

    Returns
    -------
    list[str]
        Each once.

    """
    filled = [address.format_map(row) if "{" in address else address for address in part.files for row in rows or [{}]]
    return list(dict.fromkeys(filled))


def place(entry: DataSet, url: str, /) -> PurePosixPath:
    """Where a file lies in the folder of its data set.

    Parameters
    ----------
    entry
        The data set.
    url
        Of the file.

    Returns
    -------
    PurePosixPath
        As it lies on its server, below the set's address; in `tables` where it lies elsewhere.

    """
    if url.startswith(entry.below):
        return PurePosixPath(unquote(url.removeprefix(entry.below)) if not url.startswith("s3:") else url.removeprefix(entry.below))
    return PurePosixPath("tables", unquote(url.rpartition("/")[2]))


def _plain(plan: Plan, key: str, part: Part, entry: DataSet, rows: list[Words], _wells: list[str]) -> None:
    for url in addresses(part, rows):
        for file in remote.listing(url) if url.endswith("/") else [url]:
            plan.files[file] = place(entry, file)
            plan.read_by_ingest(key, part, plan.files[file])


def _platemaps(plan: Plan, key: str, part: Part, entry: DataSet, rows: list[Words], wells: list[str]) -> None:
    _plain(plan, key, part, entry, rows, wells)
    for address in part.files:
        if "{map}" in address:
            plan.maps |= {address.format_map(row): row[choose.MAP] for row in rows}


def _load_data(plan: Plan, key: str, part: Part, entry: DataSet, rows: list[Words], wells: list[str]) -> None:
    from impasto.datasets import load_data

    for url in addresses(part, rows):
        lies = place(entry, url)
        lies = lies.with_name(lies.name.split("_with_illum")[0].partition(".")[0] + ".csv")
        frame, images = load_data.cut(remote.local(url), lies.parent, wells=wells, place=lambda image: place(entry, image))
        plan.written[lies] = frame
        plan.files |= {image: place(entry, image) for image in images}
        plan.read_by_ingest(key, part, lies)


def _sites(plan: Plan, key: str, part: Part, entry: DataSet, rows: list[Words], wells: list[str]) -> None:
    there = {schema.normal_well(row[schema.WELL]) for row in rows}
    if lacking := sorted(set(wells) - there):
        raise InputError(f"the plates that are wanted have no well {', '.join(lacking)}; they have {schema.listed(sorted(there))}")
    for url in addresses(part, [row for row in rows if not wells or schema.normal_well(row[schema.WELL]) in wells]):
        plan.files[url] = place(entry, url)
        plan.read_by_ingest(key, part, PurePosixPath(plan.files[url].parts[0]))


def _unzip(plan: Plan, key: str, part: Part, _entry: DataSet, rows: list[Words], _wells: list[str]) -> None:
    plan.zips |= dict.fromkeys(addresses(part, rows), key)


def _wells(plan: Plan, key: str, part: Part, entry: DataSet, rows: list[Words], _wells: list[str]) -> None:
    for url in addresses(part, rows):
        plan.files[url] = place(entry, url)
        plan.wells[url] = key


def _package(plan: Plan, key: str, part: Part, entry: DataSet, _rows: list[Words], _wells: list[str]) -> None:
    for address in part.files:
        lies = PurePosixPath(address.removeprefix(entry.below).rstrip("/"))
        plan.shipped[address.removeprefix("package:")] = lies
        plan.read_by_ingest(key, part, lies)


_PLANNED = {
    "files": _plain,
    "platemaps": _platemaps,
    "load_data": _load_data,
    "sites": _sites,
    "unzip": _unzip,
    "wells": _wells,
    "package": _package,
}
