"""Mixing and conservation on profiles whose batches and compounds are known."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score
from tests.evaluation.naive import permuted
from tests.evaluation.rows import rows
from tests.evaluation.small import batches, by_metric, plates

from impasto.evaluation import classify, conservation, inputs, labelled, mixing, samples
from impasto.schema import InputError


def test_batches_pushed_apart_lower_every_score_of_mixing() -> None:
    mixed = by_metric(rows(mixing.evaluate(batches(0, batch_effect=0, signal=2), k=8)))
    apart = by_metric(rows(mixing.evaluate(batches(0, batch_effect=8, signal=2), k=8)))
    for metric in mixed:
        assert apart[metric] < mixed[metric], metric


def test_conservation_sees_a_signal_and_not_labels_dealt_anew() -> None:
    scores = rows(conservation.evaluate(batches(3, batch_effect=0, signal=3), k=8))
    mine, shuffled = by_metric(scores), by_metric(scores, "shuffled labels")
    # Silhouettes are within -1..1, so a half is no distance at all.
    assert mine["silhouette label"] > 0.6 > shuffled["silhouette label"]
    assert mine["mAP non-replicate"] > 0.9
    assert mine["F1 label (without controls)"] > 0.9
    assert mine["clusters NMI"] > 0.8
    assert abs(shuffled["F1 label (without controls)"] - 1 / 7) < 0.15


def test_macro_f1_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(4)
    codes, predicted = rng.integers(0, 5, 100), rng.integers(0, 5, 100)
    assert classify.macro_f1(codes, predicted) == pytest.approx(f1_score(codes, predicted, average="macro"))


def test_no_fold_sees_its_own_rows() -> None:
    # Labels that are noise: a classifier that had seen them would recite them, 60 features for 60 rows.
    rng = np.random.default_rng(5)
    values, codes = rng.normal(size=(60, 60)).astype(np.float32), np.arange(60) % 2
    predicted = classify.predict(values, codes, folds=classify.stratified(codes))
    assert abs(np.mean(predicted == codes) - 0.5) < 0.25


def test_one_batch_is_refused_with_how_to_name_another() -> None:
    profiles = batches(0, batch_effect=0, signal=1)
    profiles = profiles[profiles.obs["batch"] == "B0"].copy()
    with pytest.raises(InputError, match="--set batch"):
        mixing.evaluate(profiles)


def test_a_part_of_a_split_is_scored_with_the_spared_controls() -> None:
    profiles = batches(2, batch_effect=1, signal=1)
    control = (profiles.obs["control_type"] == "negcon").to_numpy()
    treated = np.flatnonzero(~control)
    profiles.obs["split"] = "train"
    profiles.obs.iloc[treated[::2], profiles.obs.columns.get_loc("split")] = "test"
    mine = inputs.of_part(profiles, "test")
    assert mine.n_obs == len(treated[::2]) + control.sum()
    profiles.obs["spared"] = control & (np.arange(len(control)) % 2 == 0)
    assert inputs.of_part(profiles, "test").n_obs == len(treated[::2]) + profiles.obs["spared"].sum()
    with pytest.raises(InputError, match="holds test, train"):
        inputs.of_part(profiles, "tset")


def test_the_batch_score_carries_an_interval_around_it() -> None:
    for scores in (
        rows(mixing.evaluate(batches(0, batch_effect=1, signal=1), k=8)),
        rows(conservation.evaluate(batches(0, batch_effect=1, signal=1), k=8)),
    ):
        for score in scores:
            if score.group == "profiles" and "score" in score.metric:
                assert score.low is not None
                assert score.high is not None
                assert score.low < score.value < score.high


def test_torch_gives_the_same_scores() -> None:
    profiles = batches(4, batch_effect=1, signal=2)
    for evaluate in (mixing.evaluate, conservation.evaluate):
        here, there = (rows(evaluate(profiles, k=8, with_baselines=False, device=device)) for device in (None, "cpu"))
        assert [s.metric for s in here] == [s.metric for s in there]
        np.testing.assert_allclose([s.value for s in here], [s.value for s in there], atol=1e-6)
    with pytest.raises(InputError, match="device 'nowhere' cannot be used"):
        mixing.evaluate(profiles, k=8, device="nowhere")


def test_f1_is_the_mean_of_four_deals_and_its_interval_over_twenty_folds() -> None:
    """By hand: V = s² (1/20 + 1/4), 19 degrees of freedom, on the logit; 1 - F1 turns all of it round."""
    data = plates(signal=1.5)
    where = labelled.of(data, batch="auto", label="perturbation", pool_doses=False)
    assert where.words == "batch=batch, label=perturbation"
    found = {s.metric: s for s in rows(mixing.evaluate(data, k=5, with_baselines=False))}
    for metric, part in (
        ("1 - F1 batch (with controls)", where),
        ("1 - F1 batch (without controls)", where.part(~where.control)),
    ):
        whole, folds = [], []
        for deal in range(4):
            fold = classify.stratified(part.batches, seed=[0, deal])
            predicted = classify.predict(data.X[part.rows], part.batches, folds=fold)
            whole.append(classify.macro_f1(part.batches, predicted))
            folds += [f1_score(part.batches[fold == f], predicted[fold == f], average="macro") for f in range(5)]
        score = found[metric]
        value = 1 - np.mean(whole)
        assert score.value == pytest.approx(value)
        reach = 2.093024 * np.sqrt(np.var(folds, ddof=1) * (1 / 20 + 1 / 4)) / (value * (1 - value))
        ends = [1 / (1 + np.exp(-(np.log(value / (1 - value)) + sign * reach))) for sign in (-1, 1)]
        assert (score.low, score.high) == (pytest.approx(ends[0], abs=1e-3), pytest.approx(ends[1], abs=1e-3))
        assert (score.unit, score.clusters, score.df, score.about) == ("fold", 20, 19, "other wells of these batches")
        assert score.chance == pytest.approx(1 - classify.chance_f1(part.batches, seed=0))
        assert score.n == len(part.rows)


def test_rows_in_another_order_give_the_same_numbers() -> None:
    data = batches(1, batch_effect=1, signal=1)
    data.obs["plate"] = data.obs["plate"].astype(str) + data.obs["well"].astype(str).str[0]
    for task in (mixing.evaluate, conservation.evaluate):
        first, second = (task(t, k=6, with_baselines=False).scores for t in (data, permuted(data)))
        pd.testing.assert_frame_equal(first, second)


def test_a_draw_without_a_whole_label_is_scored_among_its_own_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MOST_ROWS", 60)
    monkeypatch.setattr(samples, "MOST_REPLICATES", 10)
    rng = np.random.default_rng(0)
    obs = pd.DataFrame({"plate": np.repeat(["P1", "P2"], 60), "well": [f"{r}{c:02d}" for r in "ABCDE" for c in range(1, 13)] * 2})
    obs = obs.assign(perturbation=np.tile(["a", "b", "c"], 40), control_type=np.where(np.arange(120) % 12 == 0, "negcon", "trt"))
    names = [f"Cells_Intensity_MeanIntensity_DNA_{n}" for n in range(4)]
    frame = pd.concat([obs.add_prefix("Metadata_"), pd.DataFrame(rng.normal(size=(120, 4)), columns=names)], axis=1)
    scores = mixing.evaluate(frame, batch="plate").scores
    connected = scores[scores["metric"].str.contains("onnect") & (scores["group"] == "profiles")]
    assert len(connected) > 0
    assert connected["value"].notna().all()
