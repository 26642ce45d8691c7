"""A plate whose centre and scale rest on few controls: said once, before anything is built on them.

A median absolute deviation of c controls errs by about 1.2 / sqrt(c) of itself. With six controls some features are scaled far too much;
all wells of the plate then share what was magnified, and look alike for that reason. On simulated plates of 12 controls replicates are
found half as well as on plates of 48, and on plates of 6 a third as well (`python -m benchmarks.few_controls`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from impasto import schema, wells
from impasto.correction.base import Corrector
from impasto.correction.group_names import column_of_groups
from impasto.correction.per_group import PerGroup
from impasto.settings import Settings

FEW = 12
"""With fewer controls a plate to learn from, its scales are warned of."""
_NAMED = 5


def rests_on_controls(kind: type[Corrector[Settings]], settings: Settings, /) -> bool:
    """Whether a step learns each plate from that plate's controls alone.

    Parameters
    ----------
    kind
        The class of the corrector.
    settings
        Its settings.

    Returns
    -------
    bool
        True for `standardize` as it is, and for every method by plate on controls.

    """
    by_plate = issubclass(kind, PerGroup) and column_of_groups(settings) == schema.PLATE
    return by_plate and kind.learns_from(settings) == "controls"


def warned(obs: pd.DataFrame, steps: Iterable[tuple[type[Corrector[Settings]], Settings]], /) -> list[str]:
    """The warning of a correction.

    Parameters
    ----------
    obs
        Annotation of all rows, with what is spared and held out.
    steps
        The class and the settings of each step.

    Returns
    -------
    list[str]
        One sentence, or none.

    """
    if not any(rests_on_controls(kind, settings) for kind, settings in steps) or not wells.marks_controls(obs):
        return []
    taught = wells.negative(obs) & wells.learnable(obs)
    codes, names = wells.plates(obs)
    places = pd.DataFrame({"plate": codes, "well": wells.row_names(obs) if schema.WELL not in obs else obs[schema.WELL].astype(str)})
    counts = places[taught].drop_duplicates().groupby("plate").size()
    said = sentence({name: int(counts.get(code, 0)) for code, name in enumerate(names)})
    return [said] if said else []


def sentence(controls: Mapping[str, int], /) -> str:
    """The warning in words.

    Parameters
    ----------
    controls
        Plate -> how many controls a correction learns its centre and scale from; plates without any are none of this.

    Returns
    -------
    str
        Empty where every plate has enough.

    """
    few = {name.strip("/"): count for name, count in controls.items() if 0 < count < FEW}
    if not few:
        return ""
    listed = ", ".join(f"{name} {count}" if name else str(count) for name, count in list(few.items())[:_NAMED])
    more = f" and {len(few) - _NAMED} more plates" if len(few) > _NAMED else ""
    return (
        f"Centre and scale of {len(few)} of {len(controls)} plates rest on fewer than {FEW} negative controls ({listed}{more}; median "
        f"{np.median(list(few.values())):g}): wells of such a plate look alike, so replicates on other plates rank lower, inert ones below "
        "chance. Mean and sd hold better than median and MAD there (statistic=mean), and so do all wells (on=all) where most do nothing."
    )
