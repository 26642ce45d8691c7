"""A LoadData table of millions of planes with s3:// URLs: from Parquet to images.parquet, and back as sites; peak memory of each."""

from __future__ import annotations

import itertools
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.timing import Row
from impasto.plates import files, images, planes
from impasto.plates.reader import Asked
from impasto.plates.sites import Sites

_CHANNELS = ("DNA", "ER", "RNA", "AGP", "Mito")
_SITES = 384 * 9
"""Sites of a plate."""
_MEASURED, _WANTED = 1_000_000, 8_000_000


def rows() -> Iterator[Row]:
    measured = {number: _in_a_process(number) for number in (_SITES * len(_CHANNELS), _MEASURED)}
    (_, base, _, base_back), (wall, peak, wall_back, peak_back) = measured.values()
    for what, clock, low, high in (
        (f"LoadData Parquet of {_MEASURED:,} planes to images.parquet", wall, base, peak),
        (f"images.parquet of {_MEASURED:,} planes back as sites", wall_back, base_back, peak_back),
    ):
        whole = low + (high - low) * _WANTED / _MEASURED
        each = (high - low) / _MEASURED * 1e9
        yield Row(what, clock, None, "", f"{each:.0f} bytes a plane; {_WANTED:,} planes: {whole:.2f} GB, aim: under 2 GB")


def _in_a_process(number: int) -> list[float]:
    """Seconds and peak gigabytes of the way there, and of the way back."""
    with tempfile.TemporaryDirectory() as base:
        make(Path(base) / "load_data.parquet", number)
        told: list[float] = []
        for step in ("there", "back"):
            command = [sys.executable, "-m", "benchmarks.loaddata", step, base]
            told += map(float, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
        return told


def make(path: Path, number: int) -> None:
    """Write a table of so many planes, plate by plate, as the Cell Painting Gallery does."""
    writer = None
    for plate in range(max(1, number // (_SITES * len(_CHANNELS)))):
        barcode, batch = f"BR{plate:08d}", f"2021_04_26_Batch{plate // 50}"
        folder = f"s3://cellpainting-gallery/cpg0016-jump/source_4/images/{batch}/images/{barcode}__2021-05-02T16_02_51-Measurement1/Images"
        places = list(itertools.product(range(1, 17), range(1, 25), range(1, 10)))
        columns: dict[str, list[str]] = {
            f"URL_Orig{channel}": [f"{folder}/r{r:02d}c{c:02d}f{f:02d}p01-ch{n}sk1fk1fl1.tiff" for r, c, f in places]
            for n, channel in enumerate(_CHANNELS, start=1)
        }
        columns |= {"Metadata_Source": ["source_4"] * _SITES, "Metadata_Batch": [batch] * _SITES, "Metadata_Plate": [barcode] * _SITES}
        columns |= {"Metadata_Well": [f"{chr(64 + r)}{c:02d}" for r, c, _ in places], "Metadata_Site": [str(f) for _, _, f in places]}
        part = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, part.schema)
        writer.write_table(part)
    if writer is not None:
        writer.close()


def main(step: str, base: Path) -> None:
    """One step in a process of its own: its seconds and peak memory in GB."""
    start = time.perf_counter()
    table = base / "images.parquet"
    if step == "there":
        source = str(base / "load_data.parquet")
        found = images.of_listings([(source, files.listing(source))], Asked(), images.Choices())
        planes.write(found.planes, table)
        images.told_plates(found.planes, found.looks)
    else:
        sites = Sites(planes.read(table), pd.DataFrame(), folder=base)
        assert len(sites.channels) == len(_CHANNELS)
    print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
