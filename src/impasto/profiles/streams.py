"""A folder of plates as one file (Parquet with a row group a plate, .h5ad, .zarr), and tables as a folder of plates, one at a time."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anndata
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from impasto import dataset, identity, runs
from impasto.dataset import Dataset
from impasto.dataset.commit import add_member, commit
from impasto.profile_sources import FILE_METADATA
from impasto.profiles.files import about_file, as_stored, read, suffix
from impasto.profiles.table import to_frame
from impasto.schema import InputError

SUFFIXES = (".parquet", ".h5ad", ".zarr")


def write(plates: Dataset, path: Path, /) -> None:
    """Write all plates into one file, a plate at a time.

    Parameters
    ----------
    plates
        An opened dataset.
    path
        Its ending chooses the format: `.parquet`, `.h5ad` or `.zarr`.

    Raises
    ------
    InputError
        The name ends in none of these.

    """
    kind = suffix(path)
    if kind not in SUFFIXES:
        raise InputError(f"{path}: a folder of plates is written as {', '.join(SUFFIXES)}; name the file so")
    with runs.atomic(path) as temporary:
        if kind == ".parquet":
            _write_parquet(plates, temporary)
        else:
            _write_anndata(plates, temporary, zarr=kind == ".zarr")


def _write_parquet(plates: Dataset, path: Path) -> None:
    about = {FILE_METADATA: json.dumps(about_file(plates.features, plates.uns), default=str).encode()}
    # What a plate lacks of the annotation is missing in its rows.
    empty = anndata.AnnData(X=pd.DataFrame(columns=plates.features.index, dtype="float32").to_numpy(), obs=plates.obs.iloc[:0])
    empty.var = plates.features.copy()
    columns = pa.Table.from_pandas(to_frame(empty), preserve_index=False).schema.with_metadata(about)
    with pq.ParquetWriter(path, columns, compression="zstd") as writer:
        for plate in plates:
            plate.obs = plate.obs.reindex(columns=plates.obs.columns)
            writer.write_table(pa.Table.from_pandas(to_frame(plate), schema=columns, preserve_index=False).replace_schema_metadata(about))


def _write_anndata(plates: Dataset, path: Path, *, zarr: bool) -> None:
    without = as_stored(anndata.AnnData(obs=plates.obs, var=plates.features.copy(), uns=dict(plates.uns)))
    shape, kind = (plates.n_obs, plates.n_vars), {"encoding-type": "array", "encoding-version": "0.2.0"}
    chunk = (int(min(plates.members["rows"].max(), plates.n_obs)), plates.n_vars)
    if zarr:
        import zarr as store

        with anndata.settings.override(zarr_write_format=3, auto_shard_zarr_v3=False), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
            without.write_zarr(path)
            group: Any = store.open_group(path, mode="r+", use_consolidated=False)
            values = group.create_array("X", shape=shape, dtype="float32", chunks=chunk, overwrite=True)
            values.attrs.update(kind)
            _fill(plates, values)
            store.consolidate_metadata(path)
        return
    import h5py

    without.write_h5ad(path)
    with h5py.File(path, "r+") as file:
        if "X" in file:
            del file["X"]
        values = file.create_dataset("X", shape=shape, dtype="float32", chunks=chunk, compression="gzip", compression_opts=1, shuffle=True)
        values.attrs.update(kind)
        _fill(plates, values)


def _fill(plates: Dataset, values: Any) -> None:
    for number, plate in enumerate(plates):
        values[int(plates.offsets[number]) : int(plates.offsets[number + 1])] = plate.X


def gather(files: Sequence[Path], folder: Path, /) -> int:
    """Write tables as one folder of plates, a table in memory at a time.

    Parameters
    ----------
    files
        Tables of the same features; each plate stands in one of them.
    folder
        The folder of plates to write.

    Returns
    -------
    int
        How many plates there are.

    Raises
    ------
    InputError
        A table has other features, or was made otherwise than the first; a plate stands in two of them, or a row names none.

    """
    rows: dict[dataset.Key, dict[str, Any]] = {}
    origin: dict[dataset.Key, Path] = {}
    with runs.atomic(folder) as temporary:
        first: anndata.AnnData | None = None
        for path in files:
            table = read(path)
            first = table[:0].copy() if first is None else first
            dataset.refuse_other_features(table, first.var, where=f"of {path.name}", folder=files[0])
            if identity.of(table) != identity.of(first):
                raise InputError(f"{path} and {files[0]} were not made by the same encoder and correction steps; keep them apart")
            for plate in dataset.plates_of(table[:, list(first.var_names)].copy(), task=str(path)):
                key = dataset.key_of(plate.obs)
                if key in rows:
                    raise InputError(
                        f"plate {key.name} stands in {origin[key]} and in {path}; put its rows into one file, or give it another name"
                    )
                rows[key], origin[key] = add_member(plate, temporary), path
        assert first is not None
        commit(temporary, [rows[key] for key in sorted(rows)], first.var, uns=first.uns)
    return len(rows)


def files_of(folder: Path, /) -> list[Path]:
    """The tables in a folder, where each can be read alone.

    Parameters
    ----------
    folder
        A folder of Parquet files.

    Returns
    -------
    list[Path]
        Sorted; none where a folder's name says something of its rows (`Plate=000412`).

    """
    files = [p for p in sorted(folder.rglob("*.parquet")) if not any(q.startswith((".", "_")) for q in p.relative_to(folder).parts)]
    return [] if any("=" in part for path in files for part in path.relative_to(folder).parts[:-1]) else files
