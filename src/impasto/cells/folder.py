"""A folder of cells, opened: plates, wells and features are known at once, values are read a well or a block of features at a time."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from impasto import border, profiles, runs, schema, texts
from impasto import wells as kinds_of_wells
from impasto.cells import columns, store
from impasto.cells.columns import COUNT_ALL, Bits
from impasto.cells.store import CELLS, QUALITY_RECEIPT, SITES, WELLS, Floats, Span
from impasto.schema import InputError

QUALITY = "quality"
"""The folder in a folder of cells that holds what `impasto check` has found."""
NOT_CHECKED = ""
"""Of an opened folder: whatever was checked is not read."""
_KIND, _AGAIN = "table of cells", "write the folder again with impasto cells"
"""How what is wrong with a table of the folder is said."""


@dataclass(frozen=True)
class Plate:
    """One plate of a folder.

    Attributes
    ----------
    name
        Source, batch and plate, as far as they are known.
    file
        Its table, from the folder.
    spans
        Where each well lies.
    bits
        (cells,) of `Metadata_QC`, with those of the check where there was one.

    """

    name: str
    file: Path
    spans: tuple[Span, ...]
    bits: Bits

    @cached_property
    def kept(self) -> npt.NDArray[np.bool_]:
        """(cells,) which cells are kept."""
        return columns.are_kept(self.bits)


class Cells:
    """A folder of cells.

    Parameters
    ----------
    folder
        What `impasto cells` wrote.
    quality
        What `impasto check` wrote of it; by default the folder `quality` inside, where there is one.

    Attributes
    ----------
    wells
        One row a well, in order, with its annotation. `cell_count` counts the cells that are kept, `cell_count_all` all.
    features
        Those that all plates have.
    unit
        The kind of object that has one row a cell.

    """

    def __init__(self, folder: Path | str, /, *, quality: Path | str | None = None) -> None:
        self.folder = Path(folder)
        said = _description(self.folder)
        self.unit: str = said["unit"]
        self.features: list[str] = list(said["features"])
        inside = self.folder / QUALITY
        self.quality: Path | None = Path(quality) if quality is not None else inside if (inside / QUALITY_RECEIPT).exists() else None
        if quality == NOT_CHECKED:
            self.quality = None
        if self.quality is not None and not (self.quality / QUALITY_RECEIPT).exists():
            raise InputError(f"{self.quality} holds no {QUALITY_RECEIPT}; write it with: impasto check {self.folder} --out {self.quality}")
        images = said.get("images")
        self.images = Path(images) if images else None
        """The ingested images that cells were segmented from; None for cells of tables."""
        self._bits: dict[str, Bits] = {}
        self._files = {"/".join(filter(None, (p[w] for w in columns.WORDS[:3]))): str(p["file"]) for p in said["plates"]}
        wells = border.parquet(self.folder / WELLS, _KIND, remedy=_AGAIN)
        self._codes, names = kinds_of_wells.plates(wells)
        self._names = np.array(["/".join(filter(None, name.split("/"))) for name in names], dtype=object)
        wells[schema.CELL_COUNT] = self._counts(wells)
        self.wells: pd.DataFrame = wells

    @classmethod
    def unchecked(cls, folder: Path | str, /) -> Cells:
        """Open a folder as `impasto cells` wrote it, without the bits of a check.

        Parameters
        ----------
        folder
            What `impasto cells` wrote.

        Returns
        -------
        Cells
            Its cells.

        """
        return cls(folder, quality=NOT_CHECKED)

    def with_bits(self, bits: Mapping[str, Bits], /) -> Cells:
        """The same folder with other bits, in memory only.

        Parameters
        ----------
        bits
            Plate -> (cells,) of `Metadata_QC`.

        Returns
        -------
        Cells
            Nothing is written.

        """
        other = Cells.unchecked(self.folder)
        other._bits = dict(bits)
        other.wells[schema.CELL_COUNT] = other._counts(other.wells)
        return other

    @property
    def plates(self) -> list[str]:
        """Names of plates: source, batch and plate, as far as they are known."""
        return list(self._files)

    @cached_property
    def sites(self) -> pd.DataFrame:
        """One row an image: its place, and where its pixels lie."""
        return border.parquet(self.folder / SITES, _KIND, remedy=_AGAIN)

    def plate(self, name: str, /) -> Plate:
        """One plate.

        Parameters
        ----------
        name
            As in `plates`, or the plate alone where only one has that name.

        Returns
        -------
        Plate
            Where its wells lie, and the bits of its cells.

        Raises
        ------
        InputError
            There is none, or there are several of that name.

        """
        fitting = [full for full in self._files if full == name] or [full for full in self._files if full.split("/")[-1] == name]
        if len(fitting) != 1:
            many = (
                f"{len(fitting)} plates are named {name!r}" if fitting else f"there is no plate {name!r}{schema.nearest(name, self._files)}"
            )
            raise InputError(f"{self.folder}: {many}; there are {schema.listed(self.plates[:8])}")
        plate = _plate(self.folder, fitting[0], self._files[fitting[0]], self.quality)
        return plate if plate.name not in self._bits else Plate(plate.name, plate.file, plate.spans, self._bits[plate.name])

    def rows_of_plate(self, name: str, /) -> npt.NDArray[np.intp]:
        """The rows of `wells` of a plate.

        Parameters
        ----------
        name
            As in `plates`.

        Returns
        -------
        npt.NDArray[np.intp]
            In the order of its spans.

        """
        return np.flatnonzero(self._names[self._codes] == name)

    def well(self, plate: str, well: str, /, *, kept: bool = False) -> anndata.AnnData:
        """The cells of a well.

        Parameters
        ----------
        plate, well
            Their names.
        kept
            Whether cells that the check left out are left out.

        Returns
        -------
        anndata.AnnData
            One row a cell.

        Raises
        ------
        InputError
            There is no such well.

        """
        own, wanted = self.plate(plate), schema.normal_well(well)
        span = next((span for span in own.spans if span.well == wanted), None)
        if span is None:
            raise InputError(
                f"{self.folder}: plate {own.name} has no well {wanted}; it has {schema.listed([s.well for s in own.spans][:8])}"
            )
        group = self._group(own, span.group)
        return self._as_anndata(own, span, group, kept=kept)

    def iter_wells(self, *, kept: bool = True) -> Iterator[anndata.AnnData]:
        """All wells in order, one row group in memory.

        Parameters
        ----------
        kept
            Whether cells that the check left out are left out.

        Yields
        ------
        anndata.AnnData
            The cells of a well.

        """
        for name in self.plates:
            plate, number, group = self.plate(name), -1, None
            for span in plate.spans:
                if span.group != number or group is None:
                    number, group = span.group, self._group(plate, span.group)
                yield self._as_anndata(plate, span, group, kept=kept)

    def bags(self, *, by: str = schema.PERTURBATION, size: int = 256, seed: int = 0) -> Iterator[tuple[str, Floats, npt.NDArray[np.bool_]]]:
        """Kept cells of each perturbation, as many for each and as many of each of its wells: no bag says how many cells there were.

        Parameters
        ----------
        by
            A column of `wells`.
        size
            Cells of a bag.
        seed
            Of the choice.

        Yields
        ------
        tuple[str, Floats, npt.NDArray[np.bool_]]
            The name, values (size, features), and a mask (size,) that is False where there were too few cells; values there are 0.

        Raises
        ------
        InputError
            The wells have no such column.

        """
        kinds_of_wells.require(self.wells, [by], task="bags of cells")
        names = self.wells[by].astype("string")
        rng = np.random.default_rng(seed)
        for name in sorted(names.dropna().unique()):
            rows = np.flatnonzero((names == name).fillna(False).to_numpy(dtype=bool) & (self.wells[schema.CELL_COUNT] > 0).to_numpy())
            values, mask = np.zeros((size, len(self.features)), dtype=np.float32), np.zeros(size, dtype=bool)
            for number, row in enumerate(rng.permutation(rows)[:size]):
                place = slice(number * size // min(len(rows), size), (number + 1) * size // min(len(rows), size))
                well = self.wells.iloc[row]
                own = self.well(str(self._names[self._codes[row]]), str(well[schema.WELL]), kept=True).X
                chosen = own[rng.permutation(len(own))[: place.stop - place.start]]
                values[place.start : place.start + len(chosen)], mask[place.start : place.start + len(chosen)] = chosen, True
            yield str(name), values, mask

    def groups(self, plate: Plate, /, *, features: Sequence[str] | None = None) -> Iterator[tuple[list[Span], Floats]]:
        """The row groups of a plate as arrays.

        Parameters
        ----------
        plate
            The plate.
        features
            Which; by default those of `features`.

        Yields
        ------
        tuple[list[Span], Floats]
            The wells of the group, and values (features, cells) from its first cell on.

        """
        wanted = list(self.features if features is None else features)
        with reading(plate.file):
            file = pq.ParquetFile(plate.file)
        for number in range(file.metadata.num_row_groups):
            with reading(plate.file):
                values = _values(file.read_row_group(number, columns=wanted), wanted)
            yield [s for s in plate.spans if s.group == number], values

    def blocks(self, plate: str | None = None, /, *, features: int = 64) -> Iterator[tuple[str, list[str], Floats]]:
        """All cells, some features at a time.

        Parameters
        ----------
        plate
            One plate; by default all of them in turn.
        features
            How many features a block has.

        Yields
        ------
        tuple[str, list[str], Floats]
            The plate, names of features, and values (features, cells of the plate).

        """
        for name in self.plates if plate is None else [plate]:
            path = self.plate(name).file
            with reading(path):
                file = pq.ParquetFile(path)
            for first in range(0, len(self.features), features):
                names = self.features[first : first + features]
                with reading(path):
                    values = _values(file.read(columns=names), names)
                yield name, names, values

    def annotation(self, plate: Plate, names: Sequence[str], /, *, group: int | None = None) -> pd.DataFrame:
        """Columns of a plate that are no features.

        Parameters
        ----------
        plate
            The plate.
        names
            As they are stored.
        group
            One row group; by default all.

        Returns
        -------
        pandas.DataFrame
            One row a cell.

        """
        with reading(plate.file):
            file = pq.ParquetFile(plate.file)
            return (file.read(columns=list(names)) if group is None else file.read_row_group(group, columns=list(names))).to_pandas()

    def _counts(self, wells: pd.DataFrame) -> npt.NDArray[np.int64]:
        """How many cells of each well are kept."""
        counts = np.zeros(len(wells), dtype=np.int64)
        for name in self.plates:
            plate = self.plate(name)
            by_well = {span.well: int(plate.kept[span.start : span.stop].sum()) for span in plate.spans}
            rows = self.rows_of_plate(name)
            counts[rows] = [by_well.get(str(well), 0) for well in wells[schema.WELL].iloc[rows]]
        return counts

    def _group(self, plate: Plate, number: int) -> pa.Table:
        own = [*columns.PLACE, columns.OBJECT, *columns.CENTER, *columns.BOX]
        with reading(plate.file):
            file = pq.ParquetFile(plate.file)
            partners = [n for n in file.schema_arrow.names if n.startswith(f"{columns.OBJECT}_")]
            return file.read_row_group(number, columns=[*own, *partners, *self.features])

    def _as_anndata(self, plate: Plate, span: Span, group: pa.Table, *, kept: bool) -> anndata.AnnData:
        first = next(s.start for s in plate.spans if s.group == span.group)
        table = group.slice(span.start - first, span.stop - span.start)
        values = _values(table, self.features).T
        features = set(self.features)
        obs = table.select([n for n in table.schema.names if n not in features]).to_pandas().rename(columns=columns.in_our_words)
        obs["qc"] = plate.bits[span.start : span.stop]
        well = self.wells.iloc[self.rows_of_plate(plate.name)]
        said = well[well[schema.WELL] == span.well].drop(columns=[*columns.WORDS[:4], schema.CELL_COUNT, COUNT_ALL], errors="ignore")
        for column in said:
            obs[column] = said[column].iloc[0]
        obs.index = pd.RangeIndex(len(obs)).astype(str)
        data = anndata.AnnData(X=np.ascontiguousarray(values), obs=obs, var=_var(tuple(self.features)))
        return data[plate.kept[span.start : span.stop]].copy() if kept else data


def is_folder_of_cells(path: Path, /) -> bool:
    """Whether a folder is one that `impasto cells` wrote.

    Parameters
    ----------
    path
        A path, there or not.

    Returns
    -------
    bool
        By its `cells.json`.

    """
    return (path / CELLS).is_file()


def digest_of_cells(folder: Path, /) -> str:
    """The digest of a folder of cells, without the check inside it.

    Parameters
    ----------
    folder
        What `impasto cells` wrote.

    Returns
    -------
    str
        SHA-256.

    """
    names = [CELLS, SITES, WELLS, *(str(plate["file"]) for plate in _description(folder)["plates"])]
    return hashlib.sha256("".join(runs.digest(folder / name) for name in names).encode()).hexdigest()


def quality_file(folder: Path, plate_file: str, /) -> Path:
    """Where the bits of a plate are kept.

    Parameters
    ----------
    folder
        What `impasto check` writes.
    plate_file
        The file of the plate, from the folder of cells.

    Returns
    -------
    Path
        The same name, there.

    """
    return folder / plate_file


def reading(path: Path, /) -> contextlib.AbstractContextManager[None]:
    """What is wrong with a table of the folder is one sentence.

    Parameters
    ----------
    path
        The table that is read inside.

    Returns
    -------
    contextlib.AbstractContextManager[None]
        See `border.reading`.

    """
    return border.reading(path, _KIND, remedy=_AGAIN)


def _description(folder: Path) -> dict[str, Any]:
    if not is_folder_of_cells(folder):
        raise InputError(f"{folder} holds no cells (no {CELLS}); write them with: impasto cells TABLES_OR_IMAGES --out {folder}")
    try:
        said: dict[str, Any] = json.loads(texts.read(folder / CELLS))
    except ValueError as error:
        raise InputError(f"{folder / CELLS} cannot be read ({error}); write the folder again with impasto cells") from error
    if said.get("format") != store.FORMAT:
        raise InputError(
            f"{folder} is of format {said.get('format')}, and this impasto reads {store.FORMAT}; write it again with impasto cells"
        )
    return said


@lru_cache(maxsize=64)
def _opened(folder: Path, name: str, file: str, quality: Path | None, _stamp: tuple[int, ...]) -> Plate:
    path = folder / file
    table = pq.ParquetFile(path)
    bits = np.asarray(table.read(columns=[columns.QC]).column(0), dtype=np.uint16)
    if quality is not None:
        checked = np.asarray(pq.read_table(quality_file(quality, file), columns=[columns.QC]).column(0), dtype=np.uint16)
        if len(checked) != len(bits):
            raise InputError(f"{quality} is of other cells than {folder}; check them again: impasto check {folder} --out {quality}")
        bits = checked
    return Plate(name, path, tuple(store.read_spans(table)), bits)


def _plate(folder: Path, name: str, file: str, quality: Path | None) -> Plate:
    with reading(folder / file):
        stamp = [(folder / file).stat().st_mtime_ns]
        if quality is not None:
            stamp.append(quality_file(quality, file).stat().st_mtime_ns)
        return _opened(folder, name, file, quality, tuple(stamp))


@lru_cache(maxsize=4)
def _var(features: tuple[str, ...]) -> pd.DataFrame:
    return profiles.describe_features(features)


def _values(table: pa.Table, names: Sequence[str]) -> Floats:
    """(features, cells)."""
    values = np.empty((len(names), table.num_rows), dtype=np.float32)
    for row, name in zip(values, names, strict=True):
        start = 0
        for chunk in table.column(name).chunks:
            row[start : start + len(chunk)] = chunk.to_numpy(zero_copy_only=False)
            start += len(chunk)
    return values
