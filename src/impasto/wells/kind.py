"""The kinds of wells: treated (`trt`), negative control, positive control, empty, or unknown.

Unknown is a kind of its own. An unknown well is never treated, never a control, and never a class.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from impasto import schema
from impasto.schema import InputError
from impasto.wells.columns import Flags, text

_NEGATIVE = frozenset({schema.NEGCON})
"""The kinds that are negative controls."""


def kinds(obs: pd.DataFrame, /) -> npt.NDArray[np.str_]:
    """The kind of each well.

    A control type decides where one is written. Without one, a named perturbation is treated and an unnamed one is unknown. A
    treated or positive-control well without a name is unknown too. A table without perturbations and without control types says
    nothing about its wells: all count as treated.

    Parameters
    ----------
    obs
        Annotation of n rows, its columns in the words of `schema`.

    Returns
    -------
    npt.NDArray[np.str_]
        (n,) of str. `negcon`, `poscon`, `trt`, `empty` or `unknown`.

    """
    has_name = named(obs)
    if schema.CONTROL_TYPE not in obs:
        return np.where(has_name, schema.TRT, schema.UNKNOWN)
    control_types = text(obs[schema.CONTROL_TYPE]).fillna(schema.TRT).to_numpy(dtype=str)
    known = np.where(np.isin(control_types, schema.CONTROL_TYPES), control_types, schema.UNKNOWN)
    return np.where(np.isin(known, (schema.TRT, schema.POSCON)) & ~has_name, schema.UNKNOWN, known)


def named(obs: pd.DataFrame, /) -> Flags:
    """Rows whose perturbation has a name.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    Flags
        (n,) of bool. All True in a table without perturbations.

    """
    if schema.PERTURBATION not in obs:
        return np.ones(len(obs), dtype=bool)
    return text(obs[schema.PERTURBATION]).notna().to_numpy(dtype=bool)


def counts_of_kinds(obs: pd.DataFrame, /) -> dict[str, int]:
    """How many wells are of each kind.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    dict[str, int]
        Kind -> number of rows. A kind without rows is left out.

    """
    kind_of_row = kinds(obs)
    return {kind: int((kind_of_row == kind).sum()) for kind in schema.CONTROL_TYPES if (kind_of_row == kind).any()}


def _are(obs: pd.DataFrame, kind: str) -> Flags:
    return kinds(obs) == kind


def treated(obs: pd.DataFrame, /) -> Flags:
    """Wells with a named perturbation that are neither negative controls nor empty. Positive controls count as treated.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    Flags
        (n,) of bool. True for the treated wells.

    """
    return np.isin(kinds(obs), (schema.TRT, schema.POSCON))


def negative(obs: pd.DataFrame, /) -> Flags:
    """All negative controls, spared or not.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    Flags
        (n,) of bool. True for the negative controls.

    """
    return _are(obs, schema.NEGCON)


def positive(obs: pd.DataFrame, /) -> Flags:
    """Positive controls.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    Flags
        (n,) of bool. True for the positive controls.

    """
    return _are(obs, schema.POSCON)


def empty(obs: pd.DataFrame, /) -> Flags:
    """Wells without cells, or without a treatment.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    Flags
        (n,) of bool. True for the empty wells.

    """
    return _are(obs, schema.EMPTY)


def unknown(obs: pd.DataFrame, /) -> Flags:
    """Wells whose treatment nobody named.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    Flags
        (n,) of bool. True for the unknown wells.

    """
    return _are(obs, schema.UNKNOWN)


def is_negative(kind: object, /) -> bool:
    """Whether a control type is that of a negative control.

    Parameters
    ----------
    kind
        The control type of one row.

    Returns
    -------
    bool
        True for `negcon`.

    """
    return kind in _NEGATIVE


def marks_controls(obs: pd.DataFrame, /) -> bool:
    """Whether at least one negative control is marked.

    Parameters
    ----------
    obs
        Annotation of n rows.

    Returns
    -------
    bool
        True where there is one.

    """
    return bool(negative(obs).any())


def require_negative(obs: pd.DataFrame, /, *, task: str) -> Flags:
    """The negative controls of a table that must have some.

    Parameters
    ----------
    obs
        Annotation of n rows.
    task
        What needs the controls, as the error sentence begins.

    Returns
    -------
    Flags
        (n,) of bool. True for the negative controls.

    Raises
    ------
    InputError
        No negative control is marked.

    """
    controls = negative(obs)
    if not controls.any():
        raise InputError(f"{task} needs negative controls, and none is marked; name them when you read the table: --negcon DMSO")
    return controls
