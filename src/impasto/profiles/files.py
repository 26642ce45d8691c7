"""Profiles in files: Parquet and CSV with the community's `Metadata_` columns, `.h5ad`, `.zarr`; read from any table a laboratory has."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anndata
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from impasto import dataset, profile_sources, remote, runs, schema, texts
from impasto import tables as any_table
from impasto.plain_columns import as_text
from impasto.profile_sources import FILE_METADATA
from impasto.profiles.table import from_frame, to_frame
from impasto.schema import InputError
from impasto.spelling import Choices
from impasto.version import __version__

_READING = ("columns", "columns_left_out", "features_from", "unknown_words", "read_as")
_NO_ROWS = "holds no rows; make it again (impasto ingest, or impasto profile), and see what those left out"
_STAMP = "mantispy"
"""What that package's files say of themselves; it speaks of the file, not of the profiles, so it is not carried on."""


def suffix(path: Path) -> str:
    """The format of a profiles file to write, by its name.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    str
        `.parquet`, `.csv`, `.csv.gz`, `.tsv`, `.tsv.gz`, `.h5ad`, `.zarr` or `.plates`.

    Raises
    ------
    InputError
        The name ends in none of these.

    """
    for known in sorted(schema.PROFILES_FILES, key=len, reverse=True):
        if path.name.lower().endswith(known):
            return known
    raise InputError(f"{path}: cannot tell the kind of file from its name; allowed: {', '.join(schema.PROFILES_FILES)}")


def read(
    path: Path | str,
    *,
    columns: Mapping[str, str] | None = None,
    features: str | None = None,
    annotation: Sequence[str] = (),
    leave_out: Sequence[str] = (),
    layer: str | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
    kinds: bool = True,
    may_be_empty: bool = False,
) -> anndata.AnnData:
    """Read Profiles from any table a laboratory has.

    Parameters
    ----------
    path
        CSV, TSV, Excel, Parquet (a file or a folder), .h5ad, .zarr, .plates, SQLite, a folder of CellProfiler's tables or of DeepProfiler's
        features.
    columns
        Which column means what, as word -> column (`{"well": "Assay_Plate_Well"}`); recognised by its spelling otherwise.
    features
        A regular expression that names the feature columns, or `rest` for all other numeric columns; recognised by form otherwise.
    annotation, leave_out
        Columns that are annotation, and columns that are neither.
    layer
        Of an AnnData: the layer, obsm or `raw` that holds the values.
    sheet, encoding
        Of a workbook and of a text, see `tables.read`.
    kinds
        Whether kinds of wells become our words; False leaves them as written, for a join to come.
    may_be_empty
        Whether a table of ours may hold no rows.

    Returns
    -------
    anndata.AnnData
        Profiles of all rows; `uns` says how the table was read (see `from_frame`).

    Raises
    ------
    InputError
        The file cannot be used, or holds no rows. The sentence begins with its name.

    """
    path = remote.local(path)
    if any_table.kind(path) == any_table.PLATES:
        said = {"columns": columns, "features": features, "annotation": annotation, "leave_out": leave_out, "layer": layer, "sheet": sheet}
        return _of_plates(path, [name for name, value in said.items() if value])
    source = profile_sources.read(path, layer=layer, sheet=sheet, encoding=encoding)
    if not len(source.frame) and not (may_be_empty and source.ours):
        raise InputError(f"{path} {_NO_ROWS}")
    choices = Choices(columns or {}, features, annotation, leave_out)
    profiles = from_frame(source.frame, where=str(path), choices=choices, source=source, kinds=kinds)
    if source.var is not None:
        said = source.var.reindex(profiles.var_names).astype(str).fillna("")
        # What a file does not say of its features (channel, compartment, group), their names do.
        profiles.var = said.join(profiles.var.drop(columns=said.columns, errors="ignore"))
    profiles.uns.update({k: _nested(v) for k, v in source.uns.items() if k not in (*profiles.uns, _STAMP)})
    return profiles


def opened(path: Path | str, /, *, columns: Mapping[str, str] | None = None) -> anndata.AnnData:
    """Profiles to be looked at, not changed: those of a folder of plates stay on disk, any other table is read.

    Parameters
    ----------
    path, columns
        As those of `read`.

    Returns
    -------
    anndata.AnnData
        Profiles of all rows. `X` of a folder of plates is mapped and read-only (`dataset.Dataset.mapped`).

    Raises
    ------
    InputError
        The file cannot be used, or holds no rows.

    """
    path = remote.local(path)
    if any_table.kind(path) != any_table.PLATES:
        return read(path, columns=columns)
    if columns:
        raise InputError(f"{path} is a folder of plates, read as it was written; leave the columns out")
    plates = dataset.open_dataset(path)
    if not plates.n_obs:
        raise InputError(f"{path} {_NO_ROWS}")
    return plates.mapped()


def _of_plates(path: Path, said: Sequence[str]) -> anndata.AnnData:
    """A folder of plates in memory. It is in our words already, so nothing may be said of its columns."""
    if said:
        raise InputError(f"{path} is a folder of plates, read as it was written; leave --{said[0].replace('_', '-')} out")
    return dataset.open_dataset(path).to_anndata()


def _nested(value: Any) -> Any:
    """An `uns` entry as it was before `as_stored` wrote it."""
    if isinstance(value, str) and value[:1] in "[{":
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value


def write(profiles: anndata.AnnData, path: Path | str) -> None:
    """Write Profiles, atomically: the whole file under its name, or nothing.

    Parameters
    ----------
    profiles
        Profiles of n rows.
    path
        Its ending chooses the format, see `suffix`.

    Raises
    ------
    InputError
        The name ends in no format that impasto writes.

    """
    path = Path(path)
    kind = suffix(path)
    with runs.atomic(path) as temporary:
        _WRITERS[kind](profiles, temporary)


def _write_parquet(profiles: anndata.AnnData, path: Path) -> None:
    table = pa.Table.from_pandas(to_frame(profiles), preserve_index=False)
    about = json.dumps(about_file(profiles.var, profiles.uns), default=str).encode()
    metadata = {**(table.schema.metadata or {}), FILE_METADATA: about}
    pq.write_table(table.replace_schema_metadata(metadata), path, compression="zstd")


def about_file(var: pd.DataFrame, uns: Mapping[str, Any], /) -> dict[str, Any]:
    """What a Parquet file of ours says of its features and of what made them.

    Parameters
    ----------
    var
        Describes the d features.
    uns
        Of the profiles.

    Returns
    -------
    dict[str, Any]
        For the metadata of the file.

    """
    described = {c: var[c].astype(str).tolist() for c in var.columns}
    said = {k: v for k, v in uns.items() if k not in _READING}
    return {"features": list(var.index), "var": described, "uns": said, "version": __version__}


def _write_csv(profiles: anndata.AnnData, path: Path) -> None:
    texts.write_csv(to_frame(profiles), path, separator="\t" if ".tsv" in path.name else ",")


def as_stored(profiles: anndata.AnnData, /) -> anndata.AnnData:
    """A copy that holds what HDF5 and Zarr can store: plain strings and numbers; nested `uns` entries become JSON.

    Parameters
    ----------
    profiles
        Profiles.

    Returns
    -------
    anndata.AnnData
        The copy.

    """
    copy = profiles.copy()
    nested = {k: v for k, v in profiles.uns.items() if isinstance(v, list | dict) and k != _STAMP}
    copy.uns = {k: json.dumps(v, default=str) if k in nested else v for k, v in profiles.uns.items() if k not in _READING}
    for column in copy.obs:
        if copy.obs[column].dtype == object or isinstance(copy.obs[column].dtype, pd.StringDtype):
            copy.obs[column] = as_text(copy.obs[column]).fillna("").astype(object)
    return copy


def _write_zarr(profiles: anndata.AnnData, path: Path) -> None:
    with anndata.settings.override(zarr_write_format=3, auto_shard_zarr_v3=False), warnings.catch_warnings():
        # AnnData consolidates the metadata of each Zarr that it writes; the format 3 text does not know that yet.
        warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
        as_stored(profiles).write_zarr(path)


_WRITERS: dict[str, Callable[[anndata.AnnData, Path], None]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".csv.gz": _write_csv,
    ".tsv": _write_csv,
    ".tsv.gz": _write_csv,
    ".h5ad": lambda profiles, path: as_stored(profiles).write_h5ad(path),
    ".zarr": _write_zarr,
    ".plates": dataset.write,
}
