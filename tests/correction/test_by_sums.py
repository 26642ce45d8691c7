"""A fit by sums passes over the plates of a table, some at a time, as often as it asks, and hands each pass what the one before gave."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import anndata
import numpy as np
import pytest
from tests.correction.plated import plates

from impasto.correction.base import Corrector
from impasto.correction.clip import Clip, ClipSettings
from impasto.scale import sums
from impasto.scale.sums import Part
from impasto.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Spread(Corrector[ClipSettings]):
    """The variance about the mean, which the first pass gives."""

    name: ClassVar[str] = "spread"
    settings_class: ClassVar[type[Settings]] = ClipSettings
    settings: ClipSettings
    variance: np.ndarray
    parts: tuple[int, ...]

    @classmethod
    def passes(cls, _: ClipSettings, /) -> int:
        return 2

    @classmethod
    def summarise(cls, plates: Iterable[anndata.AnnData], _: ClipSettings, before: Part | None, /) -> Part:
        rows = [np.asarray(plate.X, dtype=np.float64) - (0 if before is None else before.arrays["mean"]) for plate in plates]
        whole = np.concatenate(rows)
        return Part({"n": np.array(len(whole)), "sum": whole.sum(axis=0), "squares": (whole**2).sum(axis=0), "plates": np.array(len(rows))})

    @classmethod
    def merged(cls, parts: Sequence[Part], _: ClipSettings, before: Part | None, /) -> Part:
        n = sum(int(part.arrays["n"]) for part in parts)
        if before is None:
            return Part({"mean": sum(part.arrays["sum"] for part in parts) / n})
        return Part(
            {
                "variance": sum(part.arrays["squares"] for part in parts) / n,
                "plates": np.array([int(part.arrays["plates"]) for part in parts]),
            }
        )

    @classmethod
    def fitted_from(cls, whole: Part, settings: ClipSettings, /) -> Self:
        return cls(settings=settings, variance=whole.arrays["variance"], parts=tuple(whole.arrays["plates"].tolist()))

    @classmethod
    def learn_table(cls, profiles: anndata.AnnData, settings: ClipSettings, /) -> Self:
        return cls.by_sums(profiles, settings)

    def apply_table(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        return profiles


def test_each_pass_has_all_plates_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    data = plates(plates=5)
    monkeypatch.setattr(sums, "CHUNK", 2)
    fitted = Spread.fit(data)
    assert fitted.parts == (2, 2, 1)
    np.testing.assert_allclose(fitted.variance, data.X.astype(np.float64).var(axis=0), rtol=1e-9)


def test_a_table_without_plates_is_one_chunk() -> None:
    data = plates(plates=2)
    del data.obs["plate"]
    assert Spread.fit(data).parts == (1,)


def test_a_method_that_is_not_fitted_by_sums_says_so() -> None:
    assert Clip.passes(ClipSettings()) == 0
    empty = Part({})
    for call in (
        lambda: Clip.summarise([], ClipSettings(), None),
        lambda: Clip.merged([], ClipSettings(), None),
        lambda: Clip.fitted_from(empty, ClipSettings()),
    ):
        with pytest.raises(NotImplementedError, match="clip is not fitted by sums"):
            call()
