"""CytoTable's conversion of a folder of CSV, for the table of `cells`: run by an interpreter of its own (`make bench` makes one).

    python benchmarks/cytotable_csv.py FOLDER RESULT        CPU seconds and peak MB

It reads CSV by DuckDB, and asks the network for DuckDB's extension for SQLite even where no SQLite is read. Here that is left out: a plain
connection with one thread stands for its own.
"""

from __future__ import annotations

import importlib
import resource
import sys

WHOSE = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def convert(folder: str, result: str) -> None:
    """Join the tables of a folder into one Parquet, by CytoTable's own preset."""
    import duckdb
    from parsl.config import Config
    from parsl.executors import ThreadPoolExecutor

    def reader() -> object:
        connection = duckdb.connect()
        connection.execute("set threads = 1; set preserve_insertion_order = false;")
        return connection

    modules = [importlib.import_module(f"cytotable.{name}") for name in ("utils", "sources", "convert")]
    for module in modules:
        if hasattr(module, "_duckdb_reader"):
            module._duckdb_reader = reader  # type: ignore[attr-defined]
    config = Config(executors=[ThreadPoolExecutor(max_threads=1)], run_dir=f"{result}.runs")
    modules[-1].convert(
        source_path=folder, dest_path=result, dest_datatype="parquet", preset="cellprofiler_csv", chunk_size=3000, parsl_config=config
    )


def main() -> None:
    convert(sys.argv[1], sys.argv[2])
    usages = [resource.getrusage(who) for who in WHOSE]
    seconds = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    print(f"{seconds:.3f} {round(max(usage.ru_maxrss for usage in usages) / 1024)}")


if __name__ == "__main__":
    main()
