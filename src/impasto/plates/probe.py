"""A look at a few images of every plate: their type, size and offset, before anyone waits for all of them."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass

import numpy as np
import pandas as pd

from impasto import remote, schema
from impasto.plates import containers, read
from impasto.plates.planes import AT, BASE, NAME, OFFSET, PAGE, paths, places
from impasto.plates.problems import Problem

_LOOKED_AT = 8
SCANR_OFFSET, _SCANR_RANGE = 32768, 4096
"""ScanR writes a camera of 12 bits as 32768 and more."""


@dataclass(frozen=True)
class Look:
    """What a few planes of a plate are.

    Attributes
    ----------
    types
        Of pixels (`uint16`), each once.
    sizes
        Rows and columns (`1080x1080`), each once.
    offset
        What every pixel of the plate lies above; 0 where there is no such number.

    """

    types: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    offset: int = 0


def look(planes: pd.DataFrame, where: str, /) -> tuple[pd.DataFrame, dict[str, Look], list[str], list[Problem]]:
    """Open a few local planes of every plate.

    Parameters
    ----------
    planes
        All planes.
    where
        The sources, for sentences.

    Returns
    -------
    planes : pandas.DataFrame
        With their `offset`, which is subtracted whenever they are read.
    looks : dict[str, Look]
        Plate (`source/batch/plate`, of those that are known) -> what it is. Planes that cannot be read are counted, and left to `check`.
    notes : list[str]
        Sentences.
    problems : list[Problem]
        At most one: a file with pages that would be passed over.

    """
    plates = places(planes, (schema.SOURCE, schema.BATCH, schema.PLATE))
    offset = planes[OFFSET].to_numpy(copy=True)
    looks: dict[str, Look] = {}
    notes: list[str] = []
    problems: list[Problem] = []
    order = np.argsort(plates, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(plates[order])) + 1) if len(order) else []:
        sample = planes.iloc[rows[np.linspace(0, len(rows) - 1, min(_LOOKED_AT, len(rows))).astype(int)]]
        plate = "/".join(filter(None, (sample.iloc[0][word] for word in (schema.SOURCE, schema.BATCH, schema.PLATE))))
        pixels, unread = _pixels(sample)
        look_of_plate = Look(
            tuple(sorted({str(p.dtype) for p in pixels})), tuple(sorted({"x".join(map(str, p.shape)) for p in pixels})), _offset(pixels)
        )
        looks[plate] = look_of_plate
        if look_of_plate.offset:
            offset[rows] = look_of_plate.offset
            notes.append(f"plate {plate}: all pixels lie above {look_of_plate.offset}: it is subtracted on reading (column offset)")
        if unread:
            tried = len(pixels) + len(unread)
            notes.append(
                f"plate {plate}: {len(unread)} of {tried} images that were looked at cannot be read (first: {unread[0]}); "
                "impasto check lists all"
            )
        problems += _unread_pages(planes.iloc[rows], sample, where)[: 1 - len(problems)]
    return planes.assign(**{OFFSET: offset}), looks, notes, problems


def _pixels(sample: pd.DataFrame) -> tuple[list[read.Plane], list[read.BadImage]]:
    """The local planes of a sample, and why others of them cannot be read; a missing file or library is said elsewhere."""
    pixels: list[read.Plane] = []
    unread: list[read.BadImage] = []
    for path, page, at in zip(paths(sample).to_pylist(), sample[PAGE], sample[AT], strict=True):
        if remote.url(path) is None:
            try:
                pixels.append(read.plane(path, at or int(page)))
            except read.BadImage as bad:
                kind = containers.kind_of(path)
                unread += [bad] if os.path.exists(path) and (kind is None or kind.installed) else []
    return pixels, unread


def _offset(pixels: list[read.Plane]) -> int:
    inside = [p.dtype == np.uint16 and p.min() >= SCANR_OFFSET and p.max() < SCANR_OFFSET + _SCANR_RANGE for p in pixels]
    return SCANR_OFFSET if inside and all(inside) else 0


def _unread_pages(plate: pd.DataFrame, sample: pd.DataFrame, where: str) -> list[Problem]:
    """A file that is one channel by its name and holds more pages: all but the first would be passed over."""
    listed = sample[(sample[BASE] != "").to_numpy() & (sample[PAGE] == 0).to_numpy() & (sample[AT] == "").to_numpy()]
    for path, name in zip(paths(listed).to_pylist(), listed[NAME], strict=True):
        pages = read.pages(path)
        if pages > 1 and int((plate[NAME] == name).sum()) == 1:
            named = read.stack_shape(path)[1] or []
            order = ",".join(named) if len(named) == pages and not any("," in name for name in named) else "DNA,ER,..."
            return [
                Problem(
                    f"{where}: {path} holds {pages} pages, and its name speaks of one; where each page is a channel, say the "
                    f"stains in their order: --channels {shlex.quote(order)}, or else list them in a sheet "
                    "(path,channel,plate,well,site,page)"
                )
            ]
    return []
