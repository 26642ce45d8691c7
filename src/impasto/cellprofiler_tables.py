"""CellProfiler's own tables: `Image.csv` and a table for each kind of object, joined by `ImageNumber`. Their names, and profiles as such.

ExportToSpreadsheet writes `<prefix>Image.csv` with one row an image: `Metadata_*`, `Count_*`, measurements of the whole image. For each
kind of object, whatever its name, it writes a table with one row an object: `ImageNumber`, `ObjectNumber`, measurements without the
object's name in front. Tables of several objects have two header rows. ExportToDatabase writes the same into SQLite (`Per_Image`,
`Per_Object`).
How these tables are read is in `object_tables`; going out, a profile is the one object of its image.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from impasto import border, delimited, tables
from impasto.feature_names import COMPARTMENTS
from impasto.schema import InputError

IMAGE, NUMBER, OBJECT, TABLE = "Image", "ImageNumber", "ObjectNumber", "TableNumber"
OBJECTS = tuple(c for c in COMPARTMENTS if c != IMAGE)
_METADATA, COUNT = "Metadata_", "Count_"
NUMBER_OF_OBJECT = "Number_Object_Number"
LOCATION = ("Location_Center_X", "Location_Center_Y")
_IMAGE_FILE = re.compile(r"^(?P<prefix>.*?)(?i:Image\.(csv|txt|tsv)(\.gz)?)$")
_TABLE_FILE = re.compile(r"^(?P<object>\w+)(?i:\.(csv|txt|tsv)(\.gz)?)$")
# What CellProfiler measures of a whole image, and what it only writes down about it.
_MEASURED = re.compile(
    r"^(AreaOccupied|Classify|Colocalization|Correlation|Granularity|ImageQuality|Intensity|Math|Mean|Median|StDev|Texture)_"
)
_WRITTEN_DOWN = re.compile(
    r"^(Align|Channel|Crop|ExecutionTime|FileName|Frame|Group|Height|ImageSet|MD5Digest|ModuleError|PathName|ProcessingStatus|Scaling|Series"
    r"|Threshold|URL|Width)(_|$)"
)


def is_name_of_images(name: str, /) -> bool:
    """Whether a file may be CellProfiler's table of images, by its name.

    Parameters
    ----------
    name
        Of the file.

    Returns
    -------
    bool
        True for `Image.csv`, with anything before it, as text of any ending and in any case, gzipped or not.

    """
    return _IMAGE_FILE.match(name) is not None


def image_tables(folder: Path, /) -> list[Path]:
    """All `<prefix>Image.csv` of CellProfiler under a folder, at any depth.

    Parameters
    ----------
    folder
        Where to look.

    Returns
    -------
    list[Path]
        Sorted within each folder.

    """
    paths: list[Path] = []
    for where, inside, names in os.walk(folder):
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        candidates = [Path(where) / name for name in sorted(names) if is_name_of_images(name)]
        paths += [path for path in candidates if path.name.lower() == f"{IMAGE}.csv".lower() or NUMBER in tables.columns(path)]
    return paths


def files_beside(image: Path, images: Sequence[Path], /) -> dict[str, Path]:
    """The tables of objects of a run: those beside its image table that begin like it.

    Parameters
    ----------
    image
        The image table of the run.
    images
        All image tables that there are; a longer beginning is another run's.

    Returns
    -------
    dict[str, Path]
        The name of the objects (`Cells`) -> their table.

    """
    start = _prefix(image)
    longer = tuple(_prefix(path) for path in images if path.parent == image.parent and len(_prefix(path)) > len(start))
    beside: dict[str, Path] = {}
    for path in sorted(image.parent.iterdir()):
        match = _TABLE_FILE.match(path.name.removeprefix(start)) if path.name.startswith(start) else None
        if match is None or path == image or path.name.startswith(longer) or match["object"].lower() == "experiment":
            continue
        beside[match["object"]] = path
    return beside


def _prefix(image: Path) -> str:
    match = _IMAGE_FILE.match(image.name)
    return match["prefix"] if match else ""


def image_table(path: Path, /) -> pd.DataFrame:
    """A table of ExportToSpreadsheet with one header row.

    Parameters
    ----------
    path
        Of the text.

    Returns
    -------
    pandas.DataFrame
        All of its rows and columns.

    Raises
    ------
    InputError
        It cannot be read as a table.

    """
    with border.reading(path, "table of CellProfiler"):
        return delimited.read(path, is_name=tables.is_name)[0]


def image_table_of(names: Sequence[str], /, *, where: str) -> str:
    """The table of images of an SQLite file (`Image`, `Per_Image`, `MyExpt_Per_Image`).

    Parameters
    ----------
    names
        Of all its tables.
    where
        The name of the file, for the error sentence.

    Returns
    -------
    str
        The first that fits.

    Raises
    ------
    InputError
        None fits.

    """
    image = next((name for name in names if re.search(r"(?i)(^|_)(per_image|image)$", name)), None)
    if image is None:
        raise InputError(f"{where} holds no table of images (Per_Image or Image); it has {', '.join(names) or 'no table'}")
    return image


def split(table: pd.DataFrame, /) -> dict[str, pd.DataFrame]:
    """Profiles as the tables of CellProfiler.

    Parameters
    ----------
    table
        n rows: `Metadata_*` and features.

    Returns
    -------
    dict[str, pandas.DataFrame]
        Name -> table of n rows, `Image` first. A feature of no compartment is the image's.

    """
    numbers = pd.Series(range(1, len(table) + 1), index=table.index, name=NUMBER)
    counted = f"{_METADATA}{COUNT}"
    inside = {c: next((o for o in OBJECTS if c.startswith(f"{o}_")), IMAGE) for c in map(str, table.columns)}
    image = table[[c for c, place in inside.items() if place == IMAGE]]
    image = image.rename(columns=lambda c: c.removeprefix(_METADATA) if c.startswith(counted) else _without_image(c))
    tables = {IMAGE: pd.concat([numbers, image], axis=1)}
    for compartment in OBJECTS:
        of_compartment = table[[c for c, place in inside.items() if place == compartment]]
        if len(of_compartment.columns):
            measured = of_compartment.rename(columns=lambda c, stem=f"{compartment}_": c.removeprefix(stem))
            tables[compartment] = pd.concat([numbers, pd.Series(1, index=table.index, name=OBJECT), measured], axis=1)
    return tables


def image_column(name: str, /) -> str:
    """The name of an image's column in a table of all kinds.

    Parameters
    ----------
    name
        As the image table has it: `Count_Cells`, `Width_DNA`, `Intensity_MeanIntensity_DNA`, with or without `Image_`.

    Returns
    -------
    str
        With `Metadata_` before what is counted or written down, with `Image_` before what is measured.

    """
    bare = name.removeprefix(f"{IMAGE}_")
    if bare.startswith(COUNT) or (bare == name and _WRITTEN_DOWN.match(bare)):
        return _METADATA + bare
    return f"{IMAGE}_{bare}" if _MEASURED.match(bare) else name


def is_measured(name: str, /) -> bool:
    """Whether a column of an object is more than its number or a word of its image.

    Parameters
    ----------
    name
        Without the kind in front.

    Returns
    -------
    bool
        False for `ObjectNumber`, `Number_Object_Number` and `Metadata_*`.

    """
    return not name.endswith((OBJECT, NUMBER_OF_OBJECT)) and not name.startswith(_METADATA)


def _without_image(column: str) -> str:
    bare = column.removeprefix(f"{IMAGE}_")
    return bare if image_column(bare) == column else column
