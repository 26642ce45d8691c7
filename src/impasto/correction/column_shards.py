"""The shards of a step that learns a few features of all rows at a time: rows scattered into columns, and what is learned of them."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd

from impasto import mapped, schema, texts, wells
from impasto.correction import few_features, kept
from impasto.correction.per_group import PerGroup
from impasto.correction.plate_shards import Reading, annotation_of, loaded, rows_of
from impasto.scale import columns
from impasto.scale.task import Facts, Task
from impasto.schema import InputError

_NAMES = "features.json"
_SCATTERED = "columns-"


def scatter(arguments: Mapping[str, Any], task: Task, /) -> Facts:
    """The rows of a chunk of plates that teach what is their group's own, as columns.

    Parameters
    ----------
    arguments
        `step`: its number; `of`: the numbers of all plates of the group; `plates` and `numbers` of the chunk; `shared`: what is fitted so
        far.
    task
        Where to write the columns.

    Returns
    -------
    Facts
        The plates that were left out.

    """
    shared = loaded(task.folder / arguments["shared"])
    assert isinstance(shared, PerGroup)
    teaches = _teaching(shared, arguments)
    reading = Reading(arguments, task, before=arguments["step"], rows=lambda number, _: teaches[number])
    names: list[str] = []

    def rows() -> Iterator[tuple[columns.Floats, wells.Flags]]:
        for read, finite in reading.each(lambda plate: (plate, wells.finite(plate, task=shared.name))):
            plate: anndata.AnnData = shared.with_its_features(read)
            names[:] = plate.var_names
            negative = wells.negative(plate.obs)
            references = negative if shared.reference_of(shared.settings) == "controls" else np.ones(len(negative), dtype=bool)
            yield finite if plate is read else np.asarray(plate.X, dtype=np.float32), references

    task.output.mkdir(parents=True)
    columns.scatter(rows(), task.output)
    write_names(task.output, names)
    return reading.facts


def write_names(folder: Path, names: Sequence[str], /) -> None:
    """Keep the features of a chunk of plates.

    Parameters
    ----------
    folder
        Of the shard.
    names
        None where every plate was left out.

    """
    texts.write(folder / _NAMES, json.dumps(list(names)))


def names_in(folders: Iterable[Path], /) -> list[str]:
    """The features of all chunks, which are the same.

    Parameters
    ----------
    folders
        Of the shards.

    Returns
    -------
    list[str]
        Empty where every plate was left out.

    """
    return next(filter(None, (json.loads(texts.read(folder / _NAMES)) for folder in folders)), [])


def _teaching(shared: PerGroup[Any, Any], arguments: Mapping[str, Any]) -> dict[int, wells.Flags]:
    """The rows of each plate that teach. Whether a group is held out as a whole, all its plates say."""
    obs = annotation_of(arguments)
    parts = {number: rows_of(arguments, number) for number in arguments["of"]}
    of_group = pd.concat([obs.iloc[rows] for rows in parts.values()])
    flags = shared.teaches_its_own(of_group, shared.settings, new=arguments["new"])
    ends = np.cumsum([rows.stop - rows.start for rows in parts.values()])[:-1]
    return dict(zip(parts, np.split(flags, ends), strict=True))


def learn(arguments: Mapping[str, Any], task: Task, /) -> None:
    """What is one group's own, from its columns.

    Parameters
    ----------
    arguments
        `name`: of the group; `shared`: what is fitted so far.
    task
        Comes after the columns; where to write the fitted step that knows this group alone.

    Raises
    ------
    InputError
        No plate of the group can be read, or it has too few rows.

    """
    shared = loaded(task.folder / arguments["shared"])
    assert isinstance(shared, PerGroup)
    folders = [path for name, path in task.after if name.startswith(_SCATTERED)]
    held, name = columns.Scattered(folders), arguments["name"]
    names = names_in(folders)
    if not names:
        raise InputError(f"{shared.name}: no plate{f' of {name}' if name else ''} can be read")
    spared = schema.SPARED in annotation_of(arguments)
    shared.refuse_few(name, len(held.references), int(held.references.sum()), shared.settings, spared=spared)
    task.scratch.mkdir(parents=True, exist_ok=True)
    room = functools.partial(_room, task)
    own = few_features.learned(shared.learn, held.few(), held.references, len(names), room)
    kept.save(task.output, [replace(shared, learned={name: own}, feature_names=tuple(names))])


def _room(task: Task, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """What is learned of a feature is a number, in memory; or all its values, in a file."""
    return np.empty(shape, dtype) if len(shape) == 1 else mapped.zeros_in(task.scratch, shape, dtype=dtype)
