"""What every task takes from its table: Profiles, consensus over replicates, and the labels a row carries."""

from __future__ import annotations

from typing import Literal, TypeAlias

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import frames, schema, wells
from impasto.dataset import Dataset
from impasto.schema import InputError

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.intp]
Table: TypeAlias = anndata.AnnData | pd.DataFrame | Dataset
"""What a task scores: Profiles, a DataFrame with `Metadata_` columns, or an open folder of plates, whose values stay on disk."""
Statistic = Literal["median", "mean"]
SameAs = Literal["name", "inchikey"]


def as_profiles(table: Table, /, *, task: str, joint: bool = False) -> anndata.AnnData:
    """Profiles as they are; of a DataFrame, or of an AnnData annotated in `Metadata_` columns, Profiles in our words.

    Parameters
    ----------
    table
        Profiles, or a table of one row a well.
    task
        What they are for, for error sentences.
    joint
        Whether the task scores all rows of a joint space (`impasto embed`); else only its rows of wells are taken, neither texts nor
        pooled bags.

    Returns
    -------
    anndata.AnnData
        Profiles with dense values.

    Raises
    ------
    TypeError
        For what is neither an AnnData nor a DataFrame.
    InputError
        For a table without rows or features.

    """
    profiles = frames.profiles_of(table, task=task)
    return profiles if joint else wells_of(profiles)


def wells_of(profiles: anndata.AnnData, /) -> anndata.AnnData:
    """The rows of wells of a joint space (`impasto embed`), neither texts nor pooled bags; any other table as it is.

    Parameters
    ----------
    profiles
        A joint space says what a row is in the columns `modality` and `level`.

    Returns
    -------
    anndata.AnnData
        The rows of wells, copied; the table given where it is no joint space.

    """
    if not {"modality", "level"} <= set(profiles.obs):
        return profiles
    of_wells = (profiles.obs["modality"] == "profile") & (profiles.obs["level"] == "well")
    return profiles[of_wells.to_numpy(dtype=bool)].copy()


# ---------------------------------------------------------------- which wells
def of_part(profiles: anndata.AnnData, part: str, /) -> anndata.AnnData:
    """The treated rows of one part of a split (`test`), with the negative controls to compare them with.

    These are the spared ones where some were, else the part's own (held-out plates), else all.

    Parameters
    ----------
    profiles
        One row a well, with the column `split`.
    part
        The name of the part.

    Returns
    -------
    anndata.AnnData
        The rows, copied.

    Raises
    ------
    InputError
        Without a split, or where no row is in the part.

    """
    obs = profiles.obs
    wells.require(obs, [schema.SPLIT], task="scoring one part")
    split = obs[schema.SPLIT].astype(str)
    if part not in set(split):
        raise InputError(f"no row is in the part {part!r}; the column {schema.SPLIT!r} holds {', '.join(sorted(set(split)))}")
    in_part = (split == part).to_numpy()
    controls = wells.unseen_negative(obs)
    if not (controls & wells.spared(obs)).any() and (controls & in_part).any():
        controls &= in_part
    return profiles[(in_part & wells.treated(obs)) | controls].copy()


# ---------------------------------------------------------------- what makes two rows the same
def named(profiles: Table, same_as: SameAs, /, *, task: str) -> tuple[anndata.AnnData, pd.DataFrame]:
    """What a task of perturbations begins with: profiles that say them, named as the user chose.

    Parameters
    ----------
    profiles
        Profiles, or a table of them.
    same_as
        As `merged` takes it.
    task
        The task, as the error sentence begins.

    Returns
    -------
    tuple[anndata.AnnData, pd.DataFrame]
        What `merged` gives.

    Raises
    ------
    InputError
        Nobody said what was done to the wells.

    """
    table = as_profiles(profiles, task=task)
    wells.require(table.obs, [schema.PERTURBATION], task=task)
    return merged(table, same_as)


def merged(profiles: anndata.AnnData, same_as: SameAs, /) -> tuple[anndata.AnnData, pd.DataFrame]:
    """Profiles whose perturbations are named as the user chose, and the names that were merged.

    Parameters
    ----------
    profiles
        Profiles with `perturbation`.
    same_as
        `name`: as the table names them. `inchikey`: perturbations that share an InChIKey are one.

    Returns
    -------
    tuple[anndata.AnnData, pd.DataFrame]
        The profiles, and one row a merged name: `perturbation` (the name kept), `names` (all that became it, joined by `, `).

    """
    if same_as == "name":
        return profiles, pd.DataFrame()
    names, together = wells.merge_by_inchikey(profiles.obs)
    listing = pd.DataFrame([(name, ", ".join(former)) for name, former in together.items()], columns=["perturbation", "names"])
    # Only the annotation changes: the values may lie on disk.
    obs = profiles.obs.assign(**{schema.PERTURBATION: names})
    return anndata.AnnData(X=profiles.X, obs=obs, var=profiles.var, uns=dict(profiles.uns)), listing


def dose_words(obs: pd.DataFrame, /, *, pool_doses: bool) -> str:
    """How a protocol says what was done with doses.

    Parameters
    ----------
    obs
        Annotation of the wells.
    pool_doses
        Whether all doses of a perturbation are one.

    Returns
    -------
    str
        `", doses apart"` or `", doses pooled"`; nothing in a table without several doses.

    """
    if not wells.has_doses(obs):
        return ""
    return ", doses pooled" if pool_doses else ", doses apart"


def groups(labels: pd.Series, /) -> tuple[Codes, list[str]]:
    """Labels as codes.

    Parameters
    ----------
    labels
        (n,) the label of each row.

    Returns
    -------
    tuple[Codes, list[str]]
        (n,) the code of each row's label, -1 for a missing one; and the labels in sorted order.

    """
    codes, names = pd.factorize(labels.astype("string"), sort=True)
    return np.asarray(codes, dtype=np.intp), [str(n) for n in names]


def consensus(values: npt.NDArray[np.floating], codes: Codes, /, *, statistic: Statistic = "median") -> Floats:
    """One row a code (0, 1, ...): the median or mean of its rows; Lu et al., CellCLIP, Eq. 13.

    Parameters
    ----------
    values
        (n, width).
    codes
        (n,) the code of each row; rows of codes below 0 are left out.
    statistic
        `median` or `mean`.

    Returns
    -------
    Floats
        (codes, width) in order of the codes.

    """
    schema.one_of(statistic, ("mean", "median"), what="statistic")
    order = np.argsort(codes, kind="stable")
    order = order[codes[order] >= 0]
    parts = np.split(values[order], np.flatnonzero(np.diff(codes[order])) + 1)
    reduce = np.mean if statistic == "mean" else np.median
    return np.stack([reduce(part, axis=0) for part in parts]).astype(np.float32)


# ---------------------------------------------------------------- labels, batches
def targets(obs: pd.DataFrame, /, *, by: str = "auto") -> tuple[list[frozenset[str]], str]:
    """The labels of each row as a set (targets are joined by `|` on disk), and the column they came from.

    Parameters
    ----------
    obs
        Annotation of the rows.
    by
        A column, or `auto` for the first of targets, gene, moa that holds anything.

    Returns
    -------
    tuple[list[frozenset[str]], str]
        One set a row, empty where it has no label; and the name of the column.

    Raises
    ------
    InputError
        Where no such column holds a label.

    """
    candidates = [by] if by != "auto" else [schema.TARGETS, schema.GENE, schema.MOA]
    present = [c for c in candidates if c in obs and obs[c].notna().any()]
    if not present:
        raise InputError(f"no labels in {', '.join(candidates)}; the profiles have {schema.listed(obs.columns)}")
    # A gene edited is its own target, so a row without a list falls back to its gene.
    text = obs[present[0]].astype("string")
    if by == "auto" and schema.GENE in obs:
        text = text.fillna(obs[schema.GENE].astype("string"))
    return [frozenset(w.strip() for w in value.split("|") if w.strip()) for value in text.fillna("")], present[0]


def batch_word(obs: pd.DataFrame, /, *, among: str = "auto") -> str:
    """The column that says which batch a row is of.

    Plates of one name count as several where their batches or sources differ (`wells.groups`).

    Parameters
    ----------
    obs
        Annotation of the rows.
    among
        A column, or `auto` for the widest of source, batch, plate with several values.

    Returns
    -------
    str
        The name of the column.

    Raises
    ------
    InputError
        Where no such column holds two batches.

    """
    candidates = [among] if among != "auto" else [schema.SOURCE, schema.BATCH, schema.PLATE]
    for word in candidates:
        if word in obs and len(np.unique(wells.groups(obs, word)[0][obs[word].notna().to_numpy()])) > 1:
            return word
    raise InputError(f"no column of {', '.join(candidates)} holds two batches; name one with --set batch=COLUMN")
