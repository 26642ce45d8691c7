"""The shards of a step that is fitted on all rows in one file, which is read a page at a time: the rows of plates, and the fit."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd

from impasto import wells, whole
from impasto.correction import kept
from impasto.correction.column_shards import names_in, write_names
from impasto.correction.plate_shards import Reading, annotation_of, rows_of, step_of
from impasto.scale.task import Facts, Task
from impasto.schema import InputError

_VALUES = "rows.f32"
_CHUNK = "rows-"


def scatter(arguments: Mapping[str, Any], task: Task, /) -> Facts:
    """The rows of a chunk of plates that the step needs, as they are before it.

    Parameters
    ----------
    arguments
        `step`: its number; `plates` and `numbers` of the chunk.
    task
        Where to write the rows.

    Returns
    -------
    Facts
        The plates that were left out.

    """
    kind, settings = step_of(arguments, arguments["step"])
    reading = Reading(arguments, task, before=arguments["step"], rows=lambda _, obs: kind.needed(obs, settings))
    names: list[str] = []
    task.output.mkdir(parents=True)
    with (task.output / _VALUES).open("wb") as handle:
        for plate, values in reading.each(lambda plate: (plate, wells.finite(plate, task=kind.name))):
            names = list(plate.var_names)
            handle.write(np.ascontiguousarray(values).tobytes())
    write_names(task.output, names)
    return reading.facts


def fit(arguments: Mapping[str, Any], task: Task, /) -> None:
    """The step, fitted on all rows in one file.

    Parameters
    ----------
    arguments
        `step`: its number; `plates` and `numbers` of all plates.
    task
        Comes after the rows; where to write the fitted step.

    Raises
    ------
    InputError
        There is no row to learn from.

    """
    kind, settings = step_of(arguments, arguments["step"])
    folders = [path for name, path in task.after if name.startswith(_CHUNK)]
    names = names_in(folders)
    if not names:
        raise InputError(f"{kind.name}: no row is left to learn from")
    path = task.scratch / _VALUES
    if not path.exists():
        with whole.replacing(path) as temporary:
            _join(folders, temporary)
    obs = annotation_of(arguments)
    read = [
        obs.iloc[rows_of(arguments, number)]
        for number, name in zip(arguments["numbers"], arguments["plates"], strict=True)
        if name not in task.left_out
    ]
    taken = pd.concat([part[kind.needed(part, settings)] for part in read])
    values = np.memmap(path, dtype=np.float32, mode="r", shape=(len(taken), len(names)))
    taken = taken.set_axis(pd.RangeIndex(len(taken)).astype(str), axis=0)
    profiles = anndata.AnnData(X=values, obs=taken, var=pd.DataFrame(index=names))
    kept.save(task.output, [kind.learn_matrix(profiles, settings, task.scratch)])


def _join(folders: list[Path], path: Path) -> None:
    with path.open("wb") as joined:
        for folder in folders:
            with (folder / _VALUES).open("rb") as part:
                shutil.copyfileobj(part, joined, 1 << 22)
