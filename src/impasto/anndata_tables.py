"""AnnData of other programs as one table: values in X, a layer, raw or obsm; annotation in obs or in the names of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import border, feature_names, schema
from impasto.schema import InputError

RAW = "raw"
_PLATE_AND_WELL = r"^(?P<plate>.+)[_:\-](?P<well>[^_:\-]+)$"


def open_file(path: Path, /) -> anndata.AnnData:
    """Open an .h5ad or .zarr.

    Parameters
    ----------
    path
        Of the file or store.

    Returns
    -------
    anndata.AnnData
        As it is written.

    Raises
    ------
    InputError
        It is of another kind (HDF5 or Zarr without a table), or damaged.

    """
    if not path.is_dir():
        with h5py.File(path) as file:
            lacking = [name for name in ("obs", "var") if name not in file]
            if lacking:
                raise InputError(
                    f"{path} is HDF5 without {' and '.join(lacking)} (it holds {', '.join(map(str, file)) or 'nothing'}), so no AnnData; "
                    "write it with anndata, or as CSV or Parquet"
                )
        with border.reading(path, "table of anndata"):
            return anndata.read_h5ad(path)
    tables = sorted(p.name for p in (path / "tables").iterdir() if p.is_dir()) if (path / "tables").is_dir() else []
    if tables:
        raise InputError(f"{path} is a SpatialData store; its tables: {', '.join(tables)}; give one of them: {path / 'tables' / tables[0]}")
    if not any((path / name).exists() for name in ("X", "obs", "var")):
        attributes = "".join(p.read_text(encoding="utf-8", errors="ignore") for n in (".zattrs", "zarr.json") if (p := path / n).exists())
        if '"multiscales"' in attributes:
            raise InputError(f"{path} is one OME-Zarr image, not a plate; give the plate that holds it, or list its images in a sheet")
        raise InputError(f"{path} is a Zarr store without a table (obs, var, X); give profiles that anndata wrote")
    border.refuse_odd_within(path)
    with border.reading(path, "table of anndata"):
        return anndata.read_zarr(path)


def to_frame(data: anndata.AnnData, /, *, where: str, layer: str | None = None) -> tuple[pd.DataFrame, list[str], list[str]]:
    """An AnnData as a table.

    Parameters
    ----------
    data
        n rows.
    where
        The name of the file, for error sentences.
    layer
        Where the values stand: the name of a layer or of an obsm, or `raw`; X by default.

    Returns
    -------
    table : pandas.DataFrame
        n rows, annotation first.
    features : list[str]
        The names of its features.
    how : list[str]
        What was inferred, in sentences.

    Raises
    ------
    InputError
        Where X is empty and no layer was chosen, or features share a name.

    """
    values, names = _values(data, where=where, layer=layer)
    doubled = pd.Index(names)[pd.Index(names).duplicated()]
    if len(doubled):
        raise InputError(
            f"{where}: {len(doubled)} features share their name (first: {doubled[0]!r}); make them unique (var_names_make_unique)"
        )
    how = [f"values from {layer}"] if layer else []
    obs = data.obs.reset_index(drop=True)
    row_names = data.obs_names.astype(str)
    if not row_names.str.fullmatch(r"\d+").all():
        how.append("names of rows are kept as obs_name")
        obs = obs.assign(Metadata_obs_name=row_names.to_numpy())
        parts = row_names.to_series().str.extract(_PLATE_AND_WELL)
        words = {str(c).lower().removeprefix("metadata_") for c in data.obs.columns}
        if len(parts) and parts["well"].map(schema.is_well).all() and not words & {schema.PLATE, schema.WELL}:
            obs = obs.assign(Metadata_Plate=parts["plate"].to_numpy(), Metadata_Well=parts["well"].to_numpy())
            how.append("plate and well from the names of rows (PLATE_WELL)")
    table = pd.concat([obs, pd.DataFrame(values, columns=names)], axis=1)
    return table, [name for name in names if not name.startswith("Metadata_")], how


def _values(data: anndata.AnnData, *, where: str, layer: str | None) -> tuple[npt.NDArray[Any], list[str]]:
    choices = [f"layers {', '.join(data.layers)}"] if len(data.layers) else []
    choices += [f"obsm {name} ({np.shape(data.obsm[name])[1]})" for name in data.obsm]
    choices += [RAW] if data.raw is not None else []
    listing = ", ".join(choices) or "there is none"
    if layer is None:
        if data.X is None or data.n_vars == 0:
            raise InputError(f"{where} holds no values in X; choose with --layer: {listing}")
        return _dense(data.X), [str(name) for name in data.var_names]
    if layer in data.layers:
        return _dense(data.layers[layer]), [str(name) for name in data.var_names]
    if layer in data.obsm:
        values = data.obsm[layer]
        if isinstance(values, pd.DataFrame):
            return values.to_numpy(), [str(name) for name in values.columns]
        return _dense(values), feature_names.embedding_names("", values.shape[1])
    if layer == RAW and data.raw is not None:
        return _dense(data.raw.X), [str(name) for name in data.raw.var_names]
    raise InputError(f"{where} has no layer {layer!r}{schema.nearest(layer, [*data.layers, *data.obsm])}; choose with --layer: {listing}")


def _dense(values: Any) -> npt.NDArray[Any]:
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values)
