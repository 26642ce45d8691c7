"""What every task takes from Profiles: finite rows, consensus over replicates, and the labels a row carries."""

from __future__ import annotations

import anndata
import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import profiles as tables
from impasto import schema
from impasto.schema import InputError, one_of

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.intp]


def finite(profiles: anndata.AnnData, /) -> Floats:
    """The features (rows, width), float32. Raises InputError where a value is missing or infinite."""
    values = tables.dense(profiles)
    bad = ~np.isfinite(values)
    if bad.any():
        columns = profiles.var_names[bad.any(axis=0)]
        raise InputError(
            f"{len(columns)} features hold missing or infinite values (first: {columns[0]}); run: impasto correct --method select"
        )
    return values


def is_treated(obs: pd.DataFrame, /) -> npt.NDArray[np.bool_]:
    """Rows that are neither negative controls nor empty; all rows where controls are not marked."""
    if schema.CONTROL_TYPE not in obs:
        return np.ones(len(obs), dtype=bool)
    return ~obs[schema.CONTROL_TYPE].astype(str).isin([schema.NEGCON, schema.EMPTY]).to_numpy()


def is_negcon(obs: pd.DataFrame, /) -> npt.NDArray[np.bool_]:
    """Rows that are negative controls; of those, only the spared ones where a correction has spared some."""
    if schema.CONTROL_TYPE not in obs:
        return np.zeros(len(obs), dtype=bool)
    found = (obs[schema.CONTROL_TYPE].astype(str) == schema.NEGCON).to_numpy()
    return found & obs[schema.SPARED].to_numpy(dtype=bool) if schema.SPARED in obs else found


def wells_of(profiles: anndata.AnnData, /) -> anndata.AnnData:
    """Of a joint space (`impasto embed`) the rows of wells: neither texts nor pooled bags; any other table as it is."""
    if not {"modality", "level"} <= set(profiles.obs):
        return profiles
    wells = (profiles.obs["modality"] == "profile") & (profiles.obs["level"] == "well")
    return profiles[wells.to_numpy()].copy()


def of_part(profiles: anndata.AnnData, part: str, /) -> anndata.AnnData:
    """The treated rows of one part of a split (`test`), with the negative controls to compare them with.

    These are the spared ones where some were, else the part's own (held-out plates), else all. Raises InputError without a split.
    """
    tables.require(profiles, schema.SPLIT, task="scoring one part")
    split = profiles.obs[schema.SPLIT].astype(str)
    if part not in set(split):
        raise InputError(f"no row is in the part {part!r}; the column {schema.SPLIT!r} holds {', '.join(sorted(set(split)))}")
    mine = (split == part).to_numpy()
    controls = is_negcon(profiles.obs)
    if schema.SPARED not in profiles.obs and (controls & mine).any():
        controls &= mine
    return profiles[(mine & is_treated(profiles.obs)) | controls].copy()


def groups(labels: pd.Series, /) -> tuple[Codes, list[str]]:
    """Code of each row's label (-1 for a missing one) and the labels in sorted order."""
    codes, names = pd.factorize(labels.astype("string"), sort=True)
    return np.asarray(codes, dtype=np.intp), [str(n) for n in names]


def consensus(values: npt.NDArray[np.floating], codes: Codes, /, *, statistic: str = "median") -> Floats:
    """One row a code (0, 1, ...): the median or mean of its rows; Lu et al., CellCLIP, Eq. 13. Codes below 0 are left out."""
    one_of(statistic, ("mean", "median"), what="statistic")
    order = np.argsort(codes, kind="stable")
    order = order[codes[order] >= 0]
    parts = np.split(values[order], np.flatnonzero(np.diff(codes[order])) + 1)
    reduce = np.mean if statistic == "mean" else np.median
    return np.stack([reduce(part, axis=0) for part in parts]).astype(np.float32)


def targets(obs: pd.DataFrame, /, *, by: str = "auto") -> tuple[list[frozenset[str]], str]:
    """The labels of each row as a set (targets are joined by `|` on disk), and the column they came from.

    `by`: a column, or `auto` for the first of targets, gene, moa that holds anything. Raises InputError where there is none.
    """
    candidates = [by] if by != "auto" else [schema.TARGETS, schema.GENE, schema.MOA]
    found = [c for c in candidates if c in obs and obs[c].notna().any()]
    if not found:
        raise InputError(f"no labels in {', '.join(candidates)}; the profiles have {schema.listed(obs.columns)}")
    # A gene edited is its own target, so a row without a list falls back to its gene.
    text = obs[found[0]].astype("string")
    if by == "auto" and schema.GENE in obs:
        text = text.fillna(obs[schema.GENE].astype("string"))
    return [frozenset(w.strip() for w in value.split("|") if w.strip()) for value in text.fillna("")], found[0]


def batch_word(obs: pd.DataFrame, /, *, among: str = "auto") -> str:
    """The column that says which batch a row is of: the one named, or the widest of source, batch, plate with several values."""
    candidates = [among] if among != "auto" else [schema.SOURCE, schema.BATCH, schema.PLATE]
    for word in candidates:
        if word in obs and len(obs[word].dropna().unique()) > 1:
            return word
    raise InputError(f"no column of {', '.join(candidates)} holds two batches; name one with --set batch=COLUMN")
