"""Mean, spread and principal directions of the reference rows of all plates, from sums over plates.

While the reference rows are no more than the features, the rows themselves are kept: the directions come from their Gram matrix
(spectrum.py), to the same numbers at less cost. Beyond, their cross-products are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import anndata
import numpy as np
import pandas as pd

from impasto import schema
from impasto.correction.base import Array, Floats
from impasto.correction.group_names import places_of
from impasto.correction.per_group import PerGroup
from impasto.correction.spectrum import spectrum, spectrum_of_sums
from impasto.scale import sums
from impasto.scale.sums import Moments, Part
from impasto.schema import InputError
from impasto.settings import Settings

S = TypeVar("S", bound=Settings)


def summarise(kind: type[PerGroup[S, Any]], plates: Iterable[anndata.AnnData], settings: S, /, *, cross: bool) -> Part:
    """The sums of the reference rows of some plates.

    Parameters
    ----------
    kind
        The corrector, which knows what reference rows are.
    plates
        The rows of each plate that may be learned from.
    settings
        Of the corrector.
    cross
        Whether cross-products are wanted.

    Returns
    -------
    Part
        The sums; words say where the plates stand, and the features.

    Raises
    ------
    InputError
        A plate that is corrected on its own has too few reference rows.

    """
    first: list[anndata.AnnData] = []
    annotation: list[pd.DataFrame] = []
    counted = np.zeros(2)

    def references() -> Iterator[Floats]:
        for plate in plates:
            first[:] = first or [plate[:0]]
            rows = kind.reference_rows(plate, settings)
            annotation.append(plate.obs.iloc[:1])
            counted[:] += (plate.n_obs, schema.SPARED in plate.obs)
            yield rows

    rows = references()
    begun = next(rows, None)
    if begun is None:
        return Part({})
    width = begun.shape[1]

    def all_rows() -> Iterator[Floats]:
        yield begun
        yield from rows

    arrays = sums.moments_of(all_rows(), width=width, cross=cross, keep_rows=cross)
    return Part({**arrays, "counted": counted}, {**places_of(annotation), "features": list(first[0].var_names)})


def merged(kind: type[PerGroup[S, Any]], parts: Sequence[Part], settings: S, /) -> Part:
    """The sums of all plates.

    Parameters
    ----------
    kind
        The corrector.
    parts
        What `summarise` gave, in the order of the plates.
    settings
        Of the corrector.

    Returns
    -------
    Part
        For `moments`.

    Raises
    ------
    InputError
        All plates together have too few reference rows, or there is none that can be used.

    """
    parts = [part for part in parts if part.words]
    if not parts:
        raise InputError(f"{kind.name}: there is no plate to learn from")
    rows, spared = np.sum([part.arrays["counted"] for part in parts], axis=0)
    references = int(sum(np.asarray(part.arrays["counts"]).sum() for part in parts))
    kind.refuse_few("", int(rows), references, settings, spared=bool(spared))
    whole = sums.merged(part.arrays for part in parts)
    arrays: dict[str, Any] = {"counts": whole.counts, "means": whole.means, "squares": whole.squares}
    arrays |= {name: value for name, value in (("cross", whole.cross), ("rows", whole.rows)) if value is not None}
    words = {word: [name for part in parts for name in part.words[word]] for word in parts[0].words if word != "features"}
    return Part(arrays, {**words, "features": parts[0].words["features"]})


def moments(part: Part, /) -> Moments:
    """The moments of a merged part.

    Parameters
    ----------
    part
        What `merged` gave.

    Returns
    -------
    Moments
        Of the reference rows of all plates.

    """
    arrays: dict[str, Any] = {name: part.arrays[name] for name in part.arrays}
    return Moments(**arrays)


def moments_of_rows(rows: Floats, /) -> Moments:
    """The moments of rows that are in memory.

    Parameters
    ----------
    rows
        (n, features), two rows or more.

    Returns
    -------
    Moments
        Of these rows.

    """
    return sums.merged([sums.moments_of([rows], width=rows.shape[1], cross=True, keep_rows=True)])


def deviation(whole: Moments, /) -> Array:
    """The sd of each feature.

    Parameters
    ----------
    whole
        Of two rows or more.

    Returns
    -------
    Array
        (features,), over n - 1.

    """
    return np.asarray(np.sqrt(whole.squares_of_all / (whole.count - 1)))


def principal(whole: Moments, spread: Array, /, *, least: float = 1e-10) -> tuple[Array, Array]:
    """Variances and principal directions of the standardised reference rows.

    Parameters
    ----------
    whole
        With rows or cross-products.
    spread
        (features,); an infinite spread makes a feature 0.
    least
        Variances up to this share of the largest are left out.

    Returns
    -------
    variances : Array
        (k,) of float64. Ascending.
    directions : Array
        (features, k) of float64. The principal directions, one a column.

    """
    if whole.rows is not None:
        return spectrum(whole.rows, whole.mean, spread, least=least)
    assert whole.cross is not None
    return spectrum_of_sums(whole.cross, whole.count, spread, least=least)
