"""Yokogawa's list of what a CellVoyager measured (`MeasurementData.mlf`): records of errors, projections, wells of numbered names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd

from impasto import border, schema
from impasto.plates import files
from impasto.plates.columns import coded, text

_NAME = "MeasurementData.mlf"


def apply(frame: pd.DataFrame, notes: list[str], /) -> pd.DataFrame:
    """The planes without those whose record is an error; projections without a depth; wells as the records say.

    Parameters
    ----------
    frame
        Planes with `folder`, `name`, `well`, `wellnumber` and `depth`.
    notes
        Sentences to show are added here.

    Returns
    -------
    pandas.DataFrame
        The planes that stay.

    Raises
    ------
    InputError
        A list is not XML.

    """
    stays = np.ones(len(frame), dtype=bool)
    depth, well = text(frame["depth"]).to_numpy(copy=True), text(frame["well"]).to_numpy(copy=True)
    numbered = (text(frame["wellnumber"]) != "").to_numpy()
    names = frame["name"].to_numpy(dtype=object)
    errors = projections = 0
    for folder in frame["folder"].array.categories:
        path = files.folder(folder) / _NAME
        if not path.is_file():
            continue
        records = read(path)
        errors += sum(record.get("Type") == "ERR" for record in records.values())
        for row in np.flatnonzero((frame["folder"] == folder).to_numpy()):
            record = records.get(names[row], {})
            stays[row] = record.get("Type") != "ERR"
            if record.get("ZImageProcessing"):
                depth[row] = ""
                projections += 1
            if numbered[row] and record.get("Row") and record.get("Column"):
                well[row] = schema.format_well(int(record["Row"]) - 1, int(record["Column"]) - 1)
    if errors:
        notes.append(f"{errors} records of {_NAME} are errors; their images are left out")
    if projections:
        notes.append(f"{projections} images are projections, by {_NAME}")
    return frame.assign(depth=coded(depth), well=coded(well))[stays].reset_index(drop=True)


def read(path: Path, /) -> Mapping[str, Mapping[str, str]]:
    """Read a list of what was measured.

    Parameters
    ----------
    path
        Of the list.

    Returns
    -------
    Mapping[str, Mapping[str, str]]
        Name of an image -> its record (`Type`, `Row`, `Column`, `ZImageProcessing` and others). A record without a name has a number.

    Raises
    ------
    InputError
        The list is not XML.

    """
    records: dict[str, dict[str, str]] = {}
    with border.reading(path, "list of measurements in XML", remedy="move it away to go by the names alone"):
        for _, element in ET.iterparse(path):
            if element.tag.rpartition("}")[2] == "MeasurementRecord":
                key = (element.text or "").strip()
                values = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
                records[key or f"\0{len(records)}"] = values
            element.clear()
    return records
