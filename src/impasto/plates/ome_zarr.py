"""OME-Zarr plates (HCS), 0.4 and 0.5: `plate/<row>/<column>/<field>/`, in a folder, a zip or a bucket; pixels by the names of axes.

Channel names are `omero.channels[].label`. A plane is stored as the path of its field and its place by the names of the axes
(`at="t0c1z2"`): the order of axes in the array says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import border, remote, schema
from impasto.plates import zarr_stores
from impasto.plates.listing import Listing
from impasto.plates.reader import Asked, Found, Reader
from impasto.schema import InputError

_WITHOUT_NAMES = "tczyx"
"""Versions before 0.3 name no axes; these they are."""
_CHOSEN = {"z": "depth", "t": "time"}
_WELL = re.compile(r"(?P<row>[A-Za-z]{1,2})/0*(?P<column>\d+)")


@dataclass(frozen=True)
class Field:
    """One field of a well.

    Attributes
    ----------
    path
        Of its group.
    well, site
        Where it is: `A01`, and the last part of its path.
    acquisition
        The round of staining; `""` where it says none.

    """

    path: str
    well: str
    site: str
    acquisition: str
    sizes: dict[str, int]
    """Name of an axis -> its length."""
    labels: tuple[str, ...]
    """The names of its channels; none where it does not say them."""


def fits(listing: Listing, /) -> int:
    """How many wells the plates of a listing have.

    Parameters
    ----------
    listing
        What lies at a source.

    Returns
    -------
    int
        A store of images that is no plate counts as one, so that what it is can be said.

    """
    return sum(_fits(zarr_stores.attributes(store)) for store in listing.stores)


def _fits(attributes: dict[str, Any]) -> int:
    if "plate" in attributes:
        return max(1, len(attributes["plate"].get("wells", [])))
    return int(bool({"multiscales", "bioformats2raw.layout", "spatialdata_attrs"} & set(attributes)))


def is_ome(path: Path | str, /) -> bool:
    """Whether a store holds images of any kind (a plate, one image, a SpatialData store), and no table of profiles.

    Parameters
    ----------
    path
        A path or URL. A server is asked only where the URL has the suffix of a store.

    Returns
    -------
    bool
        By its attributes.

    """
    if remote.url(path) is not None and not zarr_stores.SUFFIX.search(str(path)):
        return False  # so that no server is asked in vain
    return _fits(zarr_stores.attributes(str(path))) > 0


def planes(listing: Listing, asked: Asked, /) -> Found:
    """The planes of all plates of a listing.

    Parameters
    ----------
    listing
        What lies at a source.
    asked
        What the user said; `order` is used here.

    Returns
    -------
    Found
        A row a plane, and sentences about stores that are no plates.

    Raises
    ------
    InputError
        Where none of its stores is a plate, or a field has other axes, or another number of channels than are named.

    """
    parts, notes, taken, others = [], [], [], []
    for store in listing.stores:
        attributes = zarr_stores.attributes(store)
        if "plate" in attributes:
            with border.reading(store, "plate in OME-Zarr"):
                frame, said = plate(store, attributes, order=asked.order)
            parts.append(frame)
            notes += said
            taken.append(store)
        elif _fits(attributes):
            others.append(_other(store, attributes))
            taken.append(store)
    if not parts:
        raise InputError(others[0] if others else f"{listing.root} holds no OME-Zarr plate")
    return Found(pd.concat(parts, ignore_index=True), notes=(*notes, *others), folders=frozenset(), stores=frozenset(taken))


def _other(store: str, attributes: dict[str, Any]) -> str:
    """What a store is that is no plate, and what to do."""
    if "spatialdata_attrs" in attributes:
        return f"{store} is a SpatialData store; its tables are profiles: give one of them, {store}/tables/NAME"
    what = "a store of OME-Zarr images" if "bioformats2raw.layout" in attributes else "one OME-Zarr image"
    return f"{store} is {what}, not a plate; list it in a sheet with its plate and well (path,channel,plate,well,site)"


def plate(store: str, attributes: dict[str, Any], /, *, order: Sequence[str] = ()) -> tuple[pd.DataFrame, list[str]]:
    """The planes of one plate, and sentences.

    Parameters
    ----------
    store, attributes
        The path of the plate, and its attributes.
    order
        Stains in the order of the channels, for fields that do not name them.

    Returns
    -------
    planes : pandas.DataFrame
        A row a plane.
    notes : list[str]
        Sentences about wells that are not there and acquisitions that are joined.

    Raises
    ------
    InputError
        None of its wells is there, or a field cannot be read.

    """
    wells = sorted(str(well["path"]) for well in attributes["plate"].get("wells", []))
    named = _names(attributes.get("channels_metadata") or attributes["plate"].get("channels_metadata"))
    # Each well and each field is a small file or two: asked for together where that takes time.
    with ThreadPoolExecutor(remote.WORKERS if remote.url(store) else 1) as pool:
        listed = list(pool.map(lambda path: _fields(store, path), wells))
    absent = [path for path, fields in zip(wells, listed, strict=True) if not fields]
    fields = [replace(field, labels=_labels(field, named, order)) for part in listed for field in part]
    if not fields:
        raise InputError(f"{store}: none of the {len(wells)} wells that it lists is there (first: {(absent or ['none'])[0]})")
    notes = [f"{store}: {len(absent)} of {len(wells)} listed wells are not there (first: {absent[0]})"] if absent else []
    fields, joined = _by_position(fields)
    rows = [row for field in fields for row in _rows(field, zarr_stores.name(store), store)]
    return pd.DataFrame(rows), [*notes, *(f"{store}: {note}" for note in joined)]


def _fields(store: str, path: str) -> list[Field]:
    """The fields of a well; none where the well, or all of its fields, are not there."""
    place = _WELL.fullmatch(path)
    if place is None:
        raise InputError(f"{store}: {path!r} is no well; a plate's wells are named row/column, as A/1")
    images = zarr_stores.attributes(f"{store}/{path}").get("well", {}).get("images", [])
    return [
        field for image in images if (field := _field(store, path, f"{place['row'].upper()}{int(place['column']):02d}", image)) is not None
    ]


def _field(store: str, path: str, well: str, image: dict[str, Any]) -> Field | None:
    group = f"{store}/{path}/{image['path']}"
    attributes = zarr_stores.attributes(group)
    if "multiscales" not in attributes:
        return None
    names, dataset = axes(attributes), _dataset(attributes)
    shape = zarr_stores.shape(f"{group}/{dataset}")
    if shape is None:
        return None
    if len(shape) != len(names):
        raise InputError(f"{group}: its array has {len(shape)} axes, but {len(names)} are named ({', '.join(names)})")
    sizes = dict(zip(names, shape, strict=True))
    other = next((axis for axis, size in sizes.items() if axis not in _WITHOUT_NAMES and size > 1), None)
    if other or not {"y", "x"} <= set(names):
        raise InputError(f"{group}: its axes are {', '.join(names)}; t, c, z, y and x are read, y and x must be there")
    return Field(group, well, str(image["path"]), str(image.get("acquisition", "")), sizes, _names(attributes.get("omero")))


def axes(attributes: dict[str, Any], /) -> list[str]:
    """The names of the axes of an image.

    Parameters
    ----------
    attributes
        Of its group.

    Returns
    -------
    list[str]
        In the order of its array.

    """
    named = attributes["multiscales"][0].get("axes") or list(_WITHOUT_NAMES)
    return [str(axis["name"] if isinstance(axis, dict) else axis).lower() for axis in named]


def _dataset(attributes: dict[str, Any]) -> str:
    """The array of full resolution: what `multiscales[0].datasets[0].path` says, never a guessed `0`."""
    return str(attributes["multiscales"][0]["datasets"][0]["path"])


def _names(channels: Any) -> tuple[str, ...]:
    """The channels that `omero` (or a plate's `channels_metadata`) names; none where one of them has no name."""
    listed = channels.get("channels", []) if isinstance(channels, dict) else channels or []
    names = [str(c.get("label") or c.get("name") or "") if isinstance(c, dict) else str(c) for c in listed]
    return tuple(names) if all(names) else ()


def _labels(field: Field, named: tuple[str, ...], order: Sequence[str]) -> tuple[str, ...]:
    """The channels of a field as it, its plate or the user names them, else `channel 1`, `channel 2`..."""
    count = field.sizes.get("c", 1)
    labels = field.labels or named or tuple(order) or tuple(f"channel {number}" for number in range(1, count + 1))
    if len(labels) != count:
        raise InputError(f"{field.path}: {len(labels)} channels are named ({', '.join(labels)}), but it holds {count}")
    return labels


def _by_position(fields: list[Field]) -> tuple[list[Field], list[str]]:
    """Fields of several acquisitions (rounds of staining) that stand at one position of a well are one site."""
    acquisitions = sorted({field.acquisition for field in fields})
    if len(acquisitions) < 2:
        return fields, []
    joined, held, left_out = [], set(), set()
    position: dict[tuple[str, str], int] = {}
    for field in sorted(fields, key=lambda f: (f.well, f.acquisition)):
        number = position.get((field.well, field.acquisition), 0)
        position[field.well, field.acquisition] = number + 1
        new = tuple("" if (field.well, number, label) in held else label for label in field.labels)
        left_out |= set(field.labels) - set(new)
        held |= {(field.well, number, label) for label in new}
        joined.append(replace(field, site=str(number), labels=new))
    notes = [f"{len(acquisitions)} acquisitions are joined by the position of their fields"]
    if left_out:
        notes.append(f"{', '.join(sorted(left_out))} stand in several acquisitions; the first is read")
    return joined, notes


def _rows(field: Field, plate: str, base: str) -> Iterator[dict[str, object]]:
    leading = [axis for axis in "tcz" if axis in field.sizes]
    for place in product(*(range(field.sizes[axis]) for axis in leading)):
        at = dict(zip(leading, place, strict=True))
        channel = field.labels[at.get("c", 0)]
        if not channel:
            continue  # another acquisition has it
        yield {
            "path": field.path,
            "at": "".join(f"{axis}{number}" for axis, number in at.items()),
            schema.CHANNEL: channel,
            "number": str(at.get("c", 0) + 1),
            schema.PLATE: plate,
            schema.WELL: field.well,
            schema.SITE: field.site,
            "base": base,
            **{word: str(at[axis]) if field.sizes.get(axis, 1) > 1 else "" for axis, word in _CHOSEN.items()},
        }


def pixels(path: str, places: Sequence[str | int], /) -> list[npt.NDArray[np.generic]]:
    """Planes of a field.

    Parameters
    ----------
    path
        Its group.
    places
        Each by the names of axes (`"t0c1z2"`), or the number of its channel; an axis that is not named must be of length one.

    Returns
    -------
    list[npt.NDArray[np.generic]]
        (H, W) each, in their order.

    Raises
    ------
    IndexError
        Where there is no such plane, or there are several.

    """
    attributes = zarr_stores.attributes(path)
    array, names = zarr_stores.array(f"{path}/{_dataset(attributes)}"), axes(attributes)
    sizes = dict(zip(names, array.shape, strict=True))
    planes = []
    for place in places:
        at = {axis: int(number) for axis, number in re.findall(r"([a-z])(\d+)", f"c{place}" if isinstance(place, int) else place)}
        for axis, size in sizes.items():
            if axis not in "yx" and axis not in at and size > 1:
                raise IndexError(f"{size} planes along {axis}, of which none is named")
            if at.get(axis, 0) >= size:
                raise IndexError(f"no {axis}{at[axis]}: there are {size} along {axis}")
        one = np.asarray(array[tuple(slice(None) if axis in "yx" else at.get(axis, 0) for axis in names)])
        planes.append(one if names.index("y") < names.index("x") else one.T)
    return planes


READER = Reader("ome-zarr", "plate.zarr/A/1/0", fits, planes)
