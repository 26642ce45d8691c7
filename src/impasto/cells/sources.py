"""What tables of cells come in: every layout is opened as one or more runs. `READERS` says by which reader a path is opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from impasto import border, tables
from impasto.cellprofiler_tables import NUMBER, OBJECT
from impasto.families import Family
from impasto.object_tables.run import Run, TableReader
from impasto.schema import InputError

READERS: Family[TableReader] = Family(
    "cell_readers",
    what="reader of tables of cells",
    parts={
        "sqlite": "impasto.object_tables.sqlite_run:READER",
        "csv": "impasto.object_tables.csv_run:READER",
        "cytotable": "impasto.cells.cytotable_run:READER",
        "deepprofiler": "impasto.object_tables.deepprofiler_run:READER",
        "h5sc": "impasto.cells.h5sc_run:READER",
    },
)
"""Name -> reader. They are asked in the order of their names."""


def fits(path: Path, /) -> bool:
    """Whether a path is a table of cells.

    Parameters
    ----------
    path
        A file or folder that is there.

    Returns
    -------
    bool
        True where a reader of the family opens it.

    """
    return any(READERS[name].fits(path) for name in READERS)


def open_all(paths: Sequence[Path], /) -> list[Run]:
    """The runs of all paths.

    Parameters
    ----------
    paths
        Files and folders.

    Returns
    -------
    list[Run]
        In the order of the paths.

    Raises
    ------
    InputError
        No reader knows a path, it does not exist, or it holds no objects.

    """
    runs: list[Run] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} does not exist; check the path")
        reader = next((READERS[name] for name in READERS if READERS[name].fits(path)), None)
        if reader is None:
            examples = "; ".join(READERS[name].example for name in READERS)
            raise InputError(f"{path} holds no table of cells that is known{_damage(path)}; allowed: {examples}")
        own = reader.open(path)
        if not any(run.objects for run in own):
            raise InputError(
                f"{path} holds no table of objects beside its images (a row an object, with {NUMBER} and {OBJECT}); export Cells, Nuclei "
                "or others too"
            )
        runs += own
    return runs


def _damage(path: Path) -> str:
    """What is wrong with the first Parquet file that cannot be read, in brackets; nothing where all can."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if file.is_file() and tables.kind(file) == tables.PARQUET:
            try:
                pq.read_schema(file)
            except (OSError, pa.ArrowException) as error:
                return f" ({file.name} cannot be read: {border.cause(error)}; it may be truncated: copy it again)"
    return ""
