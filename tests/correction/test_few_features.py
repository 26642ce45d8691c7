"""What is learned a few features at a time is what is learned of all: each block in its place, whatever the arrays hold of a feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from impasto.correction import few_features


@dataclass(frozen=True)
class Learned:
    mean: npt.NDArray[np.float64]
    sorted: npt.NDArray[np.float32]


def learn(values: npt.NDArray[np.float32], reference: npt.NDArray[np.float32], /) -> Learned:
    return Learned(reference.mean(axis=0, dtype=np.float64), np.sort(values, axis=0).T)


def test_blocks_of_features_stand_in_their_order() -> None:
    values = np.random.default_rng(0).normal(size=(7, 11)).astype(np.float32)
    references = np.arange(7) % 2 == 0
    rooms: list[tuple[int, ...]] = []

    def room(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> npt.NDArray[np.generic]:
        rooms.append(shape)
        return np.full(shape, 9, dtype)

    few = (values[:, start : start + 4] for start in (0, 4, 8))
    learned = few_features.learned(learn, few, references, 11, room)
    assert rooms == [(11,), (11, 7)]
    np.testing.assert_allclose(learned.mean, [values[[0, 2, 4, 6], feature].astype(float).mean() for feature in range(11)], rtol=1e-12)
    assert [row.tolist() for row in learned.sorted] == [sorted(values[:, feature].tolist()) for feature in range(11)]
