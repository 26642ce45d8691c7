"""Check: the quality of every site, plate by plate; bad images quarantined with a reason. Streams: memory is one batch of sites."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import border, progress, runs, schema, texts
from impasto.plates import illumination, plate_index, quality
from impasto.plates.planes import KEYS
from impasto.plates.quarantine import COLUMNS, REASON
from impasto.plates.read import BadImage
from impasto.plates.sites import Sites
from impasto.scale.plan import Phase, Plan, Shard
from impasto.scale.run import run_shards
from impasto.scale.task import Task
from impasto.scale.where import HERE, Where

_LIGHT = "corner_to_centre"
"""The light of a plate's corners over that of its centre (illumination.py): 1 where the lamp is even."""
_PLATE = [schema.SOURCE, schema.BATCH, schema.PLATE]
_COLUMNS = (*KEYS, schema.CHANNEL, *quality.MEASURES, REASON)


def check(folder: Path, out: Path, /, *, where: Where = HERE) -> None:
    """Measure every site, and write what is wrong.

    Finished plates wait in a hidden folder named by the images' digest. A killed run goes on at the first unfinished one, to the same
    bytes, and never takes up the plates of other images.

    Parameters
    ----------
    folder
        The ingested images.
    out
        The folder for `quality.parquet` (a row a site and channel), `plates.parquet` and `quarantine.csv`.
    where
        Where plates are worked on.

    """
    table = plate_index.table(folder)
    names = plate_index.from_table(table).names
    parts = out / f".plates-{runs.digest(folder / plate_index.PLANES)[:12]}"
    runs.note(parts)
    shards = tuple(
        Shard(
            f"plate-{number:05d}",
            "impasto.plates.check:check_plate",
            {"folder": str(folder.resolve()), "plate": name},
            f"{number:04d}.parquet",
            inputs=(parts.name,),
            plates=(name,),
        )
        for number, name in enumerate(names)
    )
    run_shards(Plan(parts, (Phase("checking", shards, unit="plate", shows_itself=True),), threads=0), where)
    whole = pd.concat([border.parquet(parts / shard.output) for shard in shards], ignore_index=True)
    readable = whole[REASON] == ""
    flagged = quality.flag(whole[readable].drop(columns=REASON))
    with runs.atomic(out / "quality.parquet") as temporary:
        flagged.to_parquet(temporary, index=False)
    bad = quarantine(whole[~readable], flagged)
    with runs.atomic(out / "quarantine.csv") as temporary:
        texts.write_csv(bad, temporary)
    with runs.atomic(out / "plates.parquet") as temporary:
        summary(table[[*_PLATE, "sites"]], flagged, bad).to_parquet(temporary, index=False)
    shutil.rmtree(parts)


def check_plate(arguments: Mapping[str, Any], task: Task, /) -> None:
    """The shard of one plate.

    Parameters
    ----------
    arguments
        The folder of the images, and the plate.
    task
        Where to write the measures of its sites.

    """
    sites = Sites.read(arguments["folder"], plate=arguments["plate"])
    numbers = sites.of_plate(arguments["plate"])
    with progress.bar(what=f"checking {arguments['plate']}", unit="site", total=len(numbers)) as advance:
        _plate(sites, numbers, advance).to_parquet(task.output, index=False)


def _plate(sites: Sites, numbers: npt.NDArray[np.intp], advance: progress.Advance) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    average = illumination.Average()
    channels = sites.channels_of(numbers)
    sites.fetch(numbers)
    # Decoding and the Fourier transform release the interpreter, so two threads keep two cores busy.
    with ThreadPoolExecutor(max_workers=2) as pool:
        for measured, blocks in pool.map(lambda number: _site(sites, int(number), channels), numbers):
            rows += measured
            if blocks is not None:
                average.add(blocks)
            advance(1)
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    # A plate with too few sites shows its cells, not its lamp: no number is better than a wrong one.
    fields = average.fields(channels) if average.sites >= illumination.LEAST else {}
    return table.assign(**{_LIGHT: [fields[c].corner_to_centre if c in fields else np.nan for c in table[schema.CHANNEL]]})


def _site(sites: Sites, number: int, channels: list[str]) -> tuple[list[dict[str, object]], illumination.Numbers | None]:
    place = sites.table.loc[number, list(KEYS)].to_dict()
    nothing = dict.fromkeys(quality.NUMBERS, np.nan) | {"type": "", "size": ""}
    try:
        pixels = sites.image(number, channels)
    except BadImage as error:
        return [{**place, schema.CHANNEL: "", **nothing, REASON: error.told(without=sites.name(number))}], None
    rows = [{**place, schema.CHANNEL: c, **quality.measure(plane), REASON: ""} for c, plane in zip(channels, pixels, strict=True)]
    return rows, illumination.blocks(pixels)


def quarantine(unreadable: pd.DataFrame, flagged: pd.DataFrame, /) -> pd.DataFrame:
    """The sites that cannot be used.

    Parameters
    ----------
    unreadable
        Rows of sites with their reason.
    flagged
        A row a site and channel, as `quality.flag` gives them.

    Returns
    -------
    pandas.DataFrame
        Place and reason of every site that is unreadable or has a flag outside `quality.TOLD_ONLY`.

    """
    reasons = [{key: row[key] for key in (*KEYS, REASON)} for row in unreadable.to_dict(orient="records")]
    for place, rows in flagged[flagged["flags"] != ""].groupby(list(KEYS), sort=True):
        wrong = [
            f"{channel}: {'; '.join(serious)}"
            for channel, flags in zip(rows[schema.CHANNEL], rows["flags"], strict=True)
            if (serious := [f for f in flags.split("; ") if f not in quality.TOLD_ONLY])
        ]
        if wrong:
            reasons.append({**dict(zip(KEYS, place, strict=True)), REASON: ", ".join(wrong)})
    return pd.DataFrame(reasons, columns=list(COLUMNS)).sort_values(list(KEYS), kind="stable", ignore_index=True)


def summary(counts: pd.DataFrame, flagged: pd.DataFrame, bad: pd.DataFrame, /) -> pd.DataFrame:
    """What was measured, plate by plate.

    Parameters
    ----------
    counts
        Source, batch and plate, and how many `sites` each plate has.
    flagged
        A row a site and channel, as `quality.flag` gives them.
    bad
        What `quarantine` returned.

    Returns
    -------
    pandas.DataFrame
        One row a plate and channel: numbers of sites (all, readable, quarantined, saturated, unlike in brightness), medians of the
        measures, and the light of the corners over that of the centre.

    """
    per = flagged.groupby([*_PLATE, schema.CHANNEL], sort=True)
    of_plates = per[["focus", "contrast", "noise", "median"]].median()
    of_plates[_LIGHT] = per[_LIGHT].first()
    of_plates["saturated_sites"] = per["flags"].apply(lambda f: int(f.str.contains("saturated").sum()))
    of_plates["unlike_in_brightness"] = per["flags"].apply(lambda f: int(f.str.contains("brightness").sum()))
    of_plates["readable_sites"] = per.size()
    of_plates = of_plates.reset_index()
    left_out = bad.groupby(_PLATE).size().rename("quarantined_sites").reset_index()
    of_plates = of_plates.merge(counts, on=_PLATE, how="left").merge(left_out, on=_PLATE, how="left")
    of_plates["quarantined_sites"] = of_plates["quarantined_sites"].fillna(0).astype(int)
    # Where nobody named a source or a batch, a column of nothing says nothing.
    return of_plates.drop(columns=[word for word in (schema.SOURCE, schema.BATCH) if (of_plates[word] == "").all()])
