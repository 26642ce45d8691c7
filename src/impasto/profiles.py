"""Profiles: the one value that crosses a stage border. Read, write, select, aggregate.

Profiles are an `anndata.AnnData`: `obs` says where and what (the words of `schema`), `var` says which feature, channel,
compartment and group, `X` is float32. On disk: Parquet or CSV with the community's `Metadata_` columns, `.h5ad`, `.zarr`.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from impasto import __version__, feature_names, identity, profile_sources, remote, runs, schema, spelling
from impasto.profile_sources import FILE_METADATA, Source
from impasto.schema import InputError
from impasto.spelling import Choices

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
        `.parquet`, `.csv`, `.csv.gz`, `.tsv`, `.tsv.gz`, `.h5ad` or `.zarr`.

    Raises
    ------
    InputError
        The name ends in none of these.

    """
    for known in sorted(schema.PROFILES_FILES, key=len, reverse=True):
        if path.name.lower().endswith(known):
            return known
    raise InputError(f"{path}: cannot tell the kind of file from its name; allowed: {', '.join(schema.PROFILES_FILES)}")


# ---------------------------------------------------------------- tables <-> AnnData
def from_frame(
    frame: pd.DataFrame,
    *,
    where: str,
    choices: Choices | None = None,
    source: Source | None = None,
    kinds: bool = True,
) -> anndata.AnnData:
    """Make Profiles of a table, one row a site, well or perturbation.

    Parameters
    ----------
    frame
        Annotation columns (with or without a `Metadata_` prefix) and numeric feature columns.
    where
        The name of the table, for error sentences.
    choices
        What the user says of its columns; otherwise they are told by their spelling.
    source
        What is known of the table's features.
    kinds
        Whether kinds of wells become our words; False leaves them as written, for a join to come.

    Returns
    -------
    AnnData
        Profiles of the n rows. `uns` says which column was taken for which word (`columns`), which bookkeeping is left out
        (`columns_left_out`), how features were recognised (`features_from`), and which words are no known kind of well (`unknown_words`).

    Raises
    ------
    InputError
        A column cannot be used, or the table has no features.

    """
    source = source or Source(frame)
    parts = spelling.sort(frame, where=where, choices=choices, known=source.known, ours=source.ours)
    obs, unknown_words = spelling.with_kinds(parts.obs) if kinds else (parts.obs, {})
    obs.index = pd.RangeIndex(len(obs)).astype(str)
    values = frame[parts.features].to_numpy(dtype=np.float32, na_value=np.nan)
    uns = {
        "columns": parts.taken,
        "columns_left_out": parts.left_out,
        "features_from": parts.how,
        "unknown_words": unknown_words,
        "read_as": list(source.how),
    }
    unit = obs.attrs.pop("unit", None)
    if unit:
        uns["concentration_unit"] = unit
    return anndata.AnnData(X=values, obs=obs, var=describe_features(parts.features), uns=uns)


def describe_features(names: Sequence[str]) -> pd.DataFrame:
    """The `var` table of features known by name only.

    Parameters
    ----------
    names
        d names of features.

    Returns
    -------
    DataFrame, d rows
        Compartment, group and channel of each feature; `""` where the name does not say.

    """
    parsed = [feature_names.parse(name) for name in names]
    parts = {part: [getattr(p, part) for p in parsed] for part in (schema.COMPARTMENT, schema.GROUP, schema.CHANNEL)}
    return pd.DataFrame(parts, index=pd.Index(names, name=schema.FEATURE, dtype=str))


def to_frame(profiles: anndata.AnnData) -> pd.DataFrame:
    """The table of Profiles as it is written to disk.

    Parameters
    ----------
    profiles
        n profiles of d features.

    Returns
    -------
    DataFrame, n rows
        `Metadata_` columns first (the prefix is added where a name has none), then the d features.

    """
    obs = profiles.obs.rename(columns=lambda c: c if c.startswith(spelling.PREFIX) else spelling.PREFIX + c).reset_index(drop=True)
    features = pd.DataFrame(dense(profiles), columns=profiles.var_names)
    return pd.concat([obs, features], axis=1)


def dense(profiles: anndata.AnnData) -> npt.NDArray[np.float32]:
    """The values of profiles.

    Parameters
    ----------
    profiles
        n profiles of d features.

    Returns
    -------
    ndarray of float32, shape (n, d)
        Not a copy where `X` is float32 already.

    """
    return np.asarray(profiles.X, dtype=np.float32)


# ---------------------------------------------------------------- files
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
        CSV, TSV, Excel, Parquet (a file or a folder), .h5ad, .zarr, SQLite, a folder of CellProfiler's tables or of DeepProfiler's
        features.
    columns
        Which column means what, as word -> column (`{"well": "Assay_Plate_Well"}`); found by spelling otherwise.
    features
        A regular expression that names the feature columns, or `rest` for every other numeric column; told by form otherwise.
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
    AnnData
        Profiles of all rows; `uns` says how the table was read (see `from_frame`).

    Raises
    ------
    InputError
        The file cannot be used, or holds no rows. The sentence begins with its name.

    """
    path = remote.local(path)
    source = profile_sources.read(path, layer=layer, sheet=sheet, encoding=encoding)
    if not len(source.frame) and not (may_be_empty and source.ours):
        raise InputError(f"{path} {_NO_ROWS}")
    choices = Choices(columns or {}, features, annotation, leave_out)
    profiles = from_frame(source.frame, where=str(path), choices=choices, source=source, kinds=kinds)
    if source.var is not None:
        profiles.var = source.var.reindex(profiles.var_names).astype(str).fillna("")
    profiles.uns.update({k: _nested(v) for k, v in source.uns.items() if k not in (*profiles.uns, _STAMP)})
    return profiles


def _nested(value: Any) -> Any:
    """An `uns` entry as it was before `_strings` wrote it."""
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
    extra: dict[str, Any] = {
        "features": list(profiles.var_names),
        "var": {c: profiles.var[c].astype(str).tolist() for c in profiles.var.columns},
        "uns": {k: v for k, v in profiles.uns.items() if k not in _READING},
        "version": __version__,
    }
    metadata = {**(table.schema.metadata or {}), FILE_METADATA: json.dumps(extra, default=str).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path, compression="zstd")


def _write_csv(profiles: anndata.AnnData, path: Path) -> None:
    to_frame(profiles).to_csv(path, index=False, sep="\t" if ".tsv" in path.name else ",")


def _strings(profiles: anndata.AnnData) -> anndata.AnnData:
    """A copy that holds what HDF5 and Zarr can store: plain strings and numbers; nested `uns` entries become JSON."""
    copy = profiles.copy()
    nested = {k: v for k, v in profiles.uns.items() if isinstance(v, list | dict) and k != _STAMP}
    copy.uns = {k: json.dumps(v, default=str) if k in nested else v for k, v in profiles.uns.items() if k not in _READING}
    for column in copy.obs:
        if copy.obs[column].dtype == object or isinstance(copy.obs[column].dtype, pd.StringDtype):
            copy.obs[column] = copy.obs[column].astype("string").fillna("").astype(object)
    return copy


def _write_zarr(profiles: anndata.AnnData, path: Path) -> None:
    with anndata.settings.override(zarr_write_format=3, auto_shard_zarr_v3=False), warnings.catch_warnings():
        # AnnData consolidates the metadata of every Zarr it writes; the format 3 text does not know that yet.
        warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
        _strings(profiles).write_zarr(path)


_WRITERS: dict[str, Callable[[anndata.AnnData, Path], None]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".csv.gz": _write_csv,
    ".tsv": _write_csv,
    ".tsv.gz": _write_csv,
    ".h5ad": lambda profiles, path: _strings(profiles).write_h5ad(path),
    ".zarr": _write_zarr,
}


# ---------------------------------------------------------------- select, aggregate
def require(profiles: anndata.AnnData, *words: str, task: str) -> None:
    """Raise InputError unless obs has all these words."""
    missing = [w for w in words if w not in profiles.obs]
    if missing:
        raise InputError(
            f"{task} needs the column {missing[0]!r}, and the profiles have {schema.listed(profiles.obs.columns)}; "
            f"say which it is with --set columns.{missing[0]}=NAME"
        )


def with_features(profiles: anndata.AnnData, features: Sequence[str], /) -> anndata.AnnData:
    """The profiles with the features of a trained run, by name and in its order.

    Parameters
    ----------
    profiles
        n profiles.
    features
        The d features of the run.

    Returns
    -------
    AnnData, n rows of d features
        A copy.

    Raises
    ------
    InputError
        A feature is missing. The sentence counts them and names the first.

    """
    missing = [f for f in features if f not in profiles.var_names]
    if missing:
        raise InputError(
            f"{len(missing)} of the {len(features)} features this run was trained on are not in the profiles (first: {missing[0]!r}); "
            "give profiles made by the same pipeline"
        )
    return profiles[:, list(features)].copy()


def aggregate(profiles: anndata.AnnData, *, by: Sequence[str], statistic: str = "median") -> anndata.AnnData:
    """One row a group, in sorted order.

    Parameters
    ----------
    profiles
        n profiles of d features.
    by
        Columns whose values name a group.
    statistic
        `median` or `mean` of each feature over the rows of a group.

    Returns
    -------
    AnnData, one row a group
        `obs["n_rows"]` counts the rows of each group. Annotation stays where a group agrees on it. `cell_count` is summed over the sites of
        a well, else averaged.

    Raises
    ------
    InputError
        A column is missing, or the statistic is neither.

    """
    schema.one_of(statistic, ("mean", "median"), what="statistic")
    require(profiles, *by, task="aggregation")
    keys = [profiles.obs[word].astype("string").fillna("") for word in by]
    grouped = pd.DataFrame(dense(profiles)).groupby([k.to_numpy() for k in keys], sort=True)
    values = grouped.mean() if statistic == "mean" else grouped.median()
    codes = grouped.ngroup().to_numpy()
    first = pd.Series(np.arange(len(codes))).groupby(codes).first().to_numpy()
    obs = profiles.obs.iloc[first].reset_index(drop=True)
    for column in obs.columns.difference(list(by)):
        if profiles.obs[column].groupby(codes).nunique(dropna=False).max() > 1:
            if column == schema.CELL_COUNT:
                statistics = profiles.obs[column].astype(float).groupby(codes)
                obs[column] = (statistics.sum() if schema.WELL in by else statistics.mean()).to_numpy()
            else:
                obs = obs.drop(columns=column)
    obs["n_rows"] = np.bincount(codes)
    obs.index = pd.RangeIndex(len(obs)).astype(str)
    return anndata.AnnData(X=values.to_numpy(np.float32), obs=obs, var=profiles.var.copy(), uns=dict(profiles.uns))


def blocks(
    profiles: anndata.AnnData, *, by: str = "channel", among: Sequence[str] | None = None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_], list[str]]:
    """The features of each channel (or compartment, or group) side by side.

    Parameters
    ----------
    profiles
        Profiles of n rows.
    by
        `channel`, `compartment` or `group`. A correlation of two channels counts in both; features without a channel
        (shape, neighbours) make a block of their own, named `shape`.
    among
        The blocks to give, in this order; all that are there, sorted, by default.

    Returns
    -------
    values : ndarray of float32, shape (n, blocks, widest)
        The features of each block first, then zeros.
    mask : ndarray of bool, shape (blocks, widest)
        True where there is a feature: a zero never means "absent".
    names : list of str
        The blocks.

    Raises
    ------
    InputError
        A block of `among` has no feature.

    """
    schema.one_of(by, (schema.CHANNEL, schema.COMPARTMENT, schema.GROUP), what="kind of block")
    labels = [str(v).split("|") if v else ["shape"] for v in profiles.var[by]]
    names = list(among) if among is not None else sorted({n for many in labels for n in many})
    columns = {name: [i for i, many in enumerate(labels) if name in many] for name in names}
    empty = [name for name, found in columns.items() if not found]
    if empty:
        raise InputError(
            f"the profiles have no feature of {by} {empty[0]!r}; they have {', '.join(sorted({n for m in labels for n in m}))}"
        )
    widest = max(map(len, columns.values()))
    values = np.zeros((profiles.n_obs, len(names), widest), dtype=np.float32)
    mask = np.zeros((len(names), widest), dtype=bool)
    whole = dense(profiles)
    for number, name in enumerate(names):
        values[:, number, : len(columns[name])] = whole[:, columns[name]]
        mask[number, : len(columns[name])] = True
    return values, mask, names


def join_common(tables: Sequence[anndata.AnnData]) -> anndata.AnnData:
    """Stack Profiles over their common features, in the order of the first.

    Parameters
    ----------
    tables
        Profiles of the same pipeline.

    Returns
    -------
    AnnData
        All rows. `uns["features_dropped"]` counts the other features. What made the tables (`identity`) stays where it is the same for all.

    Raises
    ------
    InputError
        They have no feature in common, or different encoders or corrections made them.

    """
    made = identity.common(tables)
    common = [f for f in tables[0].var_names if all(f in t.var_names for t in tables[1:])]
    if not common:
        raise InputError("the tables have no feature in common, so they cannot be stacked; were they made by the same pipeline?")
    values = np.concatenate([dense(t[:, common]) for t in tables])
    obs = pd.concat([t.obs for t in tables], ignore_index=True)
    obs.index = obs.index.astype(str)
    dropped = len({f for t in tables for f in t.var_names}) - len(common)
    joined = anndata.AnnData(X=values, obs=obs, var=tables[0].var.loc[common], uns={"features_dropped": dropped})
    identity.put(joined, made)
    return joined
