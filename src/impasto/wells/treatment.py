"""What was done to a well: replicates, doses, and the names and InChIKeys of one compound."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from impasto import schema
from impasto.schema import InputError
from impasto.wells.columns import text
from impasto.wells.kind import treated

_DOSE_IN_NAME = re.compile(r"^(?P<name>.+?)\s*@\s*[0-9.eE+-]+\s*(?:[munp]?[Mm]|[µμ]M|[munp]?g/m[lL])?$")


def has_doses(obs: pd.DataFrame, /) -> bool:
    """Whether treated wells have more than one dose.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    bool
        False too in a table without the column `concentration`.

    """
    if schema.CONCENTRATION not in obs:
        return False
    return int(obs[schema.CONCENTRATION][treated(obs)].dropna().nunique()) > 1


def replicates(obs: pd.DataFrame, /, *, pool_doses: bool = False) -> pd.Series:
    """The name that replicate wells share.

    An InChIKey never overrides the name that the user gave (see `merge_by_inchikey`).

    Parameters
    ----------
    obs
        Annotation of n rows, with the column `perturbation`.
    pool_doses
        Whether all doses of a perturbation are replicates of each other. Names that differ in their dose only (`AZ138@3uM`) then
        are one name.

    Returns
    -------
    pd.Series
        (n,) of string. The perturbation as the user named it, with `@dose` behind it where that perturbation has several doses. Missing
        where nobody named the treatment.

    """
    names = text(obs[schema.PERTURBATION])
    if pool_doses:
        return _without_dose(names)
    if schema.CONCENTRATION not in obs:
        return names
    dose = pd.to_numeric(obs[schema.CONCENTRATION], errors="coerce")
    several = dose.groupby(names).transform("nunique") > 1
    written = names + "@" + dose.map("{:g}".format, na_action="ignore").astype("string")
    return names.where(~several.fillna(False) | dose.isna(), written)


def compounds(obs: pd.DataFrame, /) -> pd.Series:
    """The compound of each well, regardless of dose. Names are one where they share an InChIKey or differ in their dose only.

    Splits, rankings of other compounds and mechanisms use it, so that one molecule never stands on both sides of a comparison.

    Parameters
    ----------
    obs
        Annotation of n rows, with the column `perturbation`.

    Returns
    -------
    pd.Series
        (n,) of string. The first name, in sorted order, of all that are the same (`AZ138@3uM` counts as `AZ138`). Missing where nobody
        named the treatment.

    """
    names = _without_dose(text(obs[schema.PERTURBATION]))
    if schema.INCHIKEY not in obs:
        return names
    return _renamed(names, _first_of_linked(_links(names, text(obs[schema.INCHIKEY]))))


def aliases(obs: pd.DataFrame, /) -> tuple[pd.Series, ...]:
    """The names by which another table may know a compound, the surest first.

    Parameters
    ----------
    obs
        Annotation of n rows, with the column `perturbation`.

    Returns
    -------
    tuple[pd.Series, ...]
        The perturbation as written, the perturbation without a dose in its name, the compound of this table, and the InChIKey where the
        table has one. Missing where nothing is known.

    """
    names = text(obs[schema.PERTURBATION])
    known = (names, _without_dose(names), compounds(obs))
    return known if schema.INCHIKEY not in obs else (*known, text(obs[schema.INCHIKEY]))


def with_whole_compounds(groups: pd.Series, obs: pd.DataFrame, /) -> pd.Series:
    """Groups of rows (scaffolds, mechanisms), joined where they share a compound.

    Parameters
    ----------
    groups
        (n,) the group of each row. A row whose group is missing goes with its compound.
    obs
        Annotation of these n rows.

    Returns
    -------
    pd.Series
        (n,) of string. The first name, in sorted order, of all groups that are joined. Missing where neither group nor compound is known.

    """
    compound_of_row = compounds(obs)
    names = text(groups).set_axis(compound_of_row.index).fillna(compound_of_row)
    return _renamed(names, _first_of_linked(_links(names, compound_of_row)))


def merge_by_inchikey(obs: pd.DataFrame, /) -> tuple[pd.Series, dict[str, list[str]]]:
    """Give one name to perturbations that share an InChIKey. The user chooses it; it never happens in silence.

    Parameters
    ----------
    obs
        Annotation of n rows, with the columns `perturbation` and `inchikey`.

    Returns
    -------
    names : pd.Series
        (n,) of string. The first name, in sorted order, of those that share a key. A row without a key keeps its own name.
    merged : dict[str, list[str]]
        First name -> all names that it replaces, itself included, where they are more than one: what to print.

    Raises
    ------
    InputError
        The table has no InChIKeys.

    """
    names = text(obs[schema.PERTURBATION])
    if schema.INCHIKEY not in obs:
        raise InputError(f"merging by InChIKey needs the column {schema.INCHIKEY!r}; the table has {schema.listed(obs.columns)}")
    first_names = _first_of_linked(_links(names, text(obs[schema.INCHIKEY])))
    merged: dict[str, list[str]] = {}
    for name, first in first_names.items():
        merged.setdefault(first, []).append(name)
    return _renamed(names, first_names), {first: sorted(same) for first, same in merged.items() if len(same) > 1}


def shared_inchikeys(obs: pd.DataFrame, /) -> int:
    """How many InChIKeys stand for more than one perturbation.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    int
        0 in a table without InChIKeys or without perturbations.

    """
    if schema.INCHIKEY not in obs or schema.PERTURBATION not in obs:
        return 0
    links = _links(text(obs[schema.PERTURBATION]), text(obs[schema.INCHIKEY]))
    return int((links.groupby("key").size() > 1).sum())


def _without_dose(names: pd.Series) -> pd.Series:
    """The names without a dose behind them: `AZ138@3uM` -> `AZ138`."""
    return names.str.replace(_DOSE_IN_NAME, r"\g<name>", regex=True)


def _links(names: pd.Series, keys: pd.Series) -> pd.DataFrame:
    """The different pairs (name, key) of rows that have both."""
    return pd.DataFrame({"name": names, "key": keys}).dropna().drop_duplicates()


def _renamed(names: pd.Series, first_names: Mapping[str, str]) -> pd.Series:
    """Each name replaced by its first name; a name without one stays."""
    return names.map(lambda name: first_names.get(name, name), na_action="ignore")


def _first_of_linked(links: pd.DataFrame) -> Mapping[str, str]:
    """Each name -> the first name of its connected set, where a row of `links` (name, key) links a name with a key."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    name_codes, names = pd.factorize(links["name"], sort=True)
    key_codes, keys = pd.factorize(links["key"], sort=True)
    size = len(names) + len(keys)
    graph = coo_array((np.ones(len(links)), (name_codes, len(names) + key_codes)), shape=(size, size))
    component = connected_components(graph, directed=False)[1][: len(names)]
    first_names = pd.Series(np.asarray(names, dtype=str)).groupby(component).transform("min")
    return dict(zip(map(str, names), first_names, strict=True))
