"""The table of planes: one row a channel of a site, where its pixels are. What every reader of a folder gives.

Columns: path, page, channel, source, batch, plate, well, site, and illumination where a table names any. Checked here once for all
readers: channels known by name, wells that are wells, no two files for one site and channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from impasto import schema
from impasto.schema import InputError

KEYS = (schema.SOURCE, schema.BATCH, schema.PLATE, schema.WELL, schema.SITE)


@dataclass(frozen=True)
class Plane:
    """One channel of one site: a page of a file."""

    path: str
    channel: str
    plate: str
    well: str
    site: str
    page: int = 0
    batch: str = ""
    source: str = ""
    illumination: str = ""
    """The function its light is divided by, where a table names one."""


def table(planes: Iterable[Plane], *, channels: Mapping[str, str], where: Path) -> pd.DataFrame:
    """The checked table, sorted. `channels` maps a folder's spellings to stains (`{"ch1": "DNA"}`).

    Raises InputError on an unknown channel, two files for one site and channel, or no image at all.
    """
    frame = pd.DataFrame([asdict(p) for p in planes], columns=list(Plane.__dataclass_fields__))
    if frame.empty:
        raise InputError(f"{where}: no image was found; expected TIFF, PNG or NPZ files named as a known microscope does, or a sheet")
    frame[schema.CHANNEL] = [_stain(c, channels, where) for c in frame[schema.CHANNEL]]
    frame[schema.WELL] = [schema.normal_well(w) for w in frame[schema.WELL]]
    frame = frame.sort_values([*KEYS, schema.CHANNEL, "path", "page"], kind="stable", ignore_index=True)
    _refuse_doubled(frame, where)
    return frame if frame["illumination"].any() else frame.drop(columns="illumination")


def _refuse_doubled(frame: pd.DataFrame, where: Path) -> None:
    keys = [*KEYS, schema.CHANNEL]
    doubled = frame[frame.duplicated(keys, keep=False)]
    if doubled.empty:
        return
    first = doubled.iloc[0]
    same = doubled[(doubled[keys] == first[keys]).all(axis=1)]
    files = " and ".join(f"{path} (page {page})" for path, page in zip(same["path"][:2], same["page"][:2], strict=True))
    place = f"plate {first[schema.PLATE]}, well {first[schema.WELL]}, site {first[schema.SITE]}, channel {first[schema.CHANNEL]}"
    raise InputError(
        f"{where}: two images for {place}: {files}; {len(doubled)} planes are doubled in all; "
        "remove one of each, or ingest the folders as separate plates"
    )


def _stain(spelling: str, channels: Mapping[str, str], where: Path) -> str:
    told = channels.get(spelling, spelling)
    found = schema.channel_name(told)
    if found is None:
        known = ", ".join(schema.CHANNELS)
        raise InputError(
            f"{where}: channel {spelling!r} is not the name of a stain; say which it is with --channels {spelling}=NAME (one of {known})"
        )
    return found
