"""Profiles larger than memory: annotation is read, the values stay in the file and are read row by row.

An `.h5ad` file keeps X in one uncompressed piece unless it is asked to compress (as `profiles.write` and `anndata` do), so its rows can
be mapped into memory; half precision halves the file.
"""

from __future__ import annotations

from pathlib import Path

import anndata
import h5py
import numpy as np

from impasto import profiles, remote, spelling
from impasto.schema import InputError


def read(path: Path | str) -> anndata.AnnData:
    """Read profiles whose values stay in the file.

    Parameters
    ----------
    path
        An .h5ad file whose X lies in one uncompressed piece.

    Returns
    -------
    anndata.AnnData
        X is a `numpy.memmap` of the file, in its own precision.

    Raises
    ------
    InputError
        The file is missing, is no .h5ad, keeps X compressed, in chunks or sparse, or holds no rows.

    """
    path = remote.local(path)
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path")
    if path.suffix != ".h5ad":
        raise InputError(f"{path}: rows can be read from the file only in .h5ad; write it so, or leave out stored")
    with h5py.File(path) as file:
        values = file["X"]
        offset = values.id.get_offset() if isinstance(values, h5py.Dataset) else None
        if offset is None or values.chunks is not None:
            raise InputError(f"{path}: X is compressed, in chunks or sparse; write it uncompressed, or leave out stored")
        mapped = np.memmap(path, dtype=values.dtype, mode="r", offset=offset, shape=values.shape)
    backed = anndata.read_h5ad(path, backed="r")
    annotation = spelling.named_by_their_names(spelling.annotation(backed.obs, where=str(path)))
    obs, _ = spelling.with_kinds(annotation)
    uns = {key: backed.uns[key] for key in backed.uns}
    backed.file.close()
    if not len(obs):
        raise InputError(f"{path} holds no rows; make it again, and see what was left out")
    return anndata.AnnData(X=mapped, obs=obs, var=profiles.describe_features([str(name) for name in backed.var_names]), uns=uns)
