"""OME-TIFF: every series of a file is a site, its channels are named inside, its pages have a time and a depth."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pyarrow as pa
import tifffile

from impasto import border
from impasto.failures import is_memory
from impasto.object_stores import NoConnection
from impasto.plates import files
from impasto.plates.columns import Coded, coded
from impasto.schema import InputError


@dataclass(frozen=True)
class Page:
    """One page of a file.

    Attributes
    ----------
    page
        Its number in the file, from 0.
    series
        The series it is of, from 0.
    channel, number
        The name of its channel, and the channel's number from 1.
    time, depth
        `""` where the series has one only.

    """

    page: int
    series: int
    channel: str
    number: int
    time: str
    depth: str

    def words(self) -> dict[str, object]:
        """The page as a row of the table of planes says it.

        Returns
        -------
        dict[str, object]
            `page`, `channel`, `number`, `time` and `depth`.

        """
        return {"page": self.page, "channel": self.channel, "number": str(self.number), "time": self.time, "depth": self.depth}

    def site(self, named: str, /) -> str:
        """Its site, where the file holds several series.

        Parameters
        ----------
        named
            The site that the file's name says; `""` where it says none.

        Returns
        -------
        str
            The series' number from 1, behind the site that the name says (`2.1`).

        """
        own = str(self.series + 1)
        return f"{int(named)}.{own}" if named.isdecimal() else own


_ONE = (Page(0, 0, "w1", 1, "", ""),)
"""What a TIFF holds that says nothing of its pages."""


def pages(path: Path | str, /) -> tuple[Page, ...] | None:
    """The pages of an OME-TIFF.

    Parameters
    ----------
    path
        Of the file, local or remote.

    Returns
    -------
    tuple[Page, ...] | None
        Empty where the file is no OME-TIFF; None where it is damaged.

    """
    try:
        here = files.local(path)
        border.refuse_odd(here)
        with tifffile.TiffFile(here) as file:
            return tuple(_pages(file)) if file.ome_metadata else ()
    except NoConnection:
        raise  # of no image: none can be had
    except Exception as error:
        if is_memory(error):
            raise
        return None


def _pages(file: tifffile.TiffFile) -> Iterator[Page]:
    root = ET.fromstring(file.ome_metadata or "")
    images = [element for element in root if element.tag.rpartition("}")[2] == "Image"]
    named = [[e.get("Name", "") for e in image.iter() if e.tag.rpartition("}")[2] == "Channel"] for image in images]
    for number, series in enumerate(file.series):
        level = series.levels[0]
        axes = level.axes.removesuffix("YX").removesuffix("YXS")
        shape = level.shape[: len(axes)]
        names = named[number] if number < len(named) else []
        sizes = dict(zip(axes, shape, strict=True))
        for place, page in enumerate(level.pages):
            rest, at = place, {}
            for axis in reversed(axes):
                rest, at[axis] = divmod(rest, sizes[axis])
            channel = at.get("C", 0)
            yield Page(
                int(page.index) if page is not None else place,
                number,
                (names[channel] if channel < len(names) else "") or f"channel {channel + 1}",
                channel + 1,
                str(at["T"]) if sizes.get("T", 1) > 1 else "",
                str(at["Z"]) if sizes.get("Z", 1) > 1 else "",
            )


def apply(frame: pd.DataFrame, order: Sequence[str], /) -> pd.DataFrame:
    """Planes of files -> planes of their pages.

    Parameters
    ----------
    frame
        A row a file: `folder`, `name`, `site` (`""` where the name says none) and the words of its place.
    order
        Stains in the order of a file's channels, where the user says them; they take the place of the names inside.

    Returns
    -------
    pandas.DataFrame
        A row a page. A site is the name's, or the series' number from 1, or both (`2.1`) where a file of a named site holds several.

    Raises
    ------
    InputError
        A file has another number of channels than the user says.

    """
    files.fetch(f"{folder}/{name}" for folder, name in zip(frame["folder"], frame["name"], strict=True))
    inside: list[tuple[Page, ...] | None] = []
    for folder, name in zip(frame["folder"], frame["name"], strict=True):
        path = f"{folder}/{name}"
        own = pages(path)
        inside.append(_ONE if own == () else own)
        channels = len({page.number for page in inside[-1] or ()})
        if order and own is not None and channels != len(order):
            raise InputError(f"{path} has {channels} channels, but {len(order)} are named ({', '.join(order)}); name one a channel")
    # A damaged file stands for the pages of the first that is whole: each is quarantined with the file's reason.
    usual = next((own for own in inside if own is not None), _ONE)
    return _rows(frame, [usual if own is None else own for own in inside], order)


def _rows(frame: pd.DataFrame, inside: Sequence[tuple[Page, ...]], order: Sequence[str]) -> pd.DataFrame:
    """A row a page, the columns of its file repeated; `inside` are the pages of each file."""
    words = {word: Coded() for word in ("channel", "number", "time", "depth", "site")}
    numbers = array("i")
    for named, own in zip(frame["site"], inside, strict=True):
        several = len({page.series for page in own}) > 1
        for page in own:
            said = page.words() | ({"channel": order[page.number - 1]} if order else {})
            said["site"] = page.site(str(named)) if several else str(named)
            for word, column in words.items():
                column.add(str(said[word]))
            numbers.append(page.page)
    file = np.repeat(np.arange(len(frame)), [len(own) for own in inside])
    columns = {word: coded(frame[word]).take(file) for word in frame if word not in (*words, "name", "page")}
    columns["name"] = pd.array(frame["name"], dtype=pd.ArrowDtype(pa.string())).take(file)
    return pd.DataFrame(columns | {word: column.column() for word, column in words.items()} | {"page": np.array(numbers, dtype=np.int32)})
