"""CellProfiler's own tables: one wide table <-> `Image.csv` and a table for each kind of object, joined by `ImageNumber`.

ExportToSpreadsheet writes `<prefix>Image.csv` with one row an image: `Metadata_*`, `Count_*`, measurements of the whole image. For each
kind of object, whatever its name, it writes a table with one row an object: `ImageNumber`, `ObjectNumber`, measurements without the
object's name in front. Tables of several objects have two header rows. ExportToDatabase writes the same into SQLite (`Per_Image`,
`Per_Object`).
Going in, objects become the median of their image; going out, a profile is the one object of its image.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from impasto import border, delimited, gallery, schema, sqlite_files, tables
from impasto.feature_names import COMPARTMENTS
from impasto.schema import InputError

IMAGE, NUMBER, OBJECT, TABLE = "Image", "ImageNumber", "ObjectNumber", "TableNumber"
OBJECTS = tuple(c for c in COMPARTMENTS if c != IMAGE)
_METADATA, _COUNT = "Metadata_", "Count_"
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
        candidates = [Path(where) / name for name in sorted(names) if _IMAGE_FILE.match(name)]
        paths += [path for path in candidates if path.name.lower() == f"{IMAGE}.csv".lower() or NUMBER in tables.columns(path)]
    return paths


def read_folder(folder: Path, /) -> tuple[pd.DataFrame, list[str]]:
    """The images of every run of CellProfiler under a folder.

    Parameters
    ----------
    folder
        Holds `<prefix>Image.csv`, at any depth.

    Returns
    -------
    table : pandas.DataFrame
        One row an image: annotation, counts, medians over its objects.
    how : list[str]
        What was read and left out, in sentences.

    Raises
    ------
    InputError
        An image table has no `ImageNumber` or names an image twice.

    """
    parts, objects, unread, from_folders = [], set[str](), set[str](), set[str]()
    images = image_tables(folder)
    for image in images:
        named = {IMAGE: image_table(image)}
        for name, path in files_beside(image, images).items():
            own = _object_tables(path, name)
            named |= own
            objects |= set(own)
            if not own:
                unread.add(path.name)
        whole, words = _placed(join(named, where=str(image.parent)), gallery.of_analysis(str(image.parent)))
        parts.append(whole)
        from_folders |= set(words)
    how = [f"{len(images)} CellProfiler runs; objects {', '.join(sorted(objects)) or 'none'}; medians over the objects of an image"]
    if unread:
        how.append(f"left out: {', '.join(sorted(unread))} (no column {NUMBER})")
    if from_folders:
        how.append(f"{', '.join(sorted(from_folders))}: from the folders of the Cell Painting Gallery")
    return tables.stacked(parts), how


def _placed(whole: pd.DataFrame, words: Mapping[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """The table with what its folder says of its place, where no column says it; and those words."""
    bare = {re.sub(r"^(Image_)?Metadata_", "", str(column)).lower() for column in whole.columns}
    new = {word: value for word, value in words.items() if bare.isdisjoint(schema.ALIASES[word])}
    return whole.assign(**{f"{_METADATA}{word.capitalize()}": value for word, value in new.items()}), list(new)


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


def _object_tables(path: Path, name: str) -> dict[str, pd.DataFrame]:
    """The table of one kind of object, or those of several that stand under two header rows; none where it is no table of objects."""
    records = delimited.layout(path).records
    if NUMBER in records[0]:
        return {name: image_table(path)}
    if len(records) < 2 or NUMBER not in records[1]:
        return {}
    whole, _ = delimited.read(path, is_name=tables.is_name, header_rows=2)
    numbers = pd.to_numeric(whole[(IMAGE, NUMBER)]).rename(NUMBER)
    kinds = [kind for kind in dict.fromkeys(whole.columns.get_level_values(0)) if kind != IMAGE]
    return {kind: pd.concat([numbers, whole[kind]], axis=1) for kind in kinds}


def read_sqlite(path: Path, /) -> tuple[pd.DataFrame, list[str]]:
    """The images of ExportToDatabase's SQLite.

    Parameters
    ----------
    path
        Of the database.

    Returns
    -------
    table : pandas.DataFrame
        One row an image: annotation, counts, medians over its objects.
    how : list[str]
        What was read, in one sentence.

    Raises
    ------
    InputError
        No table holds images, or two images have one number.

    """
    with sqlite_files.reading(path) as base:
        named_columns = sqlite_files.tables(base)
        image = image_table_of(list(named_columns), where=str(path))
        first = pd.read_sql(f"select * from {sqlite_files.quoted(image)}", base)
        keys = [key for key in (TABLE, NUMBER) if key in first]
        if NUMBER not in keys or first.duplicated(keys).any():
            raise InputError(f"{path}: {image} does not tell images apart by {NUMBER}; give each run of CellProfiler its own file")
        parts, used = [first.set_index(keys).rename(columns=_sqlite_image_name)], []
        for name, columns in named_columns.items():
            if name == image or not set(keys) <= set(columns) or not any(_is_object_number(c) for c in columns):
                continue
            objects = pd.read_sql(f"select * from {sqlite_files.quoted(name)}", base)
            objects = objects.drop(columns=[c for c in columns if _is_object_number(c)])
            named = any(c.startswith(f"{name}_") for c in columns) or re.search(r"(?i)(^|_)per_", name)
            parts.append(objects.groupby(keys).median(numeric_only=True).add_prefix("" if named else f"{name}_"))
            used.append(name)
    whole = pd.concat([parts[0], *(part.reindex(parts[0].index) for part in parts[1:])], axis=1).reset_index(drop=True)
    return whole, [f"SQLite: {image}, {', '.join(used) or 'no objects'}; medians over the objects of an image"]


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


def _sqlite_image_name(column: str) -> str:
    bare = column.removeprefix(f"{IMAGE}_")
    return _METADATA + bare if bare.startswith(_COUNT) else column


def _is_object_number(column: str) -> bool:
    return column.endswith((OBJECT, "Number_Object_Number"))


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
    counted = f"{_METADATA}{_COUNT}"
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


def join(tables_by_name: Mapping[str, pd.DataFrame], /, *, where: str) -> pd.DataFrame:
    """One wide table, one row an image: `Metadata_*` (with what CellProfiler wrote down), counts, features with their object's name.

    Parameters
    ----------
    tables_by_name
        `Image`, and any objects by their names.
    where
        The folder, for error sentences.

    Returns
    -------
    pandas.DataFrame
        A row for each row of `Image`.

    Raises
    ------
    InputError
        Where a table has no `ImageNumber`, or an image is there twice.

    """
    for name, table in tables_by_name.items():
        if NUMBER not in table:
            raise InputError(f"{where}: {name}.csv has no column {NUMBER}; write it with ExportToSpreadsheet, one file for each object")
    image = tables_by_name[IMAGE].set_index(NUMBER)
    if not image.index.is_unique:
        twice = image.index[image.index.duplicated()][0]
        raise InputError(f"{where}: {IMAGE}.csv holds {NUMBER} {twice} twice; give each run of CellProfiler its own folder")
    parts = [image.rename(columns=_image_name)]
    for name, table in tables_by_name.items():
        if name != IMAGE:
            measured = table.drop(columns=[c for c in table if c == OBJECT or str(c).startswith(_METADATA)])
            parts.append(measured.groupby(NUMBER).median(numeric_only=True).add_prefix(f"{name}_"))
    return pd.concat([parts[0], *(part.reindex(parts[0].index) for part in parts[1:])], axis=1).reset_index(drop=True)


def _image_name(column: str) -> str:
    if column.startswith(_COUNT) or _WRITTEN_DOWN.match(column):
        return _METADATA + column
    return f"{IMAGE}_{column}" if _MEASURED.match(column) else column


def _without_image(column: str) -> str:
    bare = column.removeprefix(f"{IMAGE}_")
    return bare if _image_name(bare) == column else column
