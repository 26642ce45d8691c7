"""What wells of nothing look like: features in units of their own spread, centred by each plate's controls, and the noise between wells.

    Y = features / sd of the wells about their plate's centre,      x = Y - mean of the plate's fitting controls,
    residual of a well of perturbation j = (x - mean of j) sqrt(K / (K - 1)), less the plate's mean residual, times sqrt(n / (n - 1)),
    S = covariance of residuals, shrunk to a multiple of the identity (Ledoit & Wolf 2004).

A plate's centre is known from c controls only. What all residuals of a plate share is that centre's error, and is taken off.

Departures: any L with L L' = S whitens as well as S^(1/2), since only inner products are used. With more features than wells, wells
are first written in an orthonormal basis of their own span, which changes no inner product. The shrinkage is at least .02, so that
directions without noise are never divided by nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

from impasto import mapped
from impasto.evaluation.design import Design, Rows
from impasto.evaluation.layout import parted
from impasto.schema import InputError

Numbers = npt.NDArray[np.float64]
LEAST_SHRINKAGE = 0.02
_NONE = np.empty(0, dtype=np.intp)
_CONSTANT = 1e-9
"""Relative to the largest value of a feature: a spread below it is rounding."""


@dataclass(frozen=True)
class Centred:
    """Wells about the centres of their plates.

    Attributes
    ----------
    values
        (n, r) x, in the basis.
    basis
        (features, r) orthonormal columns; None where the features themselves are the basis.
    kept
        (all features,) which features vary.

    """

    values: Numbers
    basis: Numbers | None
    kept: npt.NDArray[np.bool_]

    @property
    def features(self) -> int:
        """How many features vary."""
        return int(self.kept.sum())

    def in_features(self, vectors: Numbers, /) -> Numbers:
        """Vectors of the basis written as features.

        Parameters
        ----------
        vectors
            (m, r).

        Returns
        -------
        Numbers
            (m, features that vary)

        """
        return vectors if self.basis is None else vectors @ self.basis.T


def centred(values: npt.NDArray[np.floating], where: Design, rows: Rows, /) -> Centred:
    """The wells of a run about the centres of their plates.

    Parameters
    ----------
    values
        (n, features) of all rows.
    where
        The design.
    rows
        The rows that are tested, centre, or judge; the values of others are zero.

    Returns
    -------
    Centred
        Features in units of their spread, less the mean of the plate's fitting controls.

    Raises
    ------
    InputError
        Where no feature varies.

    """
    about: Numbers = mapped.zeros_beside(values, values.shape, dtype=np.float64)
    fitting = parted(np.flatnonzero(where.fitting), where.plate)
    for code, own in parted(rows, where.plate).items():
        middle = values[fitting.get(code, _NONE)].mean(axis=0, dtype=np.float64)
        about[own] = values[own] - middle
    _, spread = mapped.spread(about, rows)
    largest = np.max([np.abs(values[own]).max(axis=0) for own in parted(rows, where.plate).values()], axis=0)
    varying = spread > _CONSTANT * np.maximum(largest, np.finfo(np.float32).tiny)
    if not varying.any():
        raise InputError(f"none of {values.shape[1]} features varies between wells of a plate, so nothing can differ from the controls")
    scaled: Numbers = mapped.zeros_beside(values, (len(values), int(varying.sum())), dtype=np.float64)
    for here in mapped.blocks(about):
        np.divide(about[here][:, varying], spread[varying], out=scaled[here])
    if scaled.shape[1] <= len(rows):
        return Centred(scaled, None, varying)
    basis, coordinates = linalg.qr(scaled[rows].T, mode="economic")
    inside = np.zeros((len(values), len(rows)))
    inside[rows] = coordinates.T
    return Centred(inside, basis, varying)


def of_controls(x: Numbers, where: Design, /) -> Numbers:
    """Residuals of the fitting controls about their plate's mean, each with the variance of a well.

    Parameters
    ----------
    x
        (n, r) centred wells.
    where
        The design.

    Returns
    -------
    Numbers
        (controls, r) of plates with two controls or more.

    """
    parts = []
    for rows in parted(np.flatnonzero(where.fitting), where.plate).values():
        own = x[rows]
        if len(own) > 1:
            parts.append((own - own.mean(axis=0)) * np.sqrt(len(own) / (len(own) - 1)))
    return np.concatenate(parts) if parts else np.empty((0, x.shape[1]))


def of_replicates(x: Numbers, sets: Sequence[Rows], plate: Rows, /) -> list[Numbers]:
    """Residuals of the wells of each set, each with the variance of a well.

    Parameters
    ----------
    x
        (n, r) centred wells.
    sets
        The rows of each perturbation, two or more.
    plate
        (n,) codes.

    Returns
    -------
    list[Numbers]
        (K, r) of each set of K wells.

    """
    codes = plate[np.concatenate(list(sets))]
    ends = np.cumsum([len(rows) for rows in sets])
    flat: Numbers = mapped.zeros_beside(x, (len(codes), x.shape[1]), dtype=np.float64)
    for rows, end in zip(sets, ends, strict=True):
        own = x[rows]
        flat[end - len(rows) : end] = (own - own.mean(axis=0)) * np.sqrt(len(rows) / (len(rows) - 1))
    for together in parted(np.arange(len(codes)), codes).values():
        if len(together) > 1:
            own = flat[together]
            flat[together] = (own - own.mean(axis=0)) * np.sqrt(len(own) / (len(own) - 1))
    return [flat[end - len(rows) : end] for rows, end in zip(sets, ends, strict=True)]


def shrunk_factor(residuals: Numbers | Sequence[Numbers], /, *, features: int) -> Numbers:
    """The lower triangle L (r, r) with L L' = the shrunk covariance of the residuals.

    Parameters
    ----------
    residuals
        (m, r) of mean zero; or several such, which are never held together where they are mapped.
    features
        How many features they stand for; more than r where they are written in a basis.

    Returns
    -------
    Numbers
        The factor of (1 - a) S + a μ I with S = R'R / m, μ = trace S / features and a by Ledoit and Wolf (2004), at least .02. The identity
        where all residuals are zero.

    """
    parts = [residuals] if isinstance(residuals, np.ndarray) else list(_blocks(residuals))
    count, width = sum(map(len, parts)), parts[0].shape[1]
    covariance = np.sum([part.T @ part for part in parts], axis=0) / max(count, 1)
    mean = float(np.trace(covariance)) / features
    if mean <= 0:
        return np.eye(width)
    square = float((covariance**2).sum())
    error = sum(float(((part**2).sum(axis=1) ** 2).sum()) for part in parts) / count**2 - square / count
    distance = square - features * mean**2
    share = float(np.clip(error / distance, LEAST_SHRINKAGE, 1)) if distance > 0 else 1.0
    covariance *= 1 - share
    covariance[np.diag_indices(width)] += share * mean
    return np.asarray(linalg.cholesky(covariance, lower=True))


def _blocks(residuals: Sequence[Numbers]) -> Iterator[Numbers]:
    """Residuals put together: all of those in memory, and a block at a time of those that are mapped."""
    waiting: list[Numbers] = []
    for part in residuals:
        waiting.append(part)
        if mapped.is_mapped(part) and sum(each.nbytes for each in waiting) >= mapped.BLOCK_BYTES:
            yield np.concatenate(waiting)
            waiting = []
    if waiting:
        yield np.concatenate(waiting)


def whitened_sets(sets: Sequence[Numbers], factor: Numbers, /) -> list[Numbers]:
    """The whitened rows of each of several sets, where the rows are: in memory, or in a scratch file.

    Parameters
    ----------
    sets
        (m, r) rows of each.
    factor
        L (r, r).

    Returns
    -------
    list[Numbers]
        (m, r) of each.

    """
    flat: Numbers = mapped.zeros_beside(sets[0], (sum(map(len, sets)), sets[0].shape[1]), dtype=np.float64)
    start = 0
    for block in _blocks(sets):
        flat[start : start + len(block)] = whitened(block, factor)
        start += len(block)
    return np.split(flat, np.cumsum([len(rows) for rows in sets])[:-1])


def whitened(rows: Numbers, factor: Numbers, /) -> Numbers:
    """Rows whose inner products are those under S^-1.

    Parameters
    ----------
    rows
        (m, r).
    factor
        L (r, r).

    Returns
    -------
    Numbers
        (m, r) rows times the transpose of L^-1.

    """
    return np.asarray(linalg.solve_triangular(factor, rows.T, lower=True).T)
