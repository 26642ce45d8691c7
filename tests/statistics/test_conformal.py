"""Conformal p-values beside a plain loop, and their promise for wells like the controls."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from impasto.statistics import conformal


def plain(scores: np.ndarray, spared: np.ndarray, plates: np.ndarray) -> list[float]:
    found = []
    for i in range(len(scores)):
        judges = [scores[j] for j in range(len(scores)) if spared[j] and plates[j] == plates[i] and j != i and not np.isnan(scores[j])]
        known = bool(judges) and not np.isnan(scores[i])
        found.append((1 + sum(s >= scores[i] for s in judges)) / (len(judges) + 1) if known else float("nan"))
    return found


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 2)), min_size=1, max_size=30))
def test_it_is_a_plain_count(wells: list[tuple[int, bool, int]]) -> None:
    scores, spared, plates = (np.array(column) for column in zip(*wells, strict=True))
    values = scores.astype(float)
    values[scores == 4] = np.nan
    unknown_control = spared & np.isnan(values)
    found = conformal.p_values(values[~unknown_control], spared[~unknown_control], plates[~unknown_control])
    np.testing.assert_allclose(found, plain(values[~unknown_control], spared[~unknown_control], plates[~unknown_control]))


def test_wells_like_the_controls_are_called_at_their_rate() -> None:
    rng = np.random.default_rng(0)
    plates = np.repeat(np.arange(200), 30)
    spared = np.tile(np.arange(30) < 19, 200)
    found = conformal.p_values(rng.normal(size=6000) + plates, spared, plates)
    share = np.mean(found[~spared] <= 0.05)
    # The smallest p is 1/20: called in 1 of 20; standard error .005.
    assert abs(share - 0.05) < 0.015
