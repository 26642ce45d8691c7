"""The perturbations of a table of wells: one row a compound over all its doses, and where it has several, one row a dose.

The consensus profile of a row is the mean of the unit vectors of its wells, scaled to unit length. Wells of unknown treatment have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema, wells

Rows = npt.NDArray[np.intp]
Vectors = npt.NDArray[np.float32]
COMPOUND, DOSE, TREATMENT = "compound", "dose", "perturbation"
"""The column `level` of perturbations: `perturbation` is what search ranks, which is a compound at a dose where it has several. Where a run
has pooled the wells of a compound, search ranks that, and the others are a `compound` or a `dose`."""
LEVEL, TREATED_AS = "level", "treatment"
MODALITY, PROFILE = "modality", "profile"
"""Of `impasto embed`: whether a row is a profile, or a text or molecule."""
DESCRIBING = (
    *(schema.PERTURBATION_NAME, schema.PERTURBATION_TYPE, schema.GENE, schema.TARGETS, schema.MOA, schema.SMILES, schema.INCHIKEY),
    schema.CONTROL_TYPE,
)
"""What is said of a perturbation: the first that any of its wells says."""
_COLUMNS = (schema.PERTURBATION, TREATED_AS, LEVEL, schema.CONCENTRATION)
_WIDTH = 64


@dataclass(frozen=True)
class Consensus:
    """The perturbations of n wells.

    Attributes
    ----------
    rows
        One row a perturbation: `perturbation` (the compound), `treatment` (with its dose, as `wells.replicates` names it), `level`,
        `concentration` (missing for a compound over all doses), counts of wells and plates, and what is said of it.
    members
        The rows of the wells of each, ascending.

    """

    rows: pd.DataFrame
    members: list[Rows]

    def mean(self, values: npt.NDArray[np.floating], /) -> npt.NDArray[np.float32]:
        """The mean of the wells of every perturbation.

        Parameters
        ----------
        values
            (n, width) of the wells.

        Returns
        -------
        npt.NDArray[np.float32]
            (perturbations, width), summed in double precision.

        """
        from scipy.sparse import csr_array

        counts = np.array([len(own) for own in self.members], dtype=np.intp)
        at = np.concatenate([np.zeros(0, dtype=np.intp), *self.members])
        ends = np.concatenate([[0], np.cumsum(counts)])
        shares = csr_array((np.repeat(1 / np.maximum(counts, 1), counts), at, ends), shape=(len(counts), len(values)))
        means = np.empty((len(counts), values.shape[1]), dtype=np.float32)
        for start in range(0, values.shape[1], _WIDTH):
            means[:, start : start + _WIDTH] = shares @ np.asarray(values[:, start : start + _WIDTH], dtype=np.float64)
        return means


def of_wells(obs: pd.DataFrame, /) -> Consensus:
    """The perturbations of a table of wells.

    Parameters
    ----------
    obs
        Annotation of n wells (or sites).

    Returns
    -------
    Consensus
        Sorted by name, a compound before its doses. None in a table without the column `perturbation`.

    """
    if schema.PERTURBATION not in obs:
        return Consensus(pd.DataFrame({word: pd.Series(dtype=object) for word in _COLUMNS}), [])
    obs = obs.reset_index(drop=True)
    compound, treatment = (wells.replicates(obs, pool_doses=pooled) for pooled in (True, False))
    known = np.flatnonzero(~wells.unknown(obs) & compound.notna().to_numpy(dtype=bool) & treatment.notna().to_numpy(dtype=bool))
    control = wells.negative(obs)
    concentration = doses(obs)
    groups: list[tuple[str, str, str, float, Rows]] = []
    for name, own in _grouped(compound, known):
        treated_as = _grouped(treatment, own)
        apart = len(treated_as) > 1 and not control[own].any()
        groups.append((name, name, COMPOUND if apart else TREATMENT, float("nan"), own))
        by_dose = [(_dose(concentration, at), word, at) for word, at in treated_as] if apart else []
        groups += [(name, word, TREATMENT, dose, at) for dose, word, at in sorted(by_dose, key=lambda g: (np.isnan(g[0]), g[0], g[1]))]
    rows = pd.DataFrame([group[:-1] for group in groups], columns=list(_COLUMNS))
    members = [group[-1] for group in groups]
    return Consensus(_counted(_described(rows, obs, members), obs, members), members)


def doses(obs: pd.DataFrame, /) -> npt.NDArray[np.float64]:
    """The dose of every well as a number.

    Parameters
    ----------
    obs
        Annotation of n wells.

    Returns
    -------
    npt.NDArray[np.float64]
        (n,) NaN where there is none.

    """
    if schema.CONCENTRATION not in obs:
        return np.full(len(obs), np.nan)
    return pd.to_numeric(obs[schema.CONCENTRATION], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _grouped(names: pd.Series, rows: Rows) -> list[tuple[str, Rows]]:
    """The rows of each name, names sorted."""
    codes, known = pd.factorize(names.iloc[rows].to_numpy(dtype=object), sort=True)
    order = np.argsort(codes, kind="stable")
    parts = np.split(rows[order], np.flatnonzero(np.diff(codes[order])) + 1) if len(rows) else []
    return [(str(name), part) for name, part in zip(known, parts, strict=True)]


def _dose(concentration: npt.NDArray[np.float64], rows: Rows) -> float:
    own = concentration[rows]
    return float(own[0]) if len(own) and (own == own[0]).all() else float("nan")


def _described(rows: pd.DataFrame, obs: pd.DataFrame, members: Sequence[Rows]) -> pd.DataFrame:
    """What the first well that says anything says of each perturbation."""
    at, of = _flat(members)
    columns = {}
    for word in DESCRIBING:
        if word in obs:
            said = obs[word].iloc[at].astype("string").replace("", pd.NA).reset_index(drop=True)
            columns[word] = said.groupby(of).first().reindex(range(len(members))).to_numpy(dtype=object, na_value=None)
    return rows.assign(**columns)


def _counted(rows: pd.DataFrame, obs: pd.DataFrame, members: Sequence[Rows]) -> pd.DataFrame:
    at, of = _flat(members)
    plate, _ = wells.plates(obs)
    spot = obs[schema.WELL].astype("string").fillna("").to_numpy(dtype=object) if schema.WELL in obs else np.arange(len(obs))
    table = pd.DataFrame({"of": of, "plate": plate[at], "spot": spot[at]})
    return rows.assign(
        n_wells=np.bincount(table.drop_duplicates()["of"], minlength=len(members)),
        n_plates=np.bincount(table.drop_duplicates(["of", "plate"])["of"], minlength=len(members)),
    )


def _flat(members: Sequence[Rows]) -> tuple[Rows, Rows]:
    """The wells of all perturbations behind one another, and the perturbation of each."""
    at = np.concatenate([np.zeros(0, dtype=np.intp), *members])
    return at, np.repeat(np.arange(len(members)), [len(own) for own in members]).astype(np.intp)
