"""Scanorama: batches stitched by their mutual nearest neighbours (Hie et al. 2019), by the package `scanorama` (extra `scanorama`).

    x      = V^T (profile at unit length),  V the first right singular vectors of the rows of the fit
    M_ij   = pairs (a, b) of rows of batches i and j that are among each other's k nearest
    x     <- x + sum_(a, b) w_ab(x) (b - a),   w_ab(x) proportional to exp(-sigma |x - a|^2 / 2), summing to 1

The pair of batches with the largest share of matched rows comes first. A batch is moved onto what was stitched before. A pair in which
that share is at most `alpha` is not stitched. Arevalo et al. 2024 run it among their correctors.

Departures. Neighbours are exact, where the package's default is approximate. The package keeps nothing that could be applied to other
rows. Here the rows and matches of the fit are kept: another row of one of its batches is moved by the matches of that batch, and moves
none itself. A batch that the fit did not see has no matches and is refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import anndata
import numpy as np
from pydantic import Field

from impasto import progress, ranking, wells
from impasto.correction.base import Array, new_features, with_values
from impasto.correction.known_batches import OfKnownBatches, Rows
from impasto.correction.per_group import By
from impasto.schema import InputError
from impasto.settings import Settings

FEWEST_ROWS = 2


class ScanoramaSettings(Settings):
    """What a batch is, and the method's own constants (its author's defaults)."""

    method: Literal["scanorama"] = "scanorama"
    by: By = Field("batch", description="What a batch is: plate, batch or source.")
    width: int = Field(100, ge=1, description="Numbers of a corrected profile, at most; fewer features or rows give fewer.")
    neighbours: int = Field(20, ge=1, description="Nearest rows of another batch that may be matched; fewer where a batch has fewer rows.")
    sigma: float = Field(15.0, gt=0, description="How near a match must be to move a row: the larger, the nearer.")
    alpha: float = Field(0.1, ge=0, description="Share of matched rows up to which two batches are not stitched.")


@dataclass(frozen=True, kw_only=True)
class Scanorama(OfKnownBatches[ScanoramaSettings]):
    """Scanorama after its fit.

    Attributes
    ----------
    components
        (features, width), orthonormal.
    rows
        Batch -> its rows (n, width), in the order in which batches are numbered.
    stitched
        (stitches, 2) numbers of batches, in order.
    matches
        Two numbers of batches, as `0 1` -> the matched rows (matches, 2) of both.

    """

    name: ClassVar[str] = "scanorama"
    without: ClassVar[str] = "which has no matches"
    settings_class: ClassVar[type[Settings]] = ScanoramaSettings
    settings: ScanoramaSettings
    components: Array
    rows: dict[str, Array]
    stitched: Array
    matches: dict[str, Array]

    @classmethod
    def learn_table(cls, profiles: anndata.AnnData, settings: ScanoramaSettings, /) -> Self:
        unit = ranking.unit(wells.finite(profiles, task=cls.name)).astype(np.float64)
        codes, names, keys = cls.batches_of_fit(profiles.obs, settings)
        _refuse_small(codes, names, settings)
        components = _components(unit, settings.width)
        rows = {name: unit[codes == number] @ components for number, name in enumerate(names)}
        stitched, matches = _matched(list(rows.values()), settings)
        alone = [name for number, name in enumerate(names) if number not in stitched]
        if alone:
            progress.say(f"scanorama: {len(alone)} of {len(names)} batches match no other and stay as they are: {', '.join(alone[:3])}")
        return cls(
            settings=settings,
            keys=keys,
            feature_names=tuple(profiles.var_names),
            components=components,
            rows=rows,
            stitched=stitched,
            matches=matches,
        )

    def apply_table(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        own = ranking.unit(self.values_of(profiles)).astype(np.float64) @ self.components
        of_rows = self.batches_of(profiles.obs)
        moved = np.empty_like(own)
        for number, batch in enumerate(self._stitched_with([own[of_rows == n] for n in range(len(self.rows))])):
            moved[of_rows == number] = batch
        return with_values(profiles, moved, var=new_features(self.name, moved.shape[1]))

    def seen_in_fit(self) -> tuple[str, ...]:
        return tuple(self.rows)

    def _stitched_with(self, others: Sequence[Array]) -> list[Array]:
        """The moved rows of each batch, which stand behind those of its fit and are matched with nothing."""
        fitted, most = list(self.rows.values()), max(map(len, others))
        # As many behind each batch: which of two batches is the larger must not change.
        filled = [np.concatenate([f, o, np.zeros((most - len(o), f.shape[1]))]) for f, o in zip(fitted, others, strict=True)]
        stitches = [(int(i), int(j)) for i, j in self.stitched]
        matches = {tuple(map(int, pair.split())): [(int(a), int(b)) for a, b in of] for pair, of in self.matches.items()}
        moved = _package().assemble(filled, sigma=self.settings.sigma, alignments=stitches, matches=matches, verbose=0)
        return [np.asarray(m)[len(f) : len(f) + len(o)] for m, f, o in zip(moved, fitted, others, strict=True)]


def _refuse_small(codes: Rows, names: Sequence[str], settings: ScanoramaSettings) -> None:
    """Raise InputError where a batch has too few rows for a match."""
    sizes = np.bincount(codes)
    if sizes.min() < FEWEST_ROWS:
        few = names[int(sizes.argmin())]
        raise InputError(
            f"scanorama needs {FEWEST_ROWS} rows of each {settings.by}; {few!r} has {sizes.min()}: leave it out, or pool batches"
        )


def _components(unit: Array, width: int) -> Array:
    """(features, width) the first right singular vectors, each with its largest entry above zero."""
    _, vectors = np.linalg.eigh(unit.T @ unit)
    chosen = vectors[:, ::-1][:, : min(width, *unit.shape)]
    return np.asarray(chosen * np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(chosen.shape[1])]))


def _matched(batches: Sequence[Array], settings: ScanoramaSettings) -> tuple[Array, dict[str, Array]]:
    """Which batches are stitched, in order, and the matched rows of each two batches."""
    k = min(settings.neighbours, min(map(len, batches)))
    pairs, matches = _package().find_alignments(list(batches), knn=k, approx=False, alpha=settings.alpha, verbose=0)
    stitched = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    # Two batches that are not stitched may both stand in one panorama: then their matches count too.
    return stitched, {f"{i} {j}": np.array(sorted(of), dtype=np.float64) for (i, j), of in sorted(matches.items()) if of}


def _package() -> Any:
    """The module of the package, which warns of its own dependencies."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from scanorama import scanorama
        except ImportError:
            raise InputError("Scanorama needs the extra: pip install 'impasto[scanorama]'; or choose another method") from None
    return scanorama
