"""Quarantine: the sites that are left out, each by its whole place, with its reason."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from impasto import border, schema
from impasto.plates.planes import KEYS
from impasto.plates.sites import Sites
from impasto.schema import InputError

REASON = "reason"
COLUMNS = (*KEYS, REASON)


def read(path: Path, /) -> pd.DataFrame:
    """Read a `quarantine.csv`.

    Parameters
    ----------
    path
        Of the file.

    Returns
    -------
    pandas.DataFrame
        A row a site: its place and the reason, all as text.

    Raises
    ------
    InputError
        The file has no column of wells.

    """
    with border.reading(path, "quarantine", remedy="write it again with impasto check DIR"):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if schema.WELL not in table:
        raise InputError(f"{path} has no column 'well'; a quarantine has {', '.join(COLUMNS)}: write it again with impasto check DIR")
    return table


def sites_of(sites: Sites, table: pd.DataFrame, /) -> frozenset[str]:
    """The names of the sites that a quarantine names.

    Parameters
    ----------
    sites
        All sites.
    table
        What `read` returned.

    Returns
    -------
    frozenset[str]
        Sites that agree in all keys of the quarantine: of two batches with a plate 1, only that of the batch it names.

    """
    keys = [key for key in KEYS if key in table]
    bad = pd.MultiIndex.from_frame(table[keys].astype(str))
    places = pd.MultiIndex.from_frame(sites.table[keys].astype(str))
    return frozenset(sites.name(int(number)) for number in places.isin(bad).nonzero()[0])


def named(table: pd.DataFrame, /) -> pd.DataFrame:
    """A quarantine as pages and terminals show it.

    Parameters
    ----------
    table
        What `read` returned.

    Returns
    -------
    pandas.DataFrame
        A row a site: `site` in words (`plate P1, well A01, site 2`) and `reason`.

    """
    words = [key for key in KEYS if key in table]
    sites = [", ".join(f"{word} {value}" for word, value in zip(words, row, strict=True) if value) for row in table[words].to_numpy()]
    return pd.DataFrame({schema.SITE: sites, REASON: table[REASON]})
