"""Few-shot transfer: no leaks, splits as their protocol says, chance on noise."""

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluation.rows import rows

from impasto.evaluation import transfer
from impasto.evaluation.transfer import Split, evaluate
from impasto.schema import InputError


def _profiles(seed: int, signal: float) -> anndata.AnnData:
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(12, 16)) * signal
    rows = [(f"B{b}", f"C{c:02d}", "line 1") for b in range(3) for c in range(12) for _ in range(4)]
    obs = pd.DataFrame(rows, columns=["batch", "perturbation", "cell_line"]).rename(index=str)
    compound = obs["perturbation"].str[1:].astype(int).to_numpy()
    return anndata.AnnData(X=(direction[compound] + rng.normal(size=(len(obs), 16))).astype(np.float32), obs=obs)


@pytest.mark.parametrize("protocol", transfer.PROTOCOLS)
def test_splits_keep_to_their_protocol(protocol: str) -> None:
    obs = _profiles(0, 1).obs
    codes = obs["perturbation"].str[1:].astype(int).to_numpy()
    batches = obs["batch"].str[1:].astype(int).to_numpy()
    drawn = transfer.split(codes, batches, shots=2, protocol=protocol, rng=np.random.default_rng(1))
    assert not set(drawn.shown) & set(drawn.asked)
    assert np.bincount(codes[drawn.shown]).tolist() == [2] * 12
    for code in range(12):
        shown = set(batches[drawn.shown[codes[drawn.shown] == code]])
        asked = set(batches[drawn.asked[codes[drawn.asked] == code]])
        assert len(asked) == 1
        assert (shown == asked) if protocol == "within-batch" else not (shown & asked)


def test_a_signal_transfers_and_shuffled_names_fall_to_chance() -> None:
    scores = rows(evaluate(_profiles(1, signal=2.0), shots=2, splits=10))
    top1 = {s.group: s for s in scores if s.metric == "top-1"}
    assert top1["profiles"].value > 0.9
    assert top1["profiles"].chance == pytest.approx(1 / 12)
    assert abs(top1["shuffled labels"].value - 1 / 12) < 0.06


def test_noise_scores_as_chance_whatever_k() -> None:
    found = [
        s for seed in range(15) for s in rows(evaluate(_profiles(seed, signal=0), shots=1, splits=5, seed=seed)) if s.group == "profiles"
    ]
    for metric in ("top-1", "top-5"):
        gaps = np.array([s.value - s.chance for s in found if s.metric == metric])
        assert abs(gaps.mean()) < 3 * gaps.std(ddof=1) / np.sqrt(len(gaps))


def test_more_shots_help() -> None:
    scores = rows(evaluate(_profiles(2, signal=0.5), shots=[1, 3], splits=20, protocol="over-batches"))
    values = {s.protocol.split(", ")[2]: s.value for s in scores if s.metric == "top-1" and s.group == "profiles"}
    assert values["3 shots"] > values["1 shots"]


def test_a_leak_stops_the_run() -> None:
    with pytest.raises(InputError, match="leakage"):
        transfer.hits(np.ones((3, 2), dtype=np.float32), np.arange(3), Split(np.array([0, 1]), np.array([1, 2])), k=1)


def test_too_few_wells_are_refused() -> None:
    with pytest.raises(InputError, match="shots"):
        evaluate(_profiles(0, 1), shots=4)
