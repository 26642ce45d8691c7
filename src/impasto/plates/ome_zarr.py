"""OME-Zarr plates (HCS), 0.4 and 0.5: `plate/<row>/<column>/<field>/`, the full-resolution dataset that `multiscales` names.

Channel names are `omero.channels[].label`. A plane is stored as the field's folder and the number of its channel.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from impasto.plates.listing import Listing
from impasto.plates.reader import Asked, Found, Reader
from impasto.schema import InputError


def is_plate(folder: Path, /) -> bool:
    """Whether a folder is an OME-Zarr plate."""
    return "plate" in attributes(folder)


def fits(files: Listing, /) -> int:
    """How many wells the plates of a listing list."""
    return sum(len(attributes(Path(store)).get("plate", {}).get("wells", [])) for store in files.stores if Path(store).is_dir())


def planes(files: Listing, asked: Asked, /) -> Found:  # noqa: ARG001 - the form of all readers
    """The planes of all plates of a listing."""
    plates = [store for store in files.stores if Path(store).is_dir() and is_plate(Path(store))]
    rows = [row for plate in plates for row in _planes(Path(plate))]
    return Found(pd.DataFrame(rows), stores=frozenset(plates))


def attributes(folder: Path) -> dict[str, Any]:
    """The OME attributes of a Zarr group: `zarr.json` with `ome` (0.5), or `.zattrs` (0.4); empty where it is none."""
    new, old = folder / "zarr.json", folder / ".zattrs"
    if new.exists():
        found = json.loads(new.read_text()).get("attributes", {})
        return dict(found.get("ome", found))
    return dict(json.loads(old.read_text())) if old.exists() else {}


def _planes(folder: Path) -> Iterator[dict[str, object]]:
    """The planes of a plate. Raises InputError where a field names no channels."""
    for well in sorted(attributes(folder)["plate"]["wells"], key=lambda w: str(w["path"])):
        row, column = str(well["path"]).split("/")
        for image in attributes(folder / well["path"])["well"]["images"]:
            field = folder / well["path"] / str(image["path"])
            labels = [c.get("label", "") for c in attributes(field).get("omero", {}).get("channels", [])]
            if not all(labels) or not labels:
                raise InputError(f"{field} names no channels (omero.channels[].label); add the labels to its metadata")
            for number, label in enumerate(labels):
                yield {
                    "path": str(field),
                    "base": str(folder),
                    "plate": folder.absolute().name.removesuffix(".zarr"),
                    "well": f"{row}{int(column):02d}",
                    "site": str(image["path"]),
                    "channel": label,
                    "page": number,
                }


def dataset(field: Path) -> Path:
    """The array of full resolution of a field: what `multiscales[0].datasets[0].path` says, never a guessed `0`."""
    return field / str(attributes(field)["multiscales"][0]["datasets"][0]["path"])


READER = Reader("OME-Zarr", "plate.zarr", fits, planes)
