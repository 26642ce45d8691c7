"""Responses along the direction of the other plates: in feature space, in loops, beside the products of wells."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.evaluation.dose import direction

AT = np.array([-1, -1, 0, 1, 2, -1, 0, 0, 2, 2, -1, -1, -1, 1, 2])
PLATE = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2])


def test_the_contrast_is_the_squared_rank_less_the_plates_mean() -> None:
    expected = []
    for plate in range(3):
        ranks = [(a + 1) ** 2 for a, p in zip(AT, PLATE, strict=True) if p == plate]
        expected += [r - sum(ranks) / len(ranks) for r in ranks]
    np.testing.assert_allclose(direction.contrast(AT, PLATE), expected)


def _loop(wells: np.ndarray, at: np.ndarray) -> list[float]:
    weights = direction.contrast(at, PLATE)
    about = np.array([wells[i] - np.mean([wells[j] for j in range(len(wells)) if PLATE[j] == PLATE[i]], axis=0) for i in range(len(wells))])
    out = []
    for i in range(len(wells)):
        towards = sum(weights[j] * about[j] for j in range(len(wells)) if PLATE[j] != PLATE[i])
        out.append(float(about[i] @ towards / np.sqrt(towards @ towards)))
    return out


def test_responses_are_the_loop_of_their_definition() -> None:
    wells = np.random.default_rng(0).normal(size=(15, 6)) + PLATE[:, None]
    moved = np.concatenate([AT[:5][::-1], AT[5:10][::-1], AT[10:]])
    weights = np.stack([direction.contrast(AT, PLATE), direction.contrast(moved, PLATE)])
    got = direction.responses(direction.gram(wells, PLATE), weights, PLATE)
    np.testing.assert_allclose(got[0], _loop(wells, AT))
    np.testing.assert_allclose(got[1], _loop(wells, moved))
    for plate in range(3):
        assert got[:, plate == PLATE].sum(axis=1) == pytest.approx([0, 0], abs=1e-9)


def test_no_direction_no_response() -> None:
    wells = np.random.default_rng(0).normal(size=(15, 6))
    wells[PLATE > 0] = 1.0
    got = direction.responses(direction.gram(wells, PLATE), direction.contrast(AT, PLATE)[None], PLATE)[0]
    # Plates 1 and 2 do not vary, so plate 0 has no direction; along that of plate 0 the others do not vary.
    np.testing.assert_allclose(got, 0, atol=1e-9)
