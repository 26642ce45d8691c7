"""A plate of 384 x 4,762 read and written as a member and as a table with a column a feature; the sites of one plate."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from benchmarks.timing import Row, beside
from impasto import dataset, profiles
from impasto.plates import planes, plate_index
from impasto.plates.sites import Sites
from impasto.simulate.jump import Shape, World

SITES_A_PLATE, PLATES = 384 * 9, 40


def rows() -> Iterator[Row]:
    plate = World(Shape(plates=1, maps=1, large=0)).plate(0)
    with tempfile.TemporaryDirectory() as scratch:
        member, wide = Path(scratch, "member.parquet"), Path(scratch, "wide.parquet")
        peer = "a column a feature"
        writes = (lambda: dataset.write_member(plate, member), lambda: profiles.write(plate, wide))
        yield beside("a plate of 384 x 4,762 written as a member", *writes, peer=peer, aim=5, note=_mb(member, wide))
        reads = (lambda: dataset.read_member(member, plate.var), lambda: profiles.read(wide))
        yield beside("a plate of 384 x 4,762 read from a member", *reads, peer=peer, aim=20, note=_mb(member, wide))
        folder = Path(scratch, "in")
        _ingested(folder)
        opens = (lambda: Sites.read(folder, plate="P00007"), lambda: Sites.read(folder))
        note = f"of {PLATES} plates"
        yield beside(f"the {SITES_A_PLATE:,} sites of a plate opened", *opens, peer="all sites", aim=PLATES / 2, note=note)


def _mb(member: Path, wide: Path) -> str:
    if not (member.exists() and wide.exists()):
        return ""
    return f"{member.stat().st_size / 1e6:.1f} MB, {wide.stat().st_size / 1e6:.1f} MB"


def _ingested(folder: Path) -> None:
    wells = [f"{chr(65 + n // 24)}{n % 24 + 1:02d}" for n in range(384)]
    sites = [(well, str(site), channel) for well in wells for site in range(1, 10) for channel in ("AGP", "DNA", "ER", "Mito", "RNA")]
    of_plate = pd.DataFrame(sites, columns=["well", "site", "channel"])
    parts = []
    for number in range(PLATES):
        name = f"P{number:05d}"
        path = f"/images/{name}/" + of_plate["well"] + "_s" + of_plate["site"] + "_" + of_plate["channel"] + ".tif"
        parts.append(planes.table(of_plate.assign(source="", batch="", plate=name, path=path), where="simulated"))
    table = planes.sorted_by_place(planes.joined(parts))
    folder.mkdir()
    planes.write(table, folder / plate_index.PLANES)
    plate_index.of_planes(table).to_parquet(folder / plate_index.FILE, index=False)
