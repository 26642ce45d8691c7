"""The images of the wells of an index: one row a plane, and one window a plate and channel from its negative controls.

The paths of files are kept once, relative to their common folder, and a page of the explorer asks for a plane by its row number.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from impasto import remote, schema, wells
from impasto.atlas import folder, windows
from impasto.plates import pixel_size, planes
from impasto.plates.planes import AT, OFFSET, PAGE, PATH
from impasto.plates.read import BadImage
from impasto.plates.sites import plane_of
from impasto.schema import InputError

_AGREEMENT = 1.01
"""Sides of pixels that differ by less than 1 % are one."""
KEYS = (schema.PLATE, schema.WELL, schema.SITE, schema.CHANNEL)


@dataclass(frozen=True)
class Pictures:
    """What was written.

    Attributes
    ----------
    channels
        The stains, those of the usual panel first.
    root
        The folder that paths are relative to; `""` where they are whole.
    shapes
        Plate -> height and width of its fields, from one of them.
    pixel_um
        The side of a pixel in micrometres, where the images of all plates say the same; None otherwise.
    warnings
        What a reader should know.

    """

    channels: list[str]
    root: str
    shapes: dict[str, tuple[int, int]]
    pixel_um: float | None = None
    warnings: list[str] = field(default_factory=list)


def write(where: Path, images: Path, of_wells: pd.DataFrame, /) -> Pictures:
    """Write `images.parquet` and `windows.parquet` into the folder of an index that is being made.

    Parameters
    ----------
    where
        The folder.
    images
        What `impasto ingest` wrote of the images.
    of_wells
        The wells of the index.

    Returns
    -------
    Pictures
        What there is to see.

    Raises
    ------
    InputError
        The folder holds no ingested images, or none of its plates is in the index.

    """
    source = images / "images.parquet"
    if not source.exists():
        raise InputError(f"{images} holds no ingested images (no images.parquet); run: impasto ingest PLATES --out {images}")
    if schema.PLATE not in of_wells or schema.WELL not in of_wells:
        raise InputError("images are shown by plate and well, and the indexed profiles lack these columns")
    listed = planes.read(source)
    table = pd.DataFrame({word: listed[word].astype(str).to_numpy() for word in (*planes.KEYS, schema.CHANNEL)})
    table[PATH] = np.asarray(planes.paths(listed).to_pylist(), dtype=object)
    for word in (PAGE, AT, OFFSET):
        if word in listed:
            table[word] = listed[word].to_numpy() if word != AT else listed[word].astype(str).to_numpy()
    table[schema.PLATE] = _plates(table, of_wells)
    warnings = []
    elsewhere = int((table[schema.PLATE] == "").sum())
    if elsewhere == len(table):
        raise InputError(
            f"none of the plates of {images} is in the index, which has "
            f"{schema.listed(of_wells[schema.PLATE].dropna().unique()[:5])}; index the profiles of these images"
        )
    if elsewhere:
        warnings.append(f"{elsewhere} of {len(table)} images belong to plates that are not in this index, and are left out.")
    table = table[table[schema.PLATE] != ""].drop(columns=[schema.SOURCE, schema.BATCH])
    table = table.sort_values(list(KEYS), kind="stable").reset_index(drop=True)
    root, table[PATH] = _relative(table[PATH].tolist())
    table.to_parquet(where / folder.IMAGES, index=False)
    controls = of_wells.loc[wells.negative(of_wells), [schema.PLATE, schema.WELL]].drop_duplicates()
    shown, said = windows.of_planes(table, root, controls)
    shown.to_parquet(where / folder.WINDOWS, index=False)
    return Pictures(_in_order(table[schema.CHANNEL].unique()), root, _shapes(table, root), _pixel_um(table, root), warnings + said)


def _plates(table: pd.DataFrame, of_wells: pd.DataFrame) -> list[str]:
    """The index's word for the plate of every plane; `""` where it has no such plate, or several."""
    plates = of_wells.drop_duplicates(schema.PLATE)
    words: dict[tuple[str, str, str], str] = {}
    keys = (schema.SOURCE, schema.BATCH, schema.PLATE)
    known = [tuple(_text(row.get(word)) for word in keys) for row in plates.to_dict(orient="records")]
    for source, batch, plate in set(zip(*(table[word] for word in keys), strict=True)):
        names = [name for s, b, name in known if _agree(s, source) and _agree(b, batch)]
        same = {name for name in names if name == plate} or {name for name in names if name.endswith(f"/{plate}")}
        words[(source, batch, plate)] = same.pop() if len(same) == 1 else ""
    return [words[key] for key in zip(*(table[word] for word in keys), strict=True)]


def _agree(first: str, second: str) -> bool:
    return not first or not second or first == second


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _relative(paths: list[str]) -> tuple[str, list[str]]:
    """The common folder of the files, and their paths in it; addresses stay whole."""
    if any(remote.url(path) for path in paths):
        return "", paths
    whole = [os.path.abspath(path) for path in paths]
    root = os.path.commonpath({os.path.dirname(path) for path in whole})
    return root, [os.path.relpath(path, root) for path in whole]


def _in_order(channels: object) -> list[str]:
    """Stains in the order of the usual panel, others behind them by name."""
    order = {name: number for number, name in enumerate(schema.CHANNELS)}
    return sorted(map(str, channels), key=lambda name: (order.get(name, len(order)), name))  # type: ignore[call-overload]


def _pixel_um(table: pd.DataFrame, root: str) -> float | None:
    """What the first image of every plate says of the side of a pixel, where they agree."""
    firsts = table.drop_duplicates(schema.PLATE)[PATH]
    sizes = [pixel_size.of_image(Path(root) / path if root else path) for path in firsts]
    known = [size for size in sizes if size is not None]
    return known[0] if len(known) == len(sizes) and max(known) <= _AGREEMENT * min(known) else None


def _shapes(table: pd.DataFrame, root: str) -> dict[str, tuple[int, int]]:
    """Height and width of the first readable field of every plate."""
    shapes: dict[str, tuple[int, int]] = {}
    for plate, rows in table.groupby(schema.PLATE, sort=True):
        for row in rows.head(20).to_dict(orient="records"):
            try:
                shapes[str(plate)] = plane_of(row, root=root).shape
                break
            except BadImage:
                continue
    return shapes
