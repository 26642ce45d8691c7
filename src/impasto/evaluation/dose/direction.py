"""The response of a well: how far it lies along the direction in which its compound moves the cells of the *other* plates.

On plate p the direction is u_p = Σ_q w_q' X_q over the other plates q, with weights w that contrast the squared rank of the dose with
the plate's mean weight; controls have rank 0. The response is y = x·u_p/|u_p|. A plate's own noise is never in its direction, so wells
of a compound that does nothing have responses about zero. Everything is computed from the products of wells (their Gram matrix), so
that a permutation costs no features.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
_NOTHING = 1e-12


def contrast(at: Codes, plate: Codes, /) -> Numbers:
    """The weights of wells: (1 + place of the dose)², 0 for a control, less their mean on the plate.

    Parameters
    ----------
    at
        (n,) the place of each well's dose among the doses, -1 for a control.
    plate
        (n,) code of the plate, from 0.

    Returns
    -------
    Numbers
        (n,) weights.

    """
    return centred(np.square(at[None] + 1, dtype=np.float64), plate)[0]


def centred(values: Numbers, plate: Codes, /) -> Numbers:
    """Rows less their mean on every plate.

    Parameters
    ----------
    values
        (b, n) one row a permutation or feature.
    plate
        (n,) code of the plate, from 0.

    Returns
    -------
    Numbers
        (b, n) of mean zero on every plate.

    """
    means = np.stack([values[:, plate == p].mean(axis=1) for p in range(int(plate.max()) + 1)], axis=1)
    return np.asarray(values - means[:, plate])


def gram(wells: Numbers, plate: Codes, /) -> Numbers:
    """Products of wells, once the mean of their plate is taken away.

    Parameters
    ----------
    wells
        (n, features).
    plate
        (n,) code of the plate, from 0.

    Returns
    -------
    Numbers
        (n, n) products.

    """
    about = centred(wells.T, plate).T
    return np.asarray(about @ about.T)


def responses(products: Numbers, weights: Numbers, plate: Codes, /) -> Numbers:
    """The responses of wells, of mean zero on every plate.

    Parameters
    ----------
    products
        (n, n) of the wells, see `gram`.
    weights
        (b, n) contrasts, one row a permutation.
    plate
        (n,) code of the plate, from 0; wells of a plate stand together.

    Returns
    -------
    Numbers
        (b, n) responses. Zero where the direction of the other plates has no length.

    """
    count = int(plate.max()) + 1
    bounds = np.searchsorted(plate, np.arange(count + 1))
    of = [slice(bounds[p], bounds[p + 1]) for p in range(count)]
    onto = np.zeros((len(weights), len(plate)))
    lengths = np.zeros((count, count, len(weights)))
    for p in range(count):
        for q in range(count):
            moved = weights[:, of[q]] @ products[of[q], of[p]]
            lengths[p, q] = (moved * weights[:, of[p]]).sum(axis=1)
            if p != q:
                onto[:, of[p]] += moved
    for p in range(count):
        others = np.arange(count) != p
        squared = np.maximum(lengths[others][:, others].sum(axis=(0, 1)), 0.0)[:, None]
        onto[:, of[p]] = np.divide(onto[:, of[p]], np.sqrt(squared), out=np.zeros_like(onto[:, of[p]]), where=squared > _NOTHING)
    return onto
