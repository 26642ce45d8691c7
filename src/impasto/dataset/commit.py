"""The one moment at which a folder of plates changes: its tables are written under new names, then `dataset.json` is replaced.

A reader sees the plates of before or those of after. Next month's plates are added so: no plate is written again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import anndata
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from impasto import commit_point, records, texts, whole
from impasto.dataset import member, order
from impasto.schema import FEATURE
from impasto.version import __version__

FORMAT = 1
MEMBERS, FEATURES, OBS = "members", "features", "obs"
TABLES = (MEMBERS, FEATURES, OBS)
LOCK = ".lock"
"""The lock in a folder that is added to in place."""
_BLOCK = 1 << 17
COLUMNS = (*order.KEYS, "file", "rows", "bytes", "sha256", "content", "missing", "fitted", "cpu")
_READING = ("columns", "columns_left_out", "features_from", "unknown_words", "read_as", "plates_without_a_file")
"""What `uns` says of how a table was read; it speaks of that table."""


def row_of(folder: Path, facts: member.Facts, /, *, fitted: str = "", sha256: str | None = None) -> dict[str, Any]:
    """The row of a member in the table of members.

    Parameters
    ----------
    folder
        The folder of the dataset, which holds the member's file.
    facts
        What `write_member` returned.
    fitted
        The digest of the fitted steps that corrected it.
    sha256
        Of the file, where it is known.

    Returns
    -------
    dict[str, Any]
        A value a column of `COLUMNS`.

    """
    file = order.file_of(facts.key)
    path = folder / file
    return {
        **dict(zip(order.KEYS, facts.key, strict=True)),
        "file": file,
        "rows": facts.rows,
        "bytes": path.stat().st_size,
        "sha256": records.content(path) if sha256 is None else sha256,
        "content": facts.content,
        "missing": facts.missing,
        "fitted": fitted,
        "cpu": cpu(),
    }


@cache
def cpu() -> str:
    """The processor of this machine: sums of floats may differ in the last bit from one family to another.

    Returns
    -------
    str
        Its name, or the architecture where the system does not say.

    """
    with contextlib.suppress(OSError):
        for line in texts.read(Path("/proc/cpuinfo")).splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def commit(
    folder: Path,
    rows: Sequence[Mapping[str, Any]],
    features: pd.DataFrame,
    /,
    *,
    obs: Iterable[pa.Table] | None = None,
    uns: Mapping[str, Any] | None = None,
    quarantined: Sequence[Mapping[str, str]] = (),
) -> None:
    """Write the tables of a dataset whose members lie in its folder, then its commit point.

    Parameters
    ----------
    folder
        The folder of the dataset.
    rows
        A row a member, as `row_of` gives them, sorted by plate.
    features
        The `var` table.
    obs
        The annotation of each member, in the order of `rows`; read from the members where it is left out.
    uns
        What made the profiles.
    quarantined
        Plates that are not there, each with its reason.

    Raises
    ------
    InputError
        A member cannot be read.

    """
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    said = {k: v for k, v in (uns or {}).items() if k not in _READING}
    parts = (member.obs_in(folder / file) for file in table["file"]) if obs is None else obs
    annotation = pa.concat_tables((_coded(part) for part in parts), promote_options="permissive").unify_dictionaries()
    var = features.rename_axis(FEATURE).reset_index().astype(str)
    tables = {
        MEMBERS: pa.Table.from_pandas(table, preserve_index=False),
        FEATURES: pa.Table.from_pandas(var, preserve_index=False),
        OBS: annotation,
    }
    described = {name: _written(folder, name, tables[name].replace_schema_metadata(None)) for name in TABLES}
    before = commit_point.read(folder) or {}
    point = {
        "format": FORMAT,
        "version": __version__,
        "plates": len(table),
        "rows": int(table["rows"].sum()),
        "width": len(features),
        "content": _content(table, var, said),
        "tables": described,
        "uns": said,
        "quarantine": [dict(plate) for plate in quarantined],
    }
    with whole.replacing(folder / commit_point.FILE) as temporary:
        texts.write(temporary, whole.as_json(point))
    whole.sync(folder, deep=False)
    current = {entry["file"] for entry in described.values()}
    for old in (entry["file"] for entry in before.get("tables", {}).values()):
        if old not in current:
            (folder / old).unlink(missing_ok=True)


def _coded(annotation: pa.Table) -> pa.Table:
    """Text as codes, so that the annotation of thousands of plates stays small."""
    columns = [c.dictionary_encode() if pa.types.is_string(c.type) else c for c in annotation.columns]
    return pa.table(columns, names=annotation.column_names)


def _written(folder: Path, name: str, table: pa.Table) -> dict[str, str]:
    """Write a table under a name that holds its digest; say which."""
    partial = whole.beside(folder / f"{name}.parquet")
    # As text again, in blocks of fixed length: codes would depend on the order in which plates came to the dataset.
    plain = pa.schema([f.with_type(pa.string()) if pa.types.is_dictionary(f.type) else f for f in table.schema])
    with pq.ParquetWriter(partial, plain, compression="zstd", compression_level=1) as writer:
        for start in range(0, max(1, len(table)), _BLOCK):
            writer.write_table(table.slice(start, _BLOCK).cast(plain))
    whole.sync(partial)
    sha256 = records.content(partial)
    file = f"{name}.{sha256[:8]}.parquet"
    partial.replace(folder / file)
    return {"file": file, "sha256": sha256}


def _content(members: pd.DataFrame, var: pd.DataFrame, uns: Mapping[str, Any]) -> str:
    total = hashlib.sha256(json.dumps([var.to_dict("list"), uns], sort_keys=True, default=str).encode())
    for row in members[[*order.KEYS, "content"]].itertuples(index=False):
        total.update("\0".join(row).encode() + b"\n")
    return total.hexdigest()


def write(profiles: anndata.AnnData, folder: Path, /) -> None:
    """Write profiles as a dataset into a folder that nobody reads yet.

    Parameters
    ----------
    profiles
        n profiles, with the column `plate`.
    folder
        A folder that is not there.

    Raises
    ------
    InputError
        A row names no plate.

    """
    rows = [add_member(plate, folder) for plate in order.plates_of(profiles, task="a folder of plates")]
    commit(folder, rows, profiles.var, uns=profiles.uns)


def add_member(plate: anndata.AnnData, folder: Path, /, *, fitted: str = "") -> dict[str, Any]:
    """Write one plate into the folder of a dataset, whole or not at all. It is no member before the next commit.

    Parameters
    ----------
    plate
        The rows of one plate.
    folder
        The folder of the dataset.
    fitted
        The digest of the fitted steps that corrected it.

    Returns
    -------
    dict[str, Any]
        Its row in the table of members.

    """
    with whole.replacing(folder / order.file_of(order.key_of(plate.obs))) as temporary:
        facts = member.write_member(plate, temporary)
    return row_of(folder, facts, fitted=fitted)


def link(path: Path, place: Path, /) -> None:
    """Give a finished file a place in a dataset: the same file under another name, or a copy where the file system has no such names.

    Parameters
    ----------
    path
        The file.
    place
        Where it belongs.

    """
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, place)
    except OSError:
        shutil.copy2(path, place)
