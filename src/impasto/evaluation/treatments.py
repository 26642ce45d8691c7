"""Treatments of a table (a compound at a dose), who may answer for whom, and how well they are answered.

Rows are averaged to treatments; across batches, to treatments within each batch. A treatment is asked for its mechanism among those of
other compounds, across batches also of other batches only. It counts where a right answer is among them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import ranking, schema, wells
from impasto.evaluation import inputs
from impasto.evaluation.inputs import Statistic
from impasto.schema import InputError

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Treatments:
    """The treatments of a table, and which of them may answer which.

    Attributes
    ----------
    of_row
        (rows,) the treatment of each row of the table.
    names
        One row a treatment: compound, treatment, mechanism; across batches also batch.
    mechanism, compound
        (treatments,) codes.
    allowed
        (treatments, treatments) who may answer whom.

    """

    of_row: Rows
    names: pd.DataFrame
    mechanism: Rows
    compound: Rows
    allowed: Flags

    def __len__(self) -> int:
        """How many treatments there are."""
        return len(self.names)

    @property
    def right(self) -> Flags:
        """Who may answer whom and would be right (treatments, treatments)."""
        return self.allowed & (self.mechanism[:, None] == self.mechanism[None, :])

    @property
    def answerable(self) -> Flags:
        """The treatments for which some candidate has the same mechanism (treatments,)."""
        return np.asarray(self.right.any(axis=1))

    def similarity(self, values: Floats, /, *, statistic: Statistic = "mean") -> Floats:
        """The cosine of every two treatments; minus infinity where one may not answer the other.

        Parameters
        ----------
        values
            (rows, features) of the table.
        statistic
            How the rows of a treatment are averaged.

        Returns
        -------
        Floats
            (treatments, treatments).

        """
        vectors = ranking.unit(inputs.consensus(values, self.of_row, statistic=statistic))
        return np.where(self.allowed, vectors @ vectors.T, np.float32(-np.inf))

    def answered(self, nearest: Rows, /) -> Numbers:
        """Whether the nearest has the same mechanism, of the treatments that can be answered.

        Parameters
        ----------
        nearest
            (treatments,) the nearest of each.

        Returns
        -------
        Numbers
            (answerable treatments,) 0 or 1.

        """
        return (self.mechanism[nearest] == self.mechanism)[self.answerable].astype(np.float64)

    def precision(self, similarity: Floats, /) -> Numbers:
        """The average precision with which each treatment finds those of its mechanism; ties are averaged.

        Parameters
        ----------
        similarity
            Of `similarity`.

        Returns
        -------
        Numbers
            (treatments,); NaN where no candidate has the same mechanism.

        """
        rows = zip(similarity, self.allowed, self.right, strict=True)
        return np.array([ranking.average_precision(row[hit], row[may & ~hit]) for row, may, hit in rows])

    def precision_without(self, similarity: Floats, units: npt.NDArray[np.str_], /) -> dict[str, Numbers]:
        """The same without the treatments of each unit, which are neither asked nor candidates.

        Parameters
        ----------
        similarity
            Of `similarity`.
        units
            (treatments,) the unit of each.

        Returns
        -------
        dict[str, Numbers]
            Unit -> (treatments,); NaN for those of the unit.

        """
        names = np.unique(units)
        stays = units[:, None] != names[None]
        rows = zip(similarity, self.allowed, self.right, stays, strict=True)
        precisions = np.stack(
            [np.where(own, ranking.precision_among(row[may], hit[may], stays[may]), np.nan) for row, may, hit, own in rows]
        )
        return {str(name): precisions[:, place] for place, name in enumerate(names)}

    @property
    def chance_precision(self) -> float:
        """The mean average precision of candidates in a random order; NaN where no treatment can be answered."""
        hits, candidates = self.right.sum(axis=1), self.allowed.sum(axis=1)
        of_query = [ranking.chance_average_precision(int(h), int(c - h)) for h, c in zip(hits, candidates, strict=True) if h]
        return float(np.mean(of_query)) if of_query else float("nan")

    def shuffled(self, rng: np.random.Generator, /) -> Treatments:
        """The same with the mechanisms shuffled over the compounds: all treatments of a compound keep one.

        Parameters
        ----------
        rng
            What draws.

        Returns
        -------
        Treatments
            With other mechanisms.

        """
        return replace(self, mechanism=shuffled(self.mechanism, self.compound, rng))


def shuffled(mechanism: Rows, compound: Rows, rng: np.random.Generator, /) -> Rows:
    """Mechanisms shuffled over compounds.

    Parameters
    ----------
    mechanism, compound
        (treatments,) codes; a compound has one mechanism.
    rng
        What draws.

    Returns
    -------
    Rows
        (treatments,) the new codes.

    """
    own = np.zeros(compound.max() + 1, dtype=np.intp)
    own[compound] = mechanism
    return np.asarray(rng.permutation(own)[compound])


def of_keys(keys: pd.DataFrame, /, *, across: bool) -> Treatments:
    """The treatments of some rows.

    Parameters
    ----------
    keys
        Of `keys_of`.
    across
        Whether only treatments of other batches answer. Rows are then averaged within each batch.

    Returns
    -------
    Treatments
        In the order of their names.

    """
    codes = keys.groupby(["treatment", "batch"] if across else ["treatment"], sort=True).ngroup().to_numpy()
    names = keys.iloc[np.unique(codes, return_index=True)[1]]
    compound, batch, mechanism = (pd.factorize(names[word], sort=True)[0] for word in ("compound", "batch", "mechanism"))
    allowed: Flags = compound[:, None] != compound[None, :]
    if across:
        allowed &= batch[:, None] != batch[None, :]
    return Treatments(codes, names if across else names.drop(columns="batch"), mechanism, compound, allowed)


def asked_rows(obs: pd.DataFrame, /, *, label: str) -> Rows:
    """The treated rows whose mechanism is known.

    Parameters
    ----------
    obs
        Annotation of the rows.
    label
        The column of mechanisms.

    Returns
    -------
    Rows
        Their places.

    Raises
    ------
    InputError
        Where there is none.

    """
    rows = np.flatnonzero(wells.treated(obs) & obs[label].notna().to_numpy())
    if not len(rows):
        raise InputError(f"no treated row has a {label}; join the annotation with --platemap")
    return rows


def mean(values: Numbers) -> float:
    """The mean of what is known.

    Parameters
    ----------
    values
        (n,) with NaN where there is none.

    Returns
    -------
    float
        NaN where nothing is known.

    """
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def keys_of(
    obs: pd.DataFrame, rows: Rows, /, *, label: str, batch: str = "auto", pattern: str = "", pool_doses: bool = False
) -> pd.DataFrame:
    """Compound, treatment, mechanism and batch of the chosen rows, as strings; one batch where the table knows none.

    Parameters
    ----------
    obs
        Annotation of the rows.
    rows
        Those that are asked, by place.
    label
        The column of mechanisms.
    batch
        The column of batches; `auto` takes the widest of source, batch, plate with several values.
    pattern
        A regular expression whose match in that column is the batch; none where it is empty.
    pool_doses
        Whether all doses of a compound are one treatment.

    Returns
    -------
    DataFrame
        One row a chosen row.

    Raises
    ------
    InputError
        Where the pattern does not match.

    """
    compound = wells.compounds(obs).iloc[rows].astype(str)
    treatment = compound if pool_doses else compound + "|" + _dose(obs).iloc[rows]
    try:
        word = inputs.batch_word(obs.iloc[rows], among=batch)
        codes, names = wells.groups(obs, word)
        batches = pd.Series(np.array(names, dtype=object)[codes], index=obs.index).iloc[rows]
        written = obs[word].iloc[rows].astype(str)
    except InputError:
        if batch != "auto":
            raise
        batches = written = pd.Series("", index=obs.index).iloc[rows]
    if pattern:
        matched = written.str.extract(f"({pattern})", expand=True)[0]
        if matched.isna().any():
            raise InputError(f"batch_pattern {pattern!r} does not match {written[matched.isna()].iloc[0]!r}")
        batches = matched
    mechanism = obs[label].iloc[rows].astype(str)
    return pd.DataFrame({"compound": compound, "treatment": treatment, "mechanism": mechanism, "batch": batches})


def _dose(obs: pd.DataFrame) -> pd.Series:
    """What tells two treatments of one compound apart (n,): the dose, or the name (which may hold it) where no dose is given."""
    named = wells.replicates(obs).astype(str)
    if schema.CONCENTRATION not in obs:
        return named
    return pd.to_numeric(obs[schema.CONCENTRATION], errors="coerce").map("{:g}".format, na_action="ignore").astype(object).fillna(named)
