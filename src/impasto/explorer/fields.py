"""The fields of a plate: which wells and sites have images, and the row of every channel's plane."""

from __future__ import annotations

from typing import Any

import numpy as np

from impasto import schema
from impasto.explorer.contents import Contents


def of_plate(contents: Contents, plate: str, /) -> dict[str, Any]:
    """The fields of one plate.

    Parameters
    ----------
    contents
        Of the index.
    plate
        The index's word for the plate.

    Returns
    -------
    dict[str, Any]
        `well`, `site` and `image`, one entry a field, by well and site. An image is a list of rows of `images.parquet`, one a channel of
        the index, None where it is missing. `width` and `height` are in pixels, None where unknown.

    """
    channels = contents.facts["channels"]
    table = contents.tables.get("images")
    if table is None:
        return {"well": [], "site": [], "image": [], "width": None, "height": None}
    rows = np.flatnonzero((table[schema.PLATE] == plate).to_numpy(dtype=bool))
    own = table.iloc[rows]
    fields: dict[tuple[str, str], list[int | None]] = {}
    place = {channel: number for number, channel in enumerate(channels)}
    for row, well, site, channel in zip(rows, own[schema.WELL], own[schema.SITE], own[schema.CHANNEL], strict=True):
        fields.setdefault((str(well), str(site)), [None] * len(channels))[place[str(channel)]] = int(row)
    ordered = sorted(fields, key=lambda key: (key[0], _by_number(key[1])))
    height, width = contents.facts.get("shapes", {}).get(plate, (None, None))
    return {
        "well": [well for well, _ in ordered],
        "site": [site for _, site in ordered],
        "image": [fields[key] for key in ordered],
        "width": width,
        "height": height,
    }


def _by_number(site: str) -> tuple[int, int, str]:
    """Sites of digits in the order of their numbers, others behind them."""
    return (0, int(site), "") if site.isdecimal() else (1, 0, site)
