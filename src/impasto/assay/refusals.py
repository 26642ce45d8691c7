"""Why an assay cannot be analysed: each refusal is one sentence with what was found, what is needed, and the option that helps."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

import numpy as np
import pandas as pd

from impasto import schema, spelling, wells
from impasto.coverage import Coverage
from impasto.schema import InputError

FEWEST_CONTROLS = 2
FEWEST_COVERED = 0.8
"""Share of the imaged wells that the platemap describes, and of its wells that are imaged."""
_NAMED = 5


def refuse(obs: pd.DataFrame, /, *, dose_unit: str) -> None:
    """Refuse an assay whose hits would mean nothing.

    Parameters
    ----------
    obs
        Annotation of n wells.
    dose_unit
        Of all doses; empty where nobody says it.

    Raises
    ------
    InputError
        With the first reason.

    """
    missing = [word for word in (schema.PLATE, schema.WELL) if word not in obs or obs[word].isna().all()]
    if missing:
        raise InputError(f"no column says the {missing[0]} of each well; say which one does: --set columns.{missing[0]}=NAME")
    if schema.PERTURBATION not in obs:
        raise InputError("nothing says what was done to the wells; give the platemap: --platemap FILE")
    _no_controls(obs)
    _several_rows_a_well(obs)
    _too_few_controls(obs)
    _nothing_treated(obs)
    _dose_in_words(obs)
    _dose_without_unit(obs, dose_unit)
    _conditions_without_controls(obs)


def refuse_uncovered(covers: Iterable[Coverage], /) -> None:
    """Refuse a platemap that is not that of these plates.

    Parameters
    ----------
    covers
        How far each platemap and the wells cover each other.

    Raises
    ------
    InputError
        Where it describes less than four fifths of the wells, or less than four fifths of its own are there.

    """
    for cover in covers:
        for count, whole, names, side in (
            (cover.described, cover.wells, cover.not_described, "wells of the plates are in the platemap; not there"),
            (cover.present, cover.rows, cover.not_present, "wells of the platemap are on the plates; not there"),
        ):
            if whole and count / whole < FEWEST_COVERED:
                raise InputError(
                    f"only {count} of {whole} {side}: {', '.join(names)}{', ...' if whole - count > len(names) else ''}; give the "
                    "platemap of these plates, or go on with --partial"
                )


def _no_controls(obs: pd.DataFrame) -> None:
    if wells.negative(obs).any():
        return
    likely = wells.likely_negative(obs)
    if likely:
        listed = ", ".join(f"{count} wells are named {name}" for name, count in list(likely.items())[:_NAMED])
        offered = " or ".join(f"--control {shlex.quote(name)}" for name in list(likely)[:_NAMED])
        raise InputError(f"no well is marked as a negative control; {listed}: {offered}")
    names = obs[schema.PERTURBATION].astype("string").value_counts().head(_NAMED)
    listed = ", ".join(f"{name} ({count})" for name, count in names.items())
    raise InputError(f"no well is marked as a negative control; name it with --control NAME; the names with most wells are {listed}")


def _several_rows_a_well(obs: pd.DataFrame) -> None:
    codes, places = wells.plates(obs)[0], wells.spots(obs)
    if places is None:
        nowhere = int(obs[schema.WELL].isna().sum())
        raise InputError(f"{nowhere} of {len(obs)} rows name no well; give each a well such as A01, or leave them out")
    doubled = pd.DataFrame({"plate": codes, "place": places}).duplicated(keep=False).to_numpy()
    if doubled.any():
        first = obs.loc[doubled, [schema.PLATE, schema.WELL]].iloc[0]
        raise InputError(
            f"{int(doubled.sum())} of {len(obs)} rows stand in a well that another row has too (first: {first[schema.PLATE]} "
            f"{first[schema.WELL]}); an assay takes one row a well: pool sites or cells first with im.pp.aggregate(profiles)"
        )


def _too_few_controls(obs: pd.DataFrame) -> None:
    codes, names = wells.plates(obs)
    counts = np.bincount(codes[wells.negative(obs)], minlength=len(names))
    few = [f"{names[code].strip('/')} has {counts[code]}" for code in np.flatnonzero(counts < FEWEST_CONTROLS)]
    if few:
        raise InputError(
            f"each plate needs {FEWEST_CONTROLS} negative controls or more to compare with: {schema.listed(few[:_NAMED])}; mark them in "
            "the platemap, name them with --control NAME, or leave the plate out"
        )


def _nothing_treated(obs: pd.DataFrame) -> None:
    if not wells.treated(obs).any():
        counts = ", ".join(f"{count} {kind}" for kind, count in wells.counts_of_kinds(obs).items())
        raise InputError(f"no well is treated, so there is nothing to test: the wells are {counts}; look at the platemap")


def doses_tried(obs: pd.DataFrame, /) -> list[float]:
    """The different doses above 0 of treated wells.

    Parameters
    ----------
    obs
        Annotation of n wells.

    Returns
    -------
    list[float]
        Ascending; empty where no dose is known.

    """
    if schema.CONCENTRATION not in obs:
        return []
    doses = pd.to_numeric(obs.loc[wells.treated(obs), schema.CONCENTRATION], errors="coerce").dropna()
    return sorted({float(dose) for dose in doses if dose > 0})


def _dose_in_words(obs: pd.DataFrame) -> None:
    """Wells at doses that are no numbers would count as replicates of one dose."""
    words = spelling.not_doses(obs[wells.treated(obs)].reset_index(drop=True))
    written = sorted({str(word) for word in words})
    if len(written) > 1:
        raise InputError(
            f"{len(words)} treated wells have a dose that is no number ({schema.listed(written[:_NAMED])}), so wells at "
            "different doses would count as replicates; write numbers, with the unit in the heading"
        )


def _dose_without_unit(obs: pd.DataFrame, unit: str) -> None:
    doses = doses_tried(obs)
    if len(doses) > 1 and not unit:
        raise InputError(
            f"the doses have no unit ({', '.join(f'{dose:g}' for dose in doses[:_NAMED])}{', ...' if len(doses) > _NAMED else ''}); write "
            "it into the heading, as in 'Conc (µM)', or say it: --dose-unit uM"
        )


def conditions(obs: pd.DataFrame, /) -> list[tuple[str, str, list[str]]]:
    """The plates that hold several cell lines or times.

    Parameters
    ----------
    obs
        Annotation of n wells.

    Returns
    -------
    list[tuple[str, str, list[str]]]
        The plate, the column, and its values on treated wells.

    """
    codes, names = wells.plates(obs)
    treated, several = wells.treated(obs), []
    for column in (schema.CELL_LINE, schema.TIME_H):
        if column in obs:
            for code, name in enumerate(names):
                values = sorted({str(value) for value in obs.loc[treated & (codes == code), column].dropna()})
                if len(values) > 1:
                    several.append((name, column, values))
    return several


def _conditions_without_controls(obs: pd.DataFrame) -> None:
    codes, names = wells.plates(obs)
    negative = wells.negative(obs)
    for plate, column, values in conditions(obs):
        own = obs.loc[negative & (codes == names.index(plate)), column].astype("string")
        bare = [value for value in values if int((own == value).sum()) < FEWEST_CONTROLS]
        if bare:
            raise InputError(
                f"plate {plate.strip('/')} holds several values of {column} ({', '.join(values)}), and no {FEWEST_CONTROLS} negative "
                f"controls of {', '.join(bare)}; a well can be compared only with controls of its own {column}: mark them, or leave these "
                "wells out"
            )
