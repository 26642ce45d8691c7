"""A dataset opened: a plate at a time, the annotation of all, or the whole where it fits into memory."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from impasto import border, commit_point, need, records
from impasto.dataset import matrix, member
from impasto.dataset.commit import COLUMNS, FEATURES, FORMAT, MEMBERS, OBS, TABLES
from impasto.dataset.order import KEYS, Key
from impasto.need import Need
from impasto.schema import FEATURE, InputError, nearest

_REMEDY = "restore it from a copy"


class Dataset:
    """The plates of a folder.

    Parameters
    ----------
    folder
        A folder with a commit point.
    point
        What the commit point says.

    Attributes
    ----------
    members
        A row a plate: source, batch, plate, file, rows, bytes, sha256, content, missing, fitted, cpu.
    features
        The `var` table.
    n_obs
        How many rows all plates have.
    content
        The digest of all values.
    uns
        What made the profiles.
    quarantined
        Plates that were left out when it was made, each with its reason.

    Examples
    --------
    >>> import impasto as im                                    # doctest: +SKIP
    >>> plates = im.open("jump.plates")                         # doctest: +SKIP
    >>> for plate in plates: print(plate.n_obs)                 # doctest: +SKIP

    """

    def __init__(self, folder: Path, point: Mapping[str, Any], /) -> None:
        self.folder = folder
        self.content = str(point["content"])
        with border.reading(folder, "folder of plates", remedy=_REMEDY):
            self._files = {name: str(point["tables"][name]["file"]) for name in TABLES}
            self.members: pd.DataFrame = self._table(MEMBERS).to_pandas()[list(COLUMNS)]
            self.features: pd.DataFrame = self._table(FEATURES).to_pandas().set_index(FEATURE)
            self.uns: dict[str, Any] = dict(point["uns"])
            self.quarantined: list[dict[str, str]] = [dict(plate) for plate in point["quarantine"]]
            self.n_obs = int(self.members["rows"].sum())
        if self.n_obs != point.get("rows"):
            raise InputError(f"{folder}: its plates hold {self.n_obs} rows, and {commit_point.FILE} says {point.get('rows')}; {_REMEDY}")
        if self.features.index.hasnans:
            raise InputError(f"{folder}: {int(self.features.index.isna().sum())} features have no name; {_REMEDY}")

    def _table(self, name: str) -> pa.Table:
        path = self.folder / self._files[name]
        try:
            return pq.read_table(path, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path} cannot be read ({str(error).splitlines()[0]}); {_REMEDY}") from error

    def __repr__(self) -> str:
        return f"Dataset of {len(self)} plates, {self.n_obs} rows x {self.n_vars} features, at {self.folder}"

    def __len__(self) -> int:
        return len(self.members)

    @property
    def n_vars(self) -> int:
        """How many features there are."""
        return len(self.features)

    @functools.cached_property
    def keys(self) -> list[Key]:
        """What tells the plates apart, in order."""
        return [Key(*map(str, row)) for row in self.members[list(KEYS)].itertuples(index=False)]

    @functools.cached_property
    def offsets(self) -> npt.NDArray[np.intp]:
        """Where the rows of each plate begin among all rows, and at last their number (plates + 1,)."""
        return np.concatenate([[0], np.cumsum(self.members["rows"].to_numpy(dtype=np.intp))]).astype(np.intp)

    @functools.cached_property
    def obs(self) -> pd.DataFrame:
        """The annotation of all rows, plate after plate."""
        return member.obs_of(self._annotation())

    def _annotation(self) -> pa.Table:
        table = self._table(OBS)
        if len(table) != self.n_obs:
            raise InputError(f"{self.folder / self._files[OBS]} holds {len(table)} rows, and the plates hold {self.n_obs}; {_REMEDY}")
        return table

    def obs_tables(self) -> list[pa.Table]:
        """The annotation of each plate as it is stored.

        Returns
        -------
        list[pa.Table]
            One a plate, in order.

        """
        whole = self._annotation()
        return [whole.slice(int(start), int(stop - start)) for start, stop in zip(self.offsets[:-1], self.offsets[1:], strict=True)]

    def number(self, plate: int | str | Key, /) -> int:
        """The number of a plate.

        Parameters
        ----------
        plate
            Its number, its name (alone, or as `source/batch/plate`), or its key.

        Returns
        -------
        int
            From 0.

        Raises
        ------
        InputError
            There is none of that name, or several.

        """
        if isinstance(plate, int | np.integer):
            if not -len(self) <= plate < len(self):
                raise InputError(f"{self.folder} has {len(self)} plates, and no plate number {plate}")
            return int(plate) % len(self)
        if isinstance(plate, Key):
            fitting = [place for place, key in enumerate(self.keys) if key == plate]
        else:
            fitting = [place for place, key in enumerate(self.keys) if plate == key.name]
            fitting = fitting or [place for place, key in enumerate(self.keys) if plate == key.plate]
        if len(fitting) == 1:
            return fitting[0]
        name = plate.name if isinstance(plate, Key) else plate
        if fitting:
            raise InputError(f"{len(fitting)} plates are named {name!r}; say which: {', '.join(self.keys[i].name for i in fitting[:5])}")
        raise InputError(f"{self.folder} has no plate {name!r}{nearest(name, self._spellings())}; it has {len(self)} plates")

    def _spellings(self) -> list[str]:
        return [*(key.plate for key in self.keys), *(key.name for key in self.keys)]

    def __getitem__(self, plate: int | str | Key, /) -> anndata.AnnData:
        """The profiles of one plate. Raises InputError where there is none of that name, or its file is cut."""
        number = self.number(plate)
        row = self.members.iloc[number]
        profiles = member.read_member(self.folder / row["file"], self.features)
        if profiles.n_obs != row["rows"]:
            raise InputError(f"{self.folder / row['file']} holds {profiles.n_obs} rows, and its dataset says {row['rows']}; make it again")
        profiles.uns = dict(self.uns)
        return profiles

    def __iter__(self) -> Iterator[anndata.AnnData]:
        return (self[number] for number in range(len(self)))

    def to_anndata(self, *, rows: npt.NDArray[np.bool_] | None = None) -> anndata.AnnData:
        """All plates in memory.

        Parameters
        ----------
        rows
            (n,) which rows; all where left out.

        Returns
        -------
        anndata.AnnData
            Profiles, plate after plate.

        Raises
        ------
        Unfinished
            With what is done with them, they would take more memory than is free.

        """
        chosen = np.ones(self.n_obs, dtype=bool) if rows is None else np.asarray(rows, dtype=bool)
        count = int(chosen.sum())
        need.refuse(Need.of_rows(count * self.n_vars * 4, what="reading its plates whole"), self.folder)
        values = np.empty((count, self.n_vars), dtype=np.float32)
        at = 0
        for number, plate in enumerate(self):
            wanted = chosen[self.offsets[number] : self.offsets[number + 1]]
            step = int(wanted.sum())
            values[at : at + step] = plate.X if wanted.all() else plate.X[wanted]
            at += step
        obs = self.obs if rows is None else self.obs[chosen]
        obs = obs.set_axis(pd.RangeIndex(len(obs)).astype(str), axis=0)
        return anndata.AnnData(X=values, obs=obs, var=self.features.copy(), uns=dict(self.uns))

    def mapped(self) -> anndata.AnnData:
        """All plates as profiles whose values stay on disk: their annotation is in memory, `X` is mapped from `cache/`.

        Returns
        -------
        anndata.AnnData
            Profiles, plate after plate. `X` is read-only; a copy, or a selection of rows, is in memory.

        """
        obs = self.obs.set_axis(pd.RangeIndex(self.n_obs).astype(str), axis=0)
        return anndata.AnnData(X=matrix.rows(self), obs=obs, var=self.features.copy(), uns=dict(self.uns))

    def matrix(self) -> npt.NDArray[np.float32]:
        """All rows at unit length, mapped from `cache/`: they are read a page at a time and never held.

        Returns
        -------
        npt.NDArray[np.float32]
            (n, d), read-only, in the order of `obs`. A row of zeros, or with a missing value, is zeros.

        """
        return matrix.unit_rows(self)

    def check(self) -> list[tuple[str, str]]:
        """Compare each member with what the dataset says of it.

        Returns
        -------
        list[tuple[str, str]]
            File and reason of each member that is not as it was written.

        """
        wrong = []
        for row in self.members.itertuples(index=False):
            path = self.folder / row.file
            if not path.is_file():
                wrong.append((row.file, "is missing"))
            elif records.content(path) != row.sha256:
                wrong.append((row.file, f"is not as it was written ({path.stat().st_size} bytes, {row.bytes} were written)"))
        return wrong

    def sql(self) -> Any:
        """A DuckDB connection with a view `plates`: the annotation, and a column a feature.

        Returns
        -------
        duckdb.DuckDBPyConnection
            In memory; the files are read when it is asked.

        Raises
        ------
        InputError
            DuckDB is not installed.

        """
        try:
            import duckdb
        except ImportError:
            raise InputError("d.sql() needs DuckDB, which is not installed: pip install duckdb") from None
        connection = duckdb.connect()
        files = [str((self.folder / file).resolve()) for file in self.members["file"]]
        named = ", ".join(f'X[{place}] AS "{_quoted(name)}"' for place, name in enumerate(self.features.index, start=1))
        source = f"read_parquet({json.dumps(files)}, union_by_name=true)"
        connection.execute(f"CREATE VIEW plates AS SELECT * EXCLUDE (X), {named} FROM {source}")
        return connection


def _quoted(name: str) -> str:
    return name.replace('"', '""')


def open_dataset(path: Path | str, /) -> Dataset:
    """Open a folder of plates.

    Parameters
    ----------
    path
        A folder with a commit point, as `impasto correct --out NAME.plates` leaves it.

    Returns
    -------
    Dataset
        Its members are read when they are asked for.

    Raises
    ------
    InputError
        There is none, or it is of a format that this version does not know.

    """
    path = Path(path)
    point = commit_point.read(path)
    if point is None:
        half = "a commit point that cannot be read" if commit_point.is_there(path) else f"no {commit_point.FILE}"
        raise InputError(f"{path} is no folder of plates ({half}); make one: impasto export PROFILES --to plates --out NAME.plates")
    if point.get("format") != FORMAT:
        raise InputError(f"{path} is of format {point.get('format')}, and this version reads format {FORMAT}; install a newer impasto")
    return Dataset(path, point)
