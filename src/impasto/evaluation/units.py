"""What was really sampled: compounds, genes, classes. The units of a jackknife, known by their names and never by their order.

Two tables of the same units put them into the same groups, whatever the order of their rows. So their scores can be compared pair by
pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.evaluation import tidy
from impasto.statistics import interval, jackknife
from impasto.statistics.interval import FEWEST_UNITS, Interval

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Units:
    """The units of some things (wells, perturbations, pairs).

    Attributes
    ----------
    word
        What a unit is: `compound`, `gene`, `class`.
    names
        Of the units, sorted.
    of
        (things,) the unit of each thing, as a place in `names`.

    """

    word: str
    names: tuple[str, ...]
    of: Rows

    def __len__(self) -> int:
        return len(self.names)

    @property
    def digest(self) -> str:
        """What tells this set of units from another."""
        return tidy.digest_of_units(self.names)

    def groups(self, *, seed: int) -> Rows:
        """The group of the jackknife that each thing leaves with.

        Parameters
        ----------
        seed
            Of the groups.

        Returns
        -------
        Rows
            (things,) numbers of groups, from 0.

        """
        return jackknife.deal(len(self), seed=seed)[self.of]

    def count(self, *, seed: int) -> int:
        """How many groups of the jackknife there are.

        Parameters
        ----------
        seed
            Of the groups.

        Returns
        -------
        int
            0 without units.

        """
        return int(jackknife.deal(len(self), seed=seed).max(initial=-1)) + 1

    def part(self, chosen: npt.NDArray[np.bool_] | Rows, /) -> Units:
        """The units of some of the things.

        Parameters
        ----------
        chosen
            The things, as flags (things,) or as their places.

        Returns
        -------
        Units
            The units that remain; those without a chosen thing are gone.

        """
        return named([self.names[unit] for unit in self.of[chosen]], word=self.word)


def named(names: Sequence[str] | npt.NDArray[np.str_], /, *, word: str) -> Units:
    """The units of things that are named by their unit.

    Parameters
    ----------
    names
        (things,) the unit of each thing.
    word
        What a unit is, such as `compound`.

    Returns
    -------
    Units
        The distinct names, sorted, and the place of each thing's.

    """
    distinct, of = np.unique(np.asarray(names, dtype=str), return_inverse=True)
    return Units(word, tuple(str(name) for name in distinct), of.astype(np.intp).ravel())


def of_codes(codes: Rows, names: npt.NDArray[np.str_], /, *, word: str) -> Units:
    """The units of things that codes put together.

    Parameters
    ----------
    codes
        (things,) equal for things of one unit.
    names
        (things,) names; a unit has the first, in sorted order, of those of its things.
    word
        What a unit is, such as `compound`.

    Returns
    -------
    Units
        The units by these names.

    """
    first = pd.Series(np.asarray(names, dtype=str)).groupby(codes).transform("min")
    return named(first.to_numpy(dtype=str), word=word)


def kind_of(obs: pd.DataFrame, /) -> str:
    """The word for what was done to the cells of a table.

    Parameters
    ----------
    obs
        The annotation of wells.

    Returns
    -------
    str
        `compound` where types are known and all of them are compounds, else `perturbation`.

    """
    if schema.PERTURBATION_TYPE not in obs:
        return "perturbation"
    return "compound" if set(obs[schema.PERTURBATION_TYPE].dropna().astype(str)) == {schema.COMPOUND} else "perturbation"


def mean_over(values: npt.NDArray[np.floating], units: Units, /, *, value: float) -> Interval:
    """The interval of a score too costly to make again: Student's t over the means of its units.

    Units leave as queries only, so it covers a little less than the jackknife; `method` names it.

    Parameters
    ----------
    values
        (things,) of which the score is, or resembles, the mean; NaN where a thing has none.
    units
        The unit of each thing.
    value
        The score.

    Returns
    -------
    Interval
        The interval at 95 %; without ends where there are too few units.

    """
    sums = pd.Series(np.asarray(values, dtype=np.float64)).groupby(units.of).mean().dropna().to_numpy()
    count, method = len(sums), f"t over {interval.plural(units.word)}"
    if count < FEWEST_UNITS:
        return interval.none(unit=units.word, clusters=count, method=method, why=f"{count} units ({units.word}); {FEWEST_UNITS} are needed")
    spread = float(sums.var(ddof=1)) / count
    return interval.around(value, spread, df=count - 1, unit=units.word, clusters=count, method=method, share=True)
