"""Transfer with its wells exchanged: the shares of the exchanged values, exchanges within plates, and how much shuffles vary."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from impasto.evaluation import shuffled_wells, transfer
from impasto.evaluation.shuffled_wells import ShuffledWells
from impasto.evaluation.transfer import Split

KS = (1, 3)


def drawn(codes: npt.NDArray[np.intp], *, shots: int, many: int = 4) -> list[Split]:
    batches = np.zeros(len(codes), dtype=np.intp)
    return [transfer.split(codes, batches, shots=shots, protocol="within-batch", rng=np.random.default_rng(s)) for s in range(many)]


def made(values: npt.NDArray[np.float32], codes: npt.NDArray[np.intp], splits: list[Split], plates: npt.NDArray[np.intp]) -> ShuffledWells:
    return shuffled_wells.of(values, codes, [(s.shown, s.asked) for s in splits], plates, ks=KS)


@pytest.mark.parametrize("shots", [1, 2])
@pytest.mark.parametrize("kept", [shuffled_wells.MOST_GRAM, 0])
def test_the_shares_are_those_of_the_exchanged_values(shots: int, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shuffled_wells, "MOST_GRAM", kept)
    rng = np.random.default_rng(2)
    codes = rng.permutation(np.repeat(np.arange(7), 5))
    codes[:2] = -1  # nobody named these wells
    values = rng.normal(size=(35, 6)).astype(np.float32)
    splits = drawn(codes, shots=shots)
    wells = made(values, codes, splits, np.zeros(35, dtype=np.intp))
    used = np.unique(np.concatenate([np.r_[s.shown, s.asked] for s in splits]))
    for order in (np.arange(len(used)), rng.permutation(len(used))):
        exchanged = values.copy()
        exchanged[used] = values[used[order]]
        expected = {k: np.mean([transfer.hits(exchanged, codes, s, k=k).mean() for s in splits]) for k in KS}
        assert wells.shares(order) == pytest.approx(expected)


def test_wells_stay_on_their_plate() -> None:
    codes, plates = np.tile(np.arange(6), 4), np.repeat([0, 1, 1, 2], 6)
    values = np.random.default_rng(0).normal(size=(24, 5)).astype(np.float32)
    wells = made(values, codes, drawn(codes, shots=1), plates)
    order = wells._order(np.random.default_rng(1))
    assert (plates[order] == plates).all()
    assert sorted(order) == list(range(24))
    assert (order != np.arange(24)).sum() > 12


def test_p_is_counted_over_the_shuffles_of_one_seed() -> None:
    codes = np.repeat(np.arange(8), 4)
    values = np.random.default_rng(3).normal(size=(32, 5)).astype(np.float32)
    wells = made(values, codes, drawn(codes, shots=1), np.zeros(32, dtype=np.intp))
    rng = np.random.default_rng(11)
    scores = [wells.shares(wells._order(rng)) for _ in range(30)]
    own = wells.shares(np.arange(32))
    for k in KS:
        above = sum(score[k] >= own[k] - 1e-12 for score in scores)
        expected = (1 + above) / 31 if above < 20 else None
        p = wells.p_chance(k, seed=11, most=30)
        assert p == pytest.approx(expected) if expected is not None else p > 0.5
    assert wells.p_chance(1, seed=11, most=0) is None


def test_shuffles_of_a_table_of_noise_vary_as_tables_of_noise_do() -> None:
    codes, plates = np.repeat(np.arange(20), 4), np.zeros(80, dtype=np.intp)
    splits, rng = drawn(codes, shots=1, many=5), np.random.default_rng(4)
    tables = [made(rng.normal(size=(80, 30)).astype(np.float32), codes, splits, plates) for _ in range(300)]
    own = np.array([wells.shares(np.arange(80))[3] for wells in tables])
    shuffled = np.array([wells.shares(wells._order(rng))[3] for wells in tables])
    # With the names of whole perturbations exchanged the ratio is .81, of 1,500 tables; that of 300 tables errs by .06.
    assert shuffled.std() / own.std() == pytest.approx(1, abs=0.12)
    assert abs(own.mean() - 3 / 20) < 0.01
