"""Listings of images: all presets over 100,000 names, a Phenix plate of 27,648 images with its index, the memory of millions of planes."""

from __future__ import annotations

import itertools
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import tifffile

from benchmarks.timing import Row, both_clocks, seconds
from impasto.plates import images, names, patterns, planes
from impasto.plates.listing import Folder, Listing
from impasto.plates.reader import Asked

_MEASURED, _WANTED = 1_000_000, 8_000_000
_STAINS = ("DNA", "ER", "RNA", "AGP", "Mito", "Actin", "Golgi", "Tubulin")


def rows() -> Iterator[Row]:
    yield from _presets()
    yield _phenix()
    yield _listing()


def _presets() -> Iterator[Row]:
    files = Listing("/data", tuple(itertools.islice(_plates(), 6)))
    every = patterns.presets()
    _, cpu = both_clocks(lambda: [names.fits(preset, files) for preset in every])
    yield Row(f"{len(files):,} names: which of {len(every)} presets fits", cpu, None, "", "processor time; aim 3 s")

    def whole() -> None:
        for preset in every:
            match = preset.regex.fullmatch
            for folder in files.folders:
                sum(match(name) is not None for name in folder.names.to_pylist())

    yield Row(f"{len(files):,} names, each by all presets", both_clocks(whole)[1], None, "", "processor time; aim 3 s")


def _plates(fields: int = 9, channels: int = 5) -> Iterator[Folder]:
    """Listings of Phenix plates of 384 wells, without end."""
    named = [_name(*place) for place in itertools.product(range(1, 17), range(1, 25), range(1, fields + 1), range(1, channels + 1))]
    for number in itertools.count():
        batch = f"/data/cpg0016-jump/source_4/images/2021_04_26_Batch{number // 50}/images"
        yield Folder(f"{batch}/BR{number:08d}__2021-05-02T16_02_51-Measurement1/Images", pa.array(named, pa.string()))


def _name(row: int, column: int, field: int, channel: int) -> str:
    return f"r{row:02d}c{column:02d}f{field:02d}p01-ch{channel}sk1fk1fl1.tiff"


def _phenix() -> Row:
    """The command from start to end on a plate of 384 wells, 9 fields, 8 channels, whose index has all that Harmony writes of an image."""
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base) / "BR00117035__2021-05-02T16_02_51-Measurement1" / "Images"
        folder.mkdir(parents=True)
        more = "".join(f"<Value{i}>1.234567E-05</Value{i}>" for i in range(34))
        entries = []
        tifffile.imwrite(folder / "one.tiff", np.arange(64, dtype=np.uint16).reshape(8, 8))
        pixels = (folder / "one.tiff").read_bytes()
        (folder / "one.tiff").unlink()
        for row, column, field, channel in itertools.product(range(1, 17), range(1, 25), range(1, 10), range(1, 9)):
            name = _name(row, column, field, channel)
            (folder / name).write_bytes(pixels)
            where = f"<Row>{row}</Row><Col>{column}</Col><ChannelID>{channel}</ChannelID><ChannelName>{_STAINS[channel - 1]}</ChannelName>"
            entries.append(f'<Image Version="1"><id>x</id><URL>{name}</URL>{where}{more}</Image>')
        head = '<E xmlns="http://www.perkinelmer.com/PEHH/HarmonyV5"><Plates><Plate><PlateID>BR00117035</PlateID></Plate></Plates><Images>'
        (folder / "Index.idx.xml").write_text(head + "".join(entries) + "</Images></E>")
        size = (folder / "Index.idx.xml").stat().st_size / 1e6
        command = [sys.executable, "-m", "impasto", "ingest", str(folder.parent), "--out", f"{base}/out"]
        before = _of_children()
        wall = seconds(lambda: subprocess.run(command, check=True, capture_output=True))
        note = f"index of {size:.0f} MB, start to end; {_of_children() - before:.1f} in processor time; aim 10 s"
    return Row(f"ingest of a Phenix plate of {len(entries):,} images", wall, None, "", note)


def _of_children() -> float:
    """Processor time of the processes that this one has run."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _listing() -> Row:
    def measured(number: int) -> list[float]:
        told = subprocess.run([sys.executable, "-m", "benchmarks.listings", str(number)], capture_output=True, text=True, check=True)
        return list(map(float, told.stdout.split()))

    (_, base), (wall, peak) = measured(17_280), measured(_MEASURED)
    whole = base + (peak - base) * _WANTED / _MEASURED
    note = f"{(peak - base) / _MEASURED * 1e9:.0f} bytes a plane over {base:.2f} GB; {_WANTED:,} planes: {whole:.2f} GB, aim: under 2 GB"
    return Row(f"{_MEASURED:,} planes from their listing to images.parquet", wall, None, "", note)


def main(number: int) -> None:
    """Read that many planes from a made-up listing and write images.parquet: seconds and peak memory in GB."""
    folders = tuple(itertools.islice(_plates(), max(1, number // 17_280)))
    start = time.perf_counter()
    choices = images.Choices({f"ch{i}": stain for i, stain in enumerate(_STAINS[:5], start=1)})
    found = images.of_listings([(Path("/data"), Listing("/data", folders))], Asked(), choices)
    with tempfile.TemporaryDirectory() as base:
        planes.write(found.planes, Path(base) / "images.parquet")
    images.told_plates(found.planes, found.looks)
    print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


if __name__ == "__main__":
    main(int(sys.argv[1]))
