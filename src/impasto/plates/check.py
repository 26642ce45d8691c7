"""Check: the quality of every site, plate by plate; bad images quarantined with a reason. Streams: memory is one batch of sites."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from impasto import progress, runs, schema
from impasto.plates import illumination, quality
from impasto.plates.planes import KEYS
from impasto.plates.read import BadImage
from impasto.plates.sites import Sites

_LIGHT = "corner_to_centre"
"""The light of a plate's corners over that of its centre (illumination.py): 1 where the lamp is even."""
_COLUMNS = ("name", *KEYS, schema.CHANNEL, *quality.MEASURES, "reason")


def check(sites: Sites, out: Path, /) -> None:
    """Write quality.parquet (a row a site and channel), plates.parquet and quarantine.csv at `out`.

    Finished plates wait in a hidden folder named by the images' digest, so a killed run goes on at the first unfinished one,
    to the same bytes, and never takes up the plates of other images.
    """
    parts = out / f".plates-{runs.digest(sites.folder / 'images.parquet')[:12]}"
    parts.mkdir(parents=True, exist_ok=True)
    numbers = {plate: sites.of_plate(plate) for plate in sites.plates()}
    paths = {plate: parts / f"{index:04d}.parquet" for index, plate in enumerate(numbers)}
    done = sum(len(numbers[p]) for p in numbers if paths[p].exists())
    with progress.bar(what="checking", unit="site", total=len(sites), done=done) as advance:
        for plate, mine in numbers.items():
            if not paths[plate].exists():
                with runs.atomic(paths[plate]) as temporary:
                    _plate(sites, mine, advance).to_parquet(temporary, index=False)
    whole = pd.concat([pd.read_parquet(path) for path in paths.values()], ignore_index=True)
    readable = whole["reason"] == ""
    flagged = quality.flag(whole[readable].drop(columns="reason"))
    with runs.atomic(out / "quality.parquet") as temporary:
        flagged.to_parquet(temporary, index=False)
    bad = quarantine(whole[~readable], flagged)
    with runs.atomic(out / "quarantine.csv") as temporary:
        bad.to_csv(temporary, index=False)
    with runs.atomic(out / "plates.parquet") as temporary:
        summary(sites, flagged, bad).to_parquet(temporary, index=False)
    shutil.rmtree(parts)


def _plate(sites: Sites, numbers: np.ndarray[tuple[int], np.dtype[np.intp]], advance: progress.Advance) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    average = illumination.Average()
    # Decoding and the Fourier transform release the interpreter, so two threads keep two cores busy.
    with ThreadPoolExecutor(max_workers=2) as pool:
        for found, blocks in pool.map(lambda number: _site(sites, int(number)), numbers):
            rows += found
            if blocks is not None:
                average.add(blocks)
            advance(1)
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    # A plate with too few sites shows its cells, not its lamp: no number is better than a wrong one.
    fields = average.fields(sites.channels) if average.sites >= illumination.LEAST else {}
    return table.assign(**{_LIGHT: [fields[c].corner_to_centre if c in fields else np.nan for c in table[schema.CHANNEL]]})


def _site(sites: Sites, number: int) -> tuple[list[dict[str, object]], illumination.Numbers | None]:
    place = {"name": sites.name(number), **sites.table.loc[number, list(KEYS)].to_dict()}
    nothing = dict.fromkeys(quality.MEASURES, np.nan)
    try:
        pixels = sites.image(number)
    except BadImage as error:
        return [{**place, schema.CHANNEL: "", **nothing, "reason": error.told(without=sites.name(number))}], None
    rows = [{**place, schema.CHANNEL: c, **quality.measure(plane), "reason": ""} for c, plane in zip(sites.channels, pixels, strict=True)]
    return rows, illumination.blocks(pixels)


def quarantine(unreadable: pd.DataFrame, flagged: pd.DataFrame, /) -> pd.DataFrame:
    """site, reason: what cannot be read, and what is out of focus, empty or looks swapped. Saturation is told, not quarantined."""
    reasons = [{"site": r["name"], "reason": r["reason"]} for r in unreadable.to_dict(orient="records")]
    for name, mine in flagged[flagged["flags"] != ""].groupby("name", sort=True):
        told = [f"{c}: {f}" for c, f in zip(mine[schema.CHANNEL], mine["flags"], strict=True) if f != "saturated"]
        if told:
            reasons.append({"site": str(name), "reason": ", ".join(told)})
    return pd.DataFrame(reasons, columns=["site", "reason"])


def summary(sites: Sites, flagged: pd.DataFrame, bad: pd.DataFrame, /) -> pd.DataFrame:
    """One row a plate and channel: sites, readable, quarantined, saturated, medians of the measures, corners over centre in light."""
    names = sites.table[schema.PLATE]
    left_out = pd.Series([sites.name(i) in set(bad["site"]) for i in range(len(sites))]).groupby(names.to_numpy()).sum()
    per = flagged.groupby([schema.PLATE, schema.CHANNEL], sort=True)
    told = per[["focus", "spread", "median"]].median()
    told[_LIGHT] = per[_LIGHT].first()
    told["saturated_sites"] = per["flags"].apply(lambda f: int(f.str.contains("saturated").sum()))
    told["readable_sites"] = per.size()
    told = told.reset_index()
    told["sites"] = told[schema.PLATE].map(names.value_counts())
    told["quarantined_sites"] = told[schema.PLATE].map(left_out)
    return told
