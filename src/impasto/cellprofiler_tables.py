"""CellProfiler's spreadsheets: one wide table <-> `Image.csv` and a CSV for each compartment, joined by `ImageNumber`.

ExportToSpreadsheet writes `Image.csv` with one row an image (`Metadata_*`, `Count_*`, measurements of the whole image) and for each kind
of object a table with one row an object (`ImageNumber`, `ObjectNumber`, measurements without the compartment's name in front).
Going in, objects become the median of their image; going out, a profile is the one object of its image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from impasto.feature_names import COMPARTMENTS
from impasto.schema import InputError

IMAGE, NUMBER, OBJECT = "Image", "ImageNumber", "ObjectNumber"
OBJECTS = tuple(c for c in COMPARTMENTS if c != IMAGE)
_METADATA, _COUNT = "Metadata_", "Count_"
# What CellProfiler measures of a whole image, and what it only writes down about it.
_MEASURED = re.compile(r"^(AreaOccupied|Colocalization|Correlation|Granularity|ImageQuality|Intensity|Texture)_")
_WRITTEN_DOWN = re.compile(
    r"^(Channel|ExecutionTime|FileName|Frame|Group|Height|MD5Digest|ModuleError|PathName|ProcessingStatus|Scaling|Series|Threshold|URL|Width)(_|$)"
)


def split(table: pd.DataFrame, /) -> dict[str, pd.DataFrame]:
    """`Metadata_*` and features, a row a profile -> the tables by name, `Image` first. A feature of no compartment is the image's."""
    numbers = pd.Series(range(1, len(table) + 1), index=table.index, name=NUMBER)
    counted = f"{_METADATA}{_COUNT}"
    inside = {c: next((o for o in OBJECTS if c.startswith(f"{o}_")), IMAGE) for c in map(str, table.columns)}
    image = table[[c for c, place in inside.items() if place == IMAGE]]
    image = image.rename(columns=lambda c: c.removeprefix(_METADATA) if c.startswith(counted) else _without_image(c))
    tables = {IMAGE: pd.concat([numbers, image], axis=1)}
    for compartment in OBJECTS:
        mine = table[[c for c, place in inside.items() if place == compartment]]
        if len(mine.columns):
            measured = mine.rename(columns=lambda c, stem=f"{compartment}_": c.removeprefix(stem))
            tables[compartment] = pd.concat([numbers, pd.Series(1, index=table.index, name=OBJECT), measured], axis=1)
    return tables


def join(tables: Mapping[str, pd.DataFrame], /, *, where: str) -> pd.DataFrame:
    """The tables by name -> one row an image: `Metadata_*` (with what CellProfiler wrote down), counts, features with their compartment.

    Raises InputError where a table has no `ImageNumber`, or an image is there twice.
    """
    for name, table in tables.items():
        if NUMBER not in table:
            raise InputError(f"{where}: {name}.csv has no column {NUMBER}; write it with ExportToSpreadsheet, one file for each object")
    image = tables[IMAGE].set_index(NUMBER)
    if not image.index.is_unique:
        twice = image.index[image.index.duplicated()][0]
        raise InputError(f"{where}: {IMAGE}.csv holds {NUMBER} {twice} twice; give each run of CellProfiler its own folder")
    parts = [image.rename(columns=_image_name)]
    for name in OBJECTS:
        if name in tables:
            measured = tables[name].drop(columns=[c for c in tables[name] if c == OBJECT or str(c).startswith(_METADATA)])
            parts.append(measured.groupby(NUMBER).median(numeric_only=True).add_prefix(f"{name}_"))
    return pd.concat([parts[0], *(part.reindex(parts[0].index) for part in parts[1:])], axis=1).reset_index(drop=True)


def _image_name(column: str) -> str:
    if column.startswith(_COUNT) or _WRITTEN_DOWN.match(column):
        return _METADATA + column
    return f"{IMAGE}_{column}" if _MEASURED.match(column) else column


def _without_image(column: str) -> str:
    bare = column.removeprefix(f"{IMAGE}_")
    return bare if _image_name(bare) == column else column
