"""The shards of a correction of a folder of plates: sums of a chunk, their merging, a group's own part, one corrected plate.

A plate passes the earlier steps each time it is read: they are cheap, and nothing between the first and the last step is stored.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import anndata
import numpy as np
import pandas as pd

from impasto import border, commit_point, dataset, need, wells
from impasto.correction import CORRECTORS, kept, receipt_sums
from impasto.correction import receipt as receipts
from impasto.correction.base import Corrector
from impasto.correction.group_names import column_of_groups
from impasto.correction.per_group import PerGroup
from impasto.dataset import Dataset
from impasto.need import Need
from impasto.scale import sums
from impasto.scale.plan import BAD
from impasto.scale.task import Facts, Task
from impasto.schema import InputError
from impasto.settings import Settings

T = TypeVar("T")
Fitted = Corrector[Any]
Chosen = Callable[[int, pd.DataFrame], wells.Flags]
MARKS = "marks.parquet"
"""Which rows are spared or held out, where that was decided for all plates together."""
MEMBER, SAMPLE, FEATURES = "member.parquet", "sample.safetensors", "features.parquet"


def _opened(source: str, marks: str) -> tuple[Dataset, pd.DataFrame | None]:
    return _opened_as(source, marks, _stamp(Path(source) / commit_point.FILE), _stamp(Path(marks)) if marks else 0)


@functools.lru_cache(maxsize=2)
def _opened_as(source: str, marks: str, _: int, __: int) -> tuple[Dataset, pd.DataFrame | None]:
    return dataset.open_dataset(source), border.parquet(marks) if marks else None


def _stamp(path: Path) -> int:
    """When a file was written: what was read of an earlier one of that name is not used again."""
    return path.stat().st_mtime_ns


def plate_of(arguments: Mapping[str, Any], number: int, /) -> anndata.AnnData:
    """A plate before its correction, with its spared and held-out wells marked.

    Parameters
    ----------
    arguments
        Of a shard: `source` and `marks`.
    number
        The number of the plate in the dataset.

    Returns
    -------
    anndata.AnnData
        The rows of the plate.

    """
    source, marks = _opened(arguments["source"], arguments["marks"])
    plate = source[number]
    if marks is not None:
        own = marks.iloc[source.offsets[number] : source.offsets[number + 1]]
        for column in own:
            plate.obs[column] = own[column].to_numpy()
    return plate


def annotation_of(arguments: Mapping[str, Any], /) -> pd.DataFrame:
    """The annotation of all plates, with spared and held-out wells marked.

    Parameters
    ----------
    arguments
        Of a shard: `source` and `marks`.

    Returns
    -------
    pd.DataFrame
        A row a row, plate after plate.

    """
    source, marks = _opened(arguments["source"], arguments["marks"])
    return source.obs if marks is None else source.obs.assign(**{column: marks[column].to_numpy() for column in marks})


def rows_of(arguments: Mapping[str, Any], number: int, /) -> slice:
    """Where the rows of a plate stand among all rows.

    Parameters
    ----------
    arguments
        Of a shard: `source` and `marks`.
    number
        The number of the plate in the dataset.

    Returns
    -------
    slice
        Of `annotation_of`.

    """
    source, _ = _opened(arguments["source"], arguments["marks"])
    return slice(int(source.offsets[number]), int(source.offsets[number + 1]))


def step_of(arguments: Mapping[str, Any], number: int, /) -> tuple[type[Fitted], Settings]:
    """A step of a correction.

    Parameters
    ----------
    arguments
        Of a shard: `steps`.
    number
        Of the step, from 0.

    Returns
    -------
    kind : type[Fitted]
        Its corrector.
    settings : Settings
        Of the corrector.

    """
    said = dict(arguments["steps"][number])
    kind = CORRECTORS[said.pop("method")]
    return kind, kind.settings_class.read(said, where=f"step {number + 1}")


def loaded(folder: Path, /) -> Fitted:
    """A fitted step.

    Parameters
    ----------
    folder
        Where it is kept.

    Returns
    -------
    Fitted
        The step; it is read once by a process.

    """
    return _loaded_as(str(folder), _stamp(folder / kept.STEPS))


@functools.lru_cache(maxsize=16)
def _loaded_as(folder: str, _: int) -> Fitted:
    return kept.load(Path(folder))[0]


def _correctors(task: Task, count: int) -> list[Fitted]:
    """The first steps, as far as they are fitted without the plate that is corrected."""
    return [loaded(task.folder / fitted_folder(number)) for number in range(count)]


def fitted_folder(number: int, /) -> str:
    """Where a fitted step is kept, from the folder of the plan.

    Parameters
    ----------
    number
        The number of the step, from 0.

    Returns
    -------
    str
        A folder.

    """
    return f"fitted/{number:02d}"


def passed(plate: anndata.AnnData, correctors: Sequence[Fitted], /, *, new: bool) -> anndata.AnnData:
    """A plate after some steps.

    Parameters
    ----------
    plate
        All rows of one plate.
    correctors
        The steps, in order.
    new
        Whether the steps were fitted elsewhere, and the plate is new to them.

    Returns
    -------
    anndata.AnnData
        The same rows, corrected.

    """
    for corrector in correctors:
        plate = (corrector.extended(plate) if new else corrector.with_plate(plate)).transform(plate)
    return plate


class Reading:
    """Plates one after the other, after the earlier steps; one that cannot be read or corrected is left out, and named.

    Parameters
    ----------
    arguments, task
        Of the shard.
    before
        How many steps a plate passes first.
    rows
        Gives, of the number of a plate and its annotation, which of its rows are asked for; a plate without any is passed over. All rows
        where left out.

    """

    def __init__(self, arguments: Mapping[str, Any], task: Task, /, *, before: int, rows: Chosen | None = None) -> None:
        self._arguments, self._task, self._rows = arguments, task, rows
        self._before = before
        self.bad: dict[str, str] = {}

    def plates(self) -> Iterator[anndata.AnnData]:
        """The plates of the shard.

        Yields
        ------
        anndata.AnnData
            The rows of a plate.

        """
        return self.each(lambda plate: plate)

    def each(self, taken: Callable[[anndata.AnnData], T], /) -> Iterator[T]:
        """What is taken of each plate of the shard.

        Parameters
        ----------
        taken
            Called with the rows of a plate; raises InputError where these cannot be used.

        Yields
        ------
        T
            What it gave.

        """
        correctors = _correctors(self._task, self._before)
        for number, name in zip(self._arguments["numbers"], self._arguments["plates"], strict=True):
            if name in self._task.left_out:
                continue
            try:
                plate = passed(plate_of(self._arguments, number), correctors, new=self._arguments["new"])
                if self._rows is not None:
                    allowed = self._rows(number, plate.obs)
                    if not allowed.any():
                        continue
                    plate = plate if allowed.all() else plate[allowed].copy()
                part = taken(plate)
            except InputError as error:
                self.bad[name] = str(error)
                continue
            yield part

    @property
    def facts(self) -> Facts:
        """What was left out."""
        return {BAD: self.bad} if self.bad else {}


def summarise(arguments: Mapping[str, Any], task: Task, /) -> Facts:
    """The sums of a chunk of plates, for one pass of one step.

    Parameters
    ----------
    arguments
        `step`: its number; `plates` and `numbers`; `before`: the file of the pass before, or `""`.
    task
        Where to write the part.

    Returns
    -------
    Facts
        The plates that were left out.

    """
    number = arguments["step"]
    kind, settings = step_of(arguments, number)
    before = sums.load(task.folder / arguments["before"]) if arguments["before"] else None
    reading = Reading(arguments, task, before=number, rows=lambda _, obs: kind.may_teach(obs, settings))

    def usable(plate: anndata.AnnData) -> anndata.AnnData:
        kind.refuse_plate(plate, settings)
        return plate

    sums.save(kind.summarise(reading.each(usable), settings, before), task.output)
    return reading.facts


def merge(arguments: Mapping[str, Any], task: Task, /) -> None:
    """Merge the sums of all chunks, for one pass of one step.

    Parameters
    ----------
    arguments
        `step`: its number; `before`: the file of the pass before, or `""`; `chunks`: the shards of sums.
    task
        Comes after the chunks.

    """
    kind, settings = step_of(arguments, arguments["step"])
    before = sums.load(task.folder / arguments["before"]) if arguments["before"] else None
    after = dict(task.after)
    parts = [sums.load(after[name]) for name in arguments["chunks"]]
    sums.save(kind.merged(parts, settings, before), task.output)


def share(arguments: Mapping[str, Any], task: Task, /) -> None:
    """Fit what all plates share in one step.

    Parameters
    ----------
    arguments
        `step`: its number; `whole`: the file of merged sums, or `""`.
    task
        Where to write the fitted step.

    """
    number = arguments["step"]
    kind, settings = step_of(arguments, number)
    obs = annotation_of(arguments)
    if arguments["whole"]:
        fitted: Fitted = kind.fitted_from(sums.load(task.folder / arguments["whole"]), settings)
        if isinstance(fitted, PerGroup):
            keys = tuple(wells.keys_of_group(obs, column_of_groups(settings)))
            fitted = replace(fitted, keys=keys)
    elif kind.kind(settings) == "table":
        fitted = kind.fit(_together(arguments, task, kind, settings), settings)
    else:
        fitted = kind.before_plates(obs, settings)
    kept.save(task.output, [fitted])


def given(arguments: Mapping[str, Any], task: Task, /) -> None:
    """A step that was fitted on other plates, as the plates here begin with it.

    Parameters
    ----------
    arguments
        `given`: where it is kept.
    task
        Where to write it.

    """
    kept.save(task.output, kept.load(task.folder / arguments["given"]))


def _together(arguments: Mapping[str, Any], task: Task, kind: type[Fitted], settings: Settings) -> anndata.AnnData:
    """All rows that a fit needs, in memory."""
    source, _ = _opened(arguments["source"], arguments["marks"])
    count = int(kind.needed(annotation_of(arguments), settings).sum())
    reading = Reading(arguments, task, before=arguments["step"], rows=lambda _, obs: kind.needed(obs, settings))
    parts: list[anndata.AnnData] = []
    for plate in reading.plates():
        parts.append(plate)
        if len(parts) == 1:
            held = kind.bytes_of_fit(count, plate.n_vars, settings)
            need.refuse(Need.of_rows(held, what=f"{kind.name} on {count:,} rows at once"), source.folder)
    if reading.bad:
        name, reason = next(iter(reading.bad.items()))
        raise InputError(f"plate {name}: {reason}")
    return receipt_sums.stacked(parts)


def group(arguments: Mapping[str, Any], task: Task, /) -> Facts:
    """Learn what is one batch's or source's own in one step.

    Parameters
    ----------
    arguments
        `step`: its number; `name`: of the group; `plates` and `numbers` of the group; `shared`: what all groups share.
    task
        Where to write the fitted step that knows this group alone.

    Returns
    -------
    Facts
        The plates that were left out.

    Raises
    ------
    InputError
        No plate of the group can be read.

    """
    shared = loaded(task.folder / arguments["shared"])
    assert isinstance(shared, PerGroup)
    if arguments["name"] in shared.learned:
        kept.save(task.output, [replace(shared, learned={arguments["name"]: shared.learned[arguments["name"]]})])
        return {}
    reading = Reading(arguments, task, before=arguments["step"])
    plates = list(reading.plates())
    if not plates:
        raise InputError(f"{shared.name}: no plate of {arguments['name']} can be read")
    rows = receipt_sums.stacked(plates)
    own = shared.extended(rows) if arguments["new"] else shared.with_plate(rows)
    kept.save(task.output, [replace(own, learned={arguments["name"]: own.learned[arguments["name"]]})])
    return reading.facts


def gather(arguments: Mapping[str, Any], task: Task, /) -> None:
    """Put the groups of one step together.

    Parameters
    ----------
    arguments
        `shared`: what all groups share.
    task
        Comes after the groups.

    """
    shared = loaded(task.folder / arguments["shared"])
    assert isinstance(shared, PerGroup)
    learned: dict[str, Any] = {}
    names = shared.feature_names
    for _, path in task.after:
        of_group = kept.load(path)[0]
        assert isinstance(of_group, PerGroup)
        learned |= of_group.learned
        names = names or of_group.feature_names
    kept.save(task.output, [replace(shared, learned=shared.learned | learned, feature_names=names)])


def features(arguments: Mapping[str, Any], task: Task, /) -> None:
    """The features of the corrected profiles, from the first plate that can be corrected.

    Parameters
    ----------
    arguments
        `plates` and `numbers`.
    task
        Where to write the `var` table.

    Raises
    ------
    InputError
        No plate can be corrected.

    """
    reading = Reading(arguments, task, before=len(arguments["steps"]))
    for plate in reading.plates():
        plate.var.to_parquet(task.output)
        return
    name, reason = next(iter(reading.bad.items()), ("", "there is no plate"))
    raise InputError(f"no plate can be corrected; the first, {name}: {reason}")


def correct_plate(arguments: Mapping[str, Any], task: Task, /) -> Facts:
    """One corrected plate.

    Parameters
    ----------
    arguments
        `number` of the plate; `drawn`: how many rows the receipt draws of it; `seed`.
    task
        Where to write the member and the rows drawn.

    Returns
    -------
    Facts
        What the dataset keeps of the member.

    """
    before = plate_of(arguments, arguments["number"])
    after = passed(before, _correctors(task, len(arguments["steps"])), new=arguments["new"])
    task.output.mkdir(parents=True)
    facts = dataset.write_member(after, task.output / MEMBER)
    rows = receipts.drawn_rows(before.n_obs, arguments["drawn"], seed=(arguments["seed"], arguments["number"]))
    sample = {"before": np.asarray(before.X)[rows], "after": np.asarray(after.X)[rows], "rows": rows}
    sums.save(sums.Part(sample), task.output / SAMPLE)
    return {"member": list(facts)}
