"""`impasto cells TABLES --out DIR`: the folder of cells, from tables of any layout.

`DIR` holds `SOURCE/BATCH/PLATE.parquet`, `sites.parquet` (files of images, their size, the side of a pixel), `wells.parquet` (what was
done to which well, with the cells of each), `cells.json` and `run.json`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from impasto import progress, records, runs, schema, texts
from impasto.cells import outlines, pixel_sizes, places
from impasto.cells.columns import COUNT_ALL, WORDS, is_feature
from impasto.cells.gather import WORK, Gathering, Written
from impasto.cells.join import PARENT, parents_of, relate
from impasto.cells.places import ROW, RUN
from impasto.cells.store import CELLS, FORMAT, SITES, WELLS
from impasto.object_tables.run import FILES, SIZES, Run
from impasto.plates.annotate import Annotated, Wishes, annotate, inferred, read_maps
from impasto.schema import InputError
from impasto.version import __version__


def is_of_images(path: Path, /) -> bool:
    """Whether a path is a folder of ingested images.

    Parameters
    ----------
    path
        A file or folder.

    Returns
    -------
    bool
        By its `images.parquet`.

    """
    return (path / "images.parquet").is_file()


def survey(opened: Sequence[Run], /, *, columns: Mapping[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """The images of runs in order, and what was inferred.

    Parameters
    ----------
    opened
        The runs.
    columns
        Word -> column, where the user says it.

    Returns
    -------
    images : pandas.DataFrame
        See `places.of_runs`.
    notes : list[str]
        Sentences.

    Raises
    ------
    InputError
        Images have no place.

    """
    images, notes = places.of_runs(opened, columns)
    plates = images[list(WORDS[:3])].drop_duplicates()
    wells = images[list(WORDS[:4])].drop_duplicates()
    runs_read = "1 run" if len(opened) == 1 else f"{len(opened)} runs"
    return images, [f"{runs_read}, {len(images)} images of {len(wells)} wells; plates: {len(plates)}", *notes]


def joins(opened: Sequence[Run], /, *, unit: str) -> list[str]:
    """How the objects of runs are tied to the unit, by the names of their columns alone.

    Parameters
    ----------
    opened
        The runs.
    unit
        The kind of object that has one row a cell.

    Returns
    -------
    list[str]
        One a kind of object.

    Raises
    ------
    InputError
        There is no such unit, or nothing is tied to it although there are other objects.

    """
    objects = {kind: columns for run in reversed(opened) for kind, columns in run.objects.items()}
    features = {kind: sum(is_feature(run.feature(kind, c)) for c in run.objects[kind]) for run in opened for kind in run.objects}
    links = {link.name: link for link in relate(parents_of(objects), unit=unit, where=opened[0].where)}
    lines = [f"{unit}: one row a cell, {features[unit]} features"]
    for kind in objects:
        if kind in links:
            link = links[kind]
            child, parent = (link.through, kind) if link.is_parent else (kind, link.through)
            lines.append(f"{kind}: {features[kind]} features, by {PARENT}{parent} of {child}")
        elif kind != unit:
            lines.append(f"{kind}: not related to {unit}; would be left out")
    return lines


def build(
    opened: Sequence[Run],
    images: pd.DataFrame,
    folder: Path,
    /,
    *,
    unit: str,
    platemaps: Sequence[Path] = (),
    negcon: Sequence[str] = (),
    columns: Mapping[str, str],
    token: str,
    images_from: Path | None = None,
) -> list[Written]:
    """Write the folder of cells.

    Parameters
    ----------
    opened, images
        As `survey` gives them.
    folder
        The result.
    unit
        The kind of object that has one row a cell.
    platemaps
        Tables that say what was done to which well.
    negcon
        Names of perturbations that are negative controls.
    columns
        Word -> column, where the user says it.
    token
        What is read and how, as one word.
    images_from
        The ingested images that cells were segmented from.

    Returns
    -------
    list[Written]
        One a plate.

    Raises
    ------
    InputError
        Tables cannot be joined, a platemap does not fit, or there is not one cell.

    """
    maps = read_maps(platemaps, columns=dict(columns), sheet=None, encoding=None)
    said = annotated(images, maps=maps, negcon=negcon, where=opened[0].where)
    images = pixel_sizes.with_sizes(images)
    for sentence in (*pixel_sizes.said(images), *said.notes, *inferred(said.obs), *(problem.sentence for problem in said.problems)):
        progress.say(f"  {sentence}")
    before = _listed(folder)
    written: list[Written] = []
    for part in _sharing_runs(images):
        gathering = Gathering(opened, part, unit=unit, folder=folder)
        written += gathering.write(token)
        for sentence in gathering.notes():
            progress.say(f"  {sentence}")
    if not any(plate.cells for plate in written):
        raise InputError(f"{opened[0].where}: not one of {len(images)} images has {unit} to write; the lines above say what was left out")
    counts = pd.DataFrame(
        [(*plate.place, well, count) for plate in written for well, count in plate.counts.items()], columns=[*WORDS[:4], COUNT_ALL]
    )
    wells = said.obs.merge(counts, on=list(WORDS[:4]), how="left", validate="one_to_one")
    _to_parquet(wells, folder / WELLS)
    extra = [c for c in images if FILES.match(str(c)) or SIZES.match(str(c)) or c == outlines.COLUMN]
    _to_parquet(images[[*WORDS, *extra]], folder / SITES)
    runs.write_json(folder / CELLS, _described(written, unit, images_from))
    for left in folder.glob(f"{WORK}*"):  # of killed runs of other inputs
        runs.remove(left)
    for file in before - {plate.file for plate in written}:
        runs.remove(folder / file)
    progress.say(f"  {sum(plate.cells for plate in written)} {unit} of {len(counts)} wells, {_widths(written)} features")
    return written


def token_of(paths: Sequence[Path], said: Mapping[str, Any], /) -> str:
    """What is read and how, as one word: names, sizes and times of all files, and the settings.

    Parameters
    ----------
    paths
        Files and folders that are read.
    said
        The settings, plain values.

    Returns
    -------
    str
        Another where a file or a setting differs.

    """
    total = hashlib.sha256(repr(sorted(said.items())).encode())
    for path in paths:
        for file in [path] if path.is_file() else records.walk(path):
            status = file.stat()
            total.update(f"{file}\0{status.st_size}\0{status.st_mtime_ns}".encode())
    return total.hexdigest()


def annotated(
    images: pd.DataFrame,
    /,
    *,
    maps: Sequence[tuple[Path, pd.DataFrame]] = (),
    negcon: Sequence[str] = (),
    where: str,
) -> Annotated:
    """What the images and the platemaps say of each well.

    Parameters
    ----------
    images
        As `survey` gives them.
    maps
        Platemaps, as `plates.annotate.read_maps` gives them.
    negcon
        Names of perturbations that are negative controls.
    where
        What the wells are called in sentences.

    Returns
    -------
    Annotated
        One row a well.

    Raises
    ------
    InputError
        A platemap does not fit.

    """
    files = [c for c in images if FILES.match(str(c)) or SIZES.match(str(c))]
    obs = images.drop(columns=[RUN, ROW, schema.SITE, *files])
    grouped = obs.groupby(list(WORDS[:4]), sort=False, dropna=False)
    # A column that differs within a well speaks of images (a time, a file), not of the well.
    same = [c for c in obs.columns if c in WORDS or grouped[c].nunique(dropna=False).max() <= 1]
    wells = obs[same].drop_duplicates(list(WORDS[:4])).reset_index(drop=True)
    wells = wells.drop(columns=[c for c in same if c not in WORDS and wells[c].isna().all()])
    return annotate(wells, maps, wishes=Wishes(negcon=tuple(negcon)), where=where)


def _sharing_runs(images: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The images in parts: plates that share a run are in one part."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    plate = images.groupby(list(WORDS[:3]), sort=False).ngroup().to_numpy()
    run = images[RUN].to_numpy() + plate.max() + 1
    size = int(run.max()) + 1
    part = connected_components(coo_array((np.ones(len(plate)), (plate, run)), shape=(size, size)), directed=False)[1][plate]
    for number in dict.fromkeys(part.tolist()):
        yield images[part == number]


def _listed(folder: Path) -> set[str]:
    """The files of plates of an earlier run in this folder."""
    import json

    try:
        return {str(plate["file"]) for plate in json.loads(texts.read(folder / CELLS))["plates"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _described(written: Sequence[Written], unit: str, images_from: Path | None) -> dict[str, Any]:
    features = list(written[0].features)
    for plate in written[1:]:
        own = set(plate.features)
        features = [name for name in features if name in own]
    dropped = sorted({name for plate in written for name in plate.features} - set(features))
    if dropped:
        progress.say(f"  {len(dropped)} features are not on all plates (first: {dropped[0]}); they stay in the files, and are not read")
    plates = [{**dict(zip(WORDS[:3], plate.place, strict=True)), "file": plate.file, "cells": plate.cells} for plate in written]
    where = {} if images_from is None else {"images": str(images_from.resolve())}
    return {"format": FORMAT, "version": __version__, "unit": unit, "features": features, "plates": plates, **where}


def _widths(written: Sequence[Written]) -> str:
    widths = sorted({len(plate.features) for plate in written})
    return str(widths[0]) if len(widths) == 1 else f"{widths[0]} to {widths[-1]}"


def _to_parquet(table: pd.DataFrame, path: Path) -> None:
    with runs.atomic(path) as temporary:
        table.to_parquet(temporary, index=False)
