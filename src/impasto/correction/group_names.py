"""The groups that are corrected on their own: which column says them, how they are named, and which share nothing with the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from impasto import dataset, schema, wells
from impasto.schema import InputError
from impasto.settings import Settings


def places_of(plates: Sequence[pd.DataFrame], /) -> dict[str, list[str]]:
    """Where plates stand, as words of a part of sums.

    Parameters
    ----------
    plates
        Annotation of the rows of each plate.

    Returns
    -------
    dict[str, list[str]]
        Source, batch and plate -> one word a plate; `""` where it is not known.

    """
    keys = [dataset.key_of(obs, named=False) for obs in plates]
    return {word: [getattr(key, word) for key in keys] for word in dataset.KEYS}


def groups_of(places: Mapping[str, Sequence[str]], by: str, /) -> list[str]:
    """The group of each plate, named as `wells.groups` names it.

    Parameters
    ----------
    places
        What `places_of` gave.
    by
        `plate`, `batch` or `source`.

    Returns
    -------
    list[str]
        One name a plate.

    """
    frame = pd.DataFrame({word: places[word] for word in dataset.KEYS}).replace("", pd.NA)
    codes, names = wells.groups(frame, by)
    return [names[code] for code in codes]


def column_of_groups(settings: Settings, /) -> str | None:
    """The column whose values are the groups.

    Parameters
    ----------
    settings
        The settings of a corrector.

    Returns
    -------
    str | None
        The field `by` of the settings, or `plate` where there is none; None for all rows as one group.

    """
    by: str | None = getattr(settings, "by", schema.PLATE)
    return None if by == "all" else by


def codes_of_fit(obs: pd.DataFrame, by: str | None, keys: tuple[str, ...], /, *, task: str) -> tuple[wells.Codes, list[str]]:
    """The group of each row, named by the columns of the fit, whatever other columns this table has.

    Parameters
    ----------
    obs
        Annotation of n rows.
    by
        The column of the groups; None for all rows as one.
    keys
        The columns that named the groups in the fit.
    task
        What needs the groups, as the error sentence begins.

    Returns
    -------
    codes : wells.Codes
        (n,) numbers of groups.
    names : list[str]
        Of the groups.

    Raises
    ------
    InputError
        The column is missing, or two groups of this table would be one by the columns of the fit.

    """
    if by is not None:
        wells.require(obs, [by], task=task)
    codes, names = wells.groups(obs, by)
    if by is None or tuple(wells.keys_of_group(obs, by)) == keys:
        return codes, names
    narrow, known = wells.groups(obs[[key for key in keys if key in obs]], by)
    pairs = pd.DataFrame({"known": narrow, "here": codes}).drop_duplicates()
    twice = pairs["known"][pairs["known"].duplicated()]
    if len(twice):
        both = [names[code] for code in pairs.loc[pairs["known"] == twice.iloc[0], "here"]]
        raise InputError(
            f"{task} was fitted on a table that names a {by} by {' and '.join(keys)} only, and here {' and '.join(both)} would be one; "
            "fit it on a table with these columns"
        )
    return narrow, known


def refuse_confounded(obs: pd.DataFrame, by: str | None, /, *, task: str) -> None:
    """Refuse a group that shares no perturbation or control with the others: its biology would be taken for its batch.

    Parameters
    ----------
    obs
        Annotation of n rows.
    by
        The column of the groups; None for one group.
    task
        What needs the groups, as the error sentence begins.

    Raises
    ------
    InputError
        A group shares nothing with the others. Tables without perturbations pass.

    """
    codes, names = wells.groups(obs, by)
    if len(names) < 2 or schema.PERTURBATION not in obs:
        return
    named = wells.compounds(obs).to_numpy(dtype=object, na_value="")
    # Controls without a name are still the same as each other.
    what = np.where((named == "") & wells.negative(obs), schema.NEGCON, named)
    known = (what != "") & ~wells.unknown(obs)
    places = pd.DataFrame({"what": what[known], "group": codes[known]}).drop_duplicates()
    if places.empty:  # nobody said what was done to any well
        return
    linked = set(places.loc[places["what"].duplicated(keep=False), "group"])
    alone = [name for code, name in enumerate(names) if code not in linked]
    if alone:
        raise InputError(
            f"{task}: {by} {alone[0]!r} shares no perturbation or control with the others, so its biology cannot be separated from its "
            "batch; add shared controls, or use --set confounded=true"
        )
