"""From runs to the files of plates: numbers first, values through temporary files, one ordered merge. A killed run goes on.

1. The numbers of all objects are read, joined and sorted: what belongs to which cell is known before any value is read.
2. Values are read in the order of their tables and laid, as float32, into temporary files: one a kind of object and group of 16 wells.
3. Each group is put together and written. Memory holds the numbers of the plates in hand, and one group.

Temporary files lie in a hidden folder of the result, named by what is read. A table whose values are laid out is not read again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import progress, runs, schema
from impasto.cells import columns as names
from impasto.cells import join, store
from impasto.cells.columns import BIT, WORDS, Bits
from impasto.cells.join import NONE, PARENT, Joined, Keys, Numbers
from impasto.cells.places import ROW, RUN
from impasto.cells.store import Floats, Group, Span
from impasto.object_tables.run import Run

WORK = ".cells-"
_AT_ONCE = 1024
"""Cells whose values are taken from a temporary file at once."""


@dataclass(frozen=True)
class Written:
    """A plate that was written.

    Attributes
    ----------
    place
        Source, batch and plate.
    file
        Of the plate, from the folder.
    features
        Names.
    cells
        How many.
    counts
        Well -> cells.

    """

    place: tuple[str, str, str]
    file: str
    features: tuple[str, ...]
    cells: int
    counts: Mapping[str, int]


class Gathering:
    """The plates that share runs, from their tables to their files.

    Parameters
    ----------
    sources
        All runs.
    images
        The images of these plates, as `places.of_runs` gives them.
    unit
        The kind of object that has one row a cell.
    folder
        The result.

    """

    def __init__(self, sources: Sequence[Run], images: pd.DataFrame, /, *, unit: str, folder: Path) -> None:
        self.unit, self.folder = unit, folder
        self.images = images.reset_index(drop=True)
        self.runs = [(sources[number], _image_numbers(self.images, number)) for number in sorted(self.images[RUN].unique())]
        self.where = self.runs[0][0].where
        self.kinds: list[str] = list(dict.fromkeys(kind for run, _ in self.runs for kind in run.objects))
        self.columns = {kind: _union(run.objects.get(kind, ()) for run, _ in self.runs) for kind in self.kinds}
        parents = join.parents_of(self.columns)
        self.links = join.relate(parents, unit=unit, where=self.where)
        self.without_image = self.without_number = self.infinite = 0
        self.objects = {kind: self._numbers(kind, parents[kind]) for kind in self.kinds}
        self.joined: Joined = join.join(self.objects, self.links, unit=unit, where=self.where)
        keys = self.objects[unit].keys
        left_out = int((keys == NONE).sum())
        self.order = np.argsort(keys, kind="stable")[left_out:]
        self.unit_keys: Keys = keys[self.order]

    # ------------------------------------------------------------ numbers
    def _numbers(self, kind: str, parents: Sequence[str]) -> Numbers:
        keys, of_parents = list[Keys](), {name: list[Keys]() for name in parents}
        for run, image_of_row in self.runs:
            if kind not in run.objects:
                continue
            there = [PARENT + name for name in parents if PARENT + name in run.objects[kind]]
            for image, values in run.parts(kind, [run.number[kind], *there]):
                is_object = ~np.isnan(values[:, 0])  # in a table of all kinds side by side the shorter ones are filled up
                own, values = _own(image, image_of_row)[is_object], values[is_object]
                keys.append(join.key(own, values[:, 0]))
                if kind == self.unit:
                    self.without_image += int((own < 0).sum())
                    self.without_number += int(((own >= 0) & (values[:, 0] <= 0)).sum())
                for name in parents:
                    at = there.index(PARENT + name) + 1 if PARENT + name in there else None
                    of_parents[name].append(np.full(len(own), NONE) if at is None else join.key(own, values[:, at]))
        return Numbers(_joined(keys), {name: _joined(parts) for name, parts in of_parents.items()})

    # ------------------------------------------------------------ what is written
    @cached_property
    def features(self) -> dict[str, list[str]]:
        """Kind of object -> the columns that are features."""
        named = {kind: [c for c in self.columns[kind] if names.is_feature(self._feature(kind, c))] for kind in self.joined.rows}
        return {kind: own for kind, own in named.items() if own or kind == self.unit}

    @cached_property
    def feature_names(self) -> list[str]:
        """All features, in the order in which they are stored."""
        named = [self._feature(kind, column) for kind, own in self.features.items() for column in own]
        return [*named, *(f"{self.unit}_Children_{kind}_Count" for kind in self.joined.counts)]

    @cached_property
    def partners(self) -> dict[str, str]:
        """Kind of object -> the column of its number."""
        return {kind: names.object_column(kind) for kind in self.joined.rows if kind != self.unit}

    def _feature(self, kind: str, column: str) -> str:
        return next(run for run, _ in self.runs if kind in run.objects).feature(kind, column)

    @cached_property
    def _nucleus(self) -> str | None:
        """The kind whose centre is that of the cell."""
        return next((k for k in self.joined.rows if k != self.unit and names.NUCLEUS.search(k) and names.center_of(self.columns[k])), None)

    def _extra(self, kind: str) -> list[str]:
        """What is read of a kind beside its features: the centre, and the box of the unit."""
        center = names.center_of(self.columns[kind]) if kind in (self.unit, self._nucleus) else []
        if kind != self.unit:
            return center
        return [*center, *names.box_of(self.columns[kind]), *([names.BITS] if names.BITS in self.columns[kind] else [])]

    @cached_property
    def _wells(self) -> pd.DataFrame:
        """One row a well in order: place, its images [first, last), its cells [start, stop)."""
        codes = self.images.groupby(list(WORDS[:4]), sort=False).ngroup().to_numpy()
        first = np.flatnonzero(np.diff(codes, prepend=-1))
        last = np.append(first[1:], len(codes))
        table = self.images.loc[first, list(WORDS[:4])].reset_index(drop=True)
        edges = [np.searchsorted(self.unit_keys, at.astype(np.int64) << 32) for at in (first, last)]
        return table.assign(first=first, last=last, start=edges[0], stop=edges[1])

    @cached_property
    def _groups(self) -> list[tuple[tuple[str, str, str], list[range], list[Span], pd.DataFrame]]:
        """Of each plate: its place, which of its wells share a row group, where each lies, and the wells."""
        plates = []
        for place, table in self._wells.groupby(list(WORDS[:3]), sort=False):
            counts = (table["stop"] - table["start"]).tolist()
            groups = store.groups_of(counts, len(self.feature_names))
            source, batch, plate = map(str, place)
            plates.append(((source, batch, plate), groups, store.spans_of(table[schema.WELL].tolist(), counts, groups), table))
        return plates

    def notes(self) -> list[str]:
        """What was joined, left out and found without a partner, in sentences.

        Returns
        -------
        list[str]
            One a fact.

        """
        lines = list(dict.fromkeys(note for run, _ in self.runs for note in run.notes()))
        total = len(self.unit_keys)
        for kind, rows in self.joined.rows.items():
            if kind == self.unit:
                continue
            without = int((rows[self.order] == NONE).sum())
            lines.append(f"{kind}: joined to {total - without} of {total} {self.unit}" + (f"; {without} have none" if without else ""))
            if self.joined.without_unit[kind]:
                lines.append(f"{kind}: {self.joined.without_unit[kind]} of {len(self.objects[kind].keys)} have no {self.unit}; left out")
        for kind, counts in self.joined.counts.items():
            most = int(counts.max(initial=0))
            lines.append(
                f"{kind}: " + (f"several a cell (up to {most}); only their count stays" if most else "none; their count, 0, stays")
            )
            if self.joined.without_unit[kind]:
                lines.append(f"{kind}: {self.joined.without_unit[kind]} of {len(self.objects[kind].keys)} have no {self.unit}; not counted")
        lines += [f"{kind}: not related to {self.unit}; left out" for kind in self.joined.unrelated]
        if self.without_image:
            lines.append(f"{self.unit}: {self.without_image} belong to no image that names its well; left out")
        if self.without_number:
            lines.append(f"{self.unit}: {self.without_number} have a number below 1, which means none; left out")
        if self.infinite:
            lines.append(f"{self.infinite} values are infinite, or beyond what 32 bits hold; they count as not measured")
        empty = int((np.bincount(join.image_of(self.unit_keys), minlength=len(self.images)) == 0).sum()) if total else len(self.images)
        return [*lines, *([f"{empty} of {len(self.images)} images hold no {self.unit}"] if empty else [])]

    # ------------------------------------------------------------ values
    def write(self, token: str, /) -> list[Written]:
        """Write the file of each plate. What a killed run with the same token has done is not done again.

        Parameters
        ----------
        token
            What is read, as one word: temporary files of other inputs are not taken.

        Returns
        -------
        list[Written]
            One a plate.

        """
        own = hashlib.sha256(f"{token}{sorted(p for p, *_ in self._groups)}{self.unit}".encode()).hexdigest()[:16]
        work = self.folder / f"{WORK}{own}"
        runs.note(work)
        group_of_image = self._group_of_image()
        for kind in self.features:
            self._lay_out(kind, work, group_of_image)
        written, first = [], 0
        for number, (place, groups, spans, _) in enumerate(self._groups):
            self._write_plate(work, number, first)
            first += len(groups)
            counts = {span.well: span.stop - span.start for span in spans}
            written.append(Written(place, file_of(place), tuple(self.feature_names), sum(counts.values()), counts))
        for number, plate in enumerate(written):
            if not (work / f"{number:03d}.moved").exists():
                runs.note(self.folder / plate.file)
                (self.folder / plate.file).parent.mkdir(parents=True, exist_ok=True)
                os.replace(work / f"{number:03d}.parquet", self.folder / plate.file)
                (work / f"{number:03d}.moved").touch()
        shutil.rmtree(work)
        return written

    def _write_plate(self, work: Path, number: int, first: int) -> None:
        """The file of one plate, in the folder of temporary files until all are written; `first` is the number of its first group."""
        place, groups, spans, table = self._groups[number]
        target = work / f"{number:03d}.parquet"
        if target.exists() or target.with_suffix(".moved").exists():
            return
        made = (self._group(work, first + i, table.iloc[members.start : members.stop]) for i, members in enumerate(groups))
        parts = progress.track(made, what=f"writing {place[2]}", unit="groups", total=len(groups))
        columns = dict(zip(names.PLACE[:3], place, strict=True))
        with runs.atomic(target) as temporary:
            store.write(temporary, parts, place=columns, features=self.feature_names, partners=list(self.partners.values()), spans=spans)

    def _group_of_image(self) -> npt.NDArray[np.int64]:
        group_of_image, group = np.zeros(len(self.images), dtype=np.int64), 0
        for _, groups, _, table in self._groups:
            for members in groups:
                own = table.iloc[members.start : members.stop]
                group_of_image[int(own["first"].iloc[0]) : int(own["last"].iloc[-1])] = group
                group += 1
        return group_of_image

    def _lay_out(self, kind: str, work: Path, group_of_image: npt.NDArray[np.int64]) -> None:
        """The values of one kind, in a file a group: rows of an int64 key and a row of float32."""
        if (work / kind).exists():
            return
        wanted = [*self._extra(kind), *self.features[kind]]
        with runs.atomic(work / kind) as temporary:
            temporary.mkdir()
            what = progress.track(self._parts(kind, wanted), what=f"reading {kind}", unit="parts")
            for keys, values in what:
                group = np.where(keys == NONE, -1, group_of_image[np.maximum(join.image_of(keys), 0)])
                for number in np.unique(group[group >= 0]):
                    rows = group == number
                    for end, array in (("keys", keys[rows]), ("values", values[rows])):
                        with (temporary / f"{number:06d}.{end}").open("ab") as handle:
                            handle.write(np.ascontiguousarray(array).tobytes())

    def _parts(self, kind: str, wanted: Sequence[str]) -> Iterator[tuple[Keys, Floats]]:
        """Keys and values of all objects of a kind, with a column of missing values where a run lacks one."""
        for run, image_of_row in self.runs:
            if kind not in run.objects:
                continue
            there = [c for c in wanted if c in run.objects[kind]]
            at = [wanted.index(c) for c in there]
            for image, values in run.parts(kind, [run.number[kind], *there]):
                keys = join.key(_own(image, image_of_row), values[:, 0])
                whole = np.full((len(values), len(wanted)), np.nan, dtype=np.float32)
                with np.errstate(over="ignore"):
                    whole[:, at] = values[:, 1:]
                infinite = np.isinf(whole)
                if infinite.any():
                    self.infinite += int(infinite[keys != NONE].sum())
                    whole[infinite] = np.nan
                yield keys, whole

    def _group(self, work: Path, number: int, table: pd.DataFrame) -> Group:
        """The cells of some wells, put together."""
        start, stop = int(table["start"].iloc[0]), int(table["stop"].iloc[-1])
        rows, keys = self.order[start:stop], self.unit_keys[start:stop]
        image = join.image_of(keys)
        values = np.full((len(self.feature_names), len(rows)), np.nan, dtype=np.float32)
        center, own_center = np.full((len(rows), 2), np.nan, dtype=np.float32), np.full((len(rows), 2), np.nan, dtype=np.float32)
        boxes = np.full((len(rows), 4), np.nan, dtype=np.float32)
        first, known = 0, np.zeros(len(rows), dtype=np.uint16)
        for kind, features in self.features.items():
            extra = self._extra(kind)
            laid = _laid_out(work / kind, number, _taken(self.objects[kind].keys, self.joined.rows[kind][rows]), len(extra) + len(features))
            values[first : first + len(features)] = laid[:, len(extra) :].T
            first += len(features)
            if kind == self._nucleus:
                center = laid[:, :2]
            if kind == self.unit:
                column = {name: laid[:, at] for at, name in enumerate(extra)}
                own_center = _columns(column, names.center_of(self.columns[kind]), own_center)
                boxes = _columns(column, names.box_of(self.columns[kind]), boxes)
                known = np.nan_to_num(column[names.BITS]).astype(np.uint16) if names.BITS in column else known
            del laid
        for offset, counts in enumerate(self.joined.counts.values()):
            values[first + offset] = counts[rows]
        partners = {
            column: join.number_of(_taken(self.objects[kind].keys, self.joined.rows[kind][rows])) for kind, column in self.partners.items()
        }
        sites = self.images[schema.SITE].to_numpy(dtype=str)[image]
        wells = self.images[schema.WELL].to_numpy(dtype=str)[image]
        center = np.where(np.isnan(center), own_center, center)
        return Group(
            wells, sites, join.number_of(keys), partners, center, boxes, known | self._bits(rows, image, boxes), store.rounded(values)
        )

    def _bits(self, rows: npt.NDArray[np.int64], image: Keys, boxes: Floats) -> Bits:
        """What is known while cells are joined: which are orphans, and which lie at the border of an image of known size."""
        bits = np.where(self.joined.orphans[rows], BIT[names.ORPHAN], 0).astype(np.uint16)
        size = [store.side_of_images(self.images, side)[image] for side in ("Width", "Height")]
        with np.errstate(invalid="ignore"):
            at_border = (boxes[:, 0] <= 0) | (boxes[:, 1] <= 0) | (boxes[:, 2] >= size[0]) | (boxes[:, 3] >= size[1])
        return bits | np.where(at_border, BIT[names.EDGE], 0).astype(np.uint16)


def _columns(by_name: Mapping[str, Floats], wanted: Sequence[str], otherwise: Floats) -> Floats:
    """(cells, wanted) or what stands for them where they are not there."""
    return np.stack([by_name[name] for name in wanted], axis=1) if wanted else otherwise


def file_of(place: tuple[str, str, str], /) -> str:
    """Where the file of a plate lies in its folder.

    Parameters
    ----------
    place
        Source, batch and plate; `""` where nobody says it.

    Returns
    -------
    str
        `SOURCE/BATCH/PLATE.parquet`; what a name of a file may not hold is written as `%` and its code, a missing word as `-`.

    """
    from urllib.parse import quote

    source, batch, plate = (quote(word, safe=" +=@,()") or "-" for word in place)
    return f"{_not_hidden(source)}/{_not_hidden(batch)}/{_not_hidden(plate)}.parquet"


def _not_hidden(word: str) -> str:
    return f"%2E{word[1:]}" if word.startswith(".") else word


def _image_numbers(images: pd.DataFrame, run: int) -> npt.NDArray[np.int64]:
    """Row of an image in its run -> its number here; -1 for one that is left out."""
    own = images.index[images[RUN] == run].to_numpy()
    rows = images.loc[own, ROW].to_numpy()
    numbers = np.full(int(rows.max(initial=-1)) + 1, -1, dtype=np.int64)
    numbers[rows] = own
    return numbers


def _own(image: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The numbers here of images by their rows in a run; -1 for none, and for one that is left out."""
    there = (image >= 0) & (image < len(numbers))
    return np.where(there, numbers[np.where(there, image, 0)], -1)


def _union(columns: Iterator[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(c for own in columns for c in own))


def _joined(parts: Sequence[Keys]) -> Keys:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _taken(keys: Keys, rows: npt.NDArray[np.int64]) -> Keys:
    return np.where(rows == NONE, NONE, keys[np.maximum(rows, 0)]) if len(keys) else np.full(len(rows), NONE)


def _laid_out(folder: Path, group: int, wanted: Keys, width: int) -> Floats:
    """The values of the wanted objects, missing where there is no partner."""
    file = folder / f"{group:06d}.keys"
    taken = np.full((len(wanted), width), np.nan, dtype=np.float32)
    if not file.exists():
        return taken
    keys = np.fromfile(file, dtype=np.int64)
    values = np.memmap(folder / f"{group:06d}.values", dtype=np.float32, mode="r", shape=(len(keys), width)) if width else taken
    order = np.argsort(keys, kind="stable")
    place = order[np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)]
    there = (wanted != NONE) & (keys[place] == wanted)
    at, rows = np.flatnonzero(there), place[there]
    for first in range(0, len(at), _AT_ONCE):
        taken[at[first : first + _AT_ONCE]] = values[rows[first : first + _AT_ONCE]]
    return taken
