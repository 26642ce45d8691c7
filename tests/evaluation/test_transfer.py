"""Few-shot transfer: no leaks, splits as their protocol says, chance on noise."""

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluation.naive import permuted
from tests.evaluation.rows import rows
from tests.evaluation.small import plates

from impasto.evaluation import naming as naming_module
from impasto.evaluation import transfer
from impasto.evaluation.naming import Naming
from impasto.evaluation.transfer import Split, evaluate
from impasto.evaluation.units import named
from impasto.schema import InputError
from impasto.statistics import jackknife


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


def test_the_mean_is_over_splits_and_its_interval_that_of_deleted_perturbations() -> None:
    """By hand: a perturbation leaves all splits, as what is shown and as what is asked; the splits stay as they were drawn."""
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(8), 4)
    values = (0.8 * rng.normal(size=(8, 5))[codes] + rng.normal(size=(32, 5))).astype(np.float32)
    drawn = [transfer.split(codes, np.zeros(32, int), shots=1, protocol="within-batch", rng=np.random.default_rng(s)) for s in range(3)]
    drawn[2] = Split(drawn[2].shown[codes[drawn[2].shown] < 6], drawn[2].asked[codes[drawn[2].asked] < 6])
    naming = Naming([transfer.answers(values, codes, d) for d in drawn], named([f"c{i}" for i in range(8)], word="compound"), seed=0)
    group = jackknife.deal(8, seed=0)

    def share(*gone: int) -> float:
        keep = ~np.isin(group[codes], gone)
        parts = [Split(d.shown[keep[d.shown]], d.asked[keep[d.asked]]) for d in drawn]
        return float(np.mean([transfer.hits(values, codes, d, k=2).mean() for d in parts]))

    single = np.array([share(g) for g in range(8)])
    expected = jackknife.of_score(jackknife.LeftOut(share(), single, None, 8), unit="compound")
    right = [transfer.hits(values, codes, d, k=2) for d in drawn]
    score = transfer._score(right, naming, "within-batch", "profiles", k=2, p_chance=None)
    assert score.value == pytest.approx(share())
    assert score.chance == pytest.approx((2 / 8 + 2 / 8 + 2 / 6) / 3)
    assert (score.n, score.unit, score.clusters, score.df) == (8, "compound", 8, 7)
    assert (score.low, score.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_p_is_small_for_a_signal_and_not_for_noise() -> None:
    planted = rows(evaluate(_profiles(1, signal=2.0), shots=1, splits=2, shuffles=99))
    assert [s.p_chance for s in planted if s.group == "profiles"] == pytest.approx([0.01, 0.01])
    p = [rows(evaluate(_profiles(s, signal=0.0), shots=1, splits=2, shuffles=39))[0].p_chance for s in range(25)]
    assert np.mean([value <= 0.2 for value in p if value is not None]) < 0.2 + 3 * np.sqrt(0.16 / 25)


def test_rows_in_another_order_give_the_same_numbers() -> None:
    table = _profiles(3, signal=0.5)
    first, second = (evaluate(t, shots=1, splits=2, shuffles=20).scores for t in (table, permuted(table)))
    kept = first["group"] == "profiles"
    pd.testing.assert_frame_equal(first[kept], second[kept])


def test_a_large_table_gets_the_t_interval_over_perturbations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming_module, "MOST_COMPARED", 0)
    found = rows(evaluate(_profiles(1, signal=0.5), shots=1, splits=2, shuffles=0))[0]
    assert (found.interval, found.clusters) == ("t over perturbations", 12)


def test_a_well_is_named_by_the_nearest_mean_of_what_was_shown() -> None:
    rng = np.random.default_rng(5)
    values, codes = rng.normal(size=(14, 4)).astype(np.float32), np.array([0, 0, 1, 1, 2, 2, 0, 1, 2, 0, 1, 2, 0, 1])
    drawn = Split(np.arange(6), np.arange(6, 14))
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    centres = np.stack([unit[[2 * c, 2 * c + 1]].mean(axis=0) for c in range(3)])
    cosines = unit[6:] @ (centres / np.linalg.norm(centres, axis=1, keepdims=True)).T
    for k in (1, 2):
        expected = [float(codes[6 + i] in np.argsort(-row)[:k]) for i, row in enumerate(cosines)]
        assert transfer.hits(values, codes, drawn, k=k).tolist() == expected


def test_unlabelled_wells_and_wells_without_a_cell_line_are_neither_shown_nor_asked() -> None:
    data = plates(unlabelled=6)
    data.obs["cell_line"] = np.where(data.obs["perturbation"] == "d", None, "U2OS")
    result = evaluate(data, shots=1, splits=3)
    assert set(result.per_group["cell_line"]) == {"U2OS"}
    assert set(result.scores["n"]) == {3}
    assert set(result.scores["metric"]) == {"top-1", "top-5"}
    assert result.scores["chance"].iloc[0] == pytest.approx(1 / 3)
    assert set(result.scores["protocol"]) == {"within-batch, U2OS, 1 shots, 3 splits"}


def test_doses_are_classes_of_their_own_unless_pooled() -> None:
    data = plates(doses=True)
    apart, pooled = evaluate(data, shots=1, splits=2), evaluate(data, shots=1, splits=2, pool_doses=True)
    assert (apart.scores["n"].iloc[0], pooled.scores["n"].iloc[0]) == (8, 4)
    assert apart.scores["protocol"].iloc[0].endswith("2 splits, doses apart")
    assert pooled.scores["protocol"].iloc[0].endswith("2 splits, doses pooled")


def test_shuffled_names_are_those_of_the_wells_asked() -> None:
    codes, drawn = np.arange(10), Split(np.arange(4), np.arange(4, 10))
    mixed = transfer._shuffled(codes, drawn, seed=1)
    assert mixed[:4].tolist() == [0, 1, 2, 3]
    assert sorted(mixed[4:]) == [4, 5, 6, 7, 8, 9]
    assert mixed[4:].tolist() != [4, 5, 6, 7, 8, 9]


def test_every_split_is_drawn_anew() -> None:
    per = evaluate(_profiles(1, signal=1.0), shots=1, splits=4, shuffles=0).per_group
    own = per[(per["profiles"] == "profiles") & (per["metric"] == "top-1")]
    assert own["split"].tolist() == [0, 1, 2, 3]
    assert len(set(own["value"])) > 1
