"""The classifier behind mixing and shortcuts: predicted out of fold, macro F1 by hand, intervals and chance by naive loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from impasto.evaluation import classify


def test_macro_f1_is_the_mean_over_true_classes() -> None:
    codes = np.array([0, 0, 0, 1, 1, 3])
    predicted = np.array([0, 0, 1, 1, -1, 2])
    # Class 0: 2 hits, named 2, true 3. Class 1: 1 hit, named 2, true 2. Class 3: never named. Class 2 is no true class.
    assert classify.macro_f1(codes, predicted) == pytest.approx((2 * 2 / 5 + 2 * 1 / 4 + 0) / 3)
    rng = np.random.default_rng(0)
    codes, predicted = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    assert classify.macro_f1(codes, predicted) == pytest.approx(f1_score(codes, predicted, average="macro"))


def test_a_row_is_predicted_by_a_model_that_has_not_seen_its_fold() -> None:
    rng = np.random.default_rng(1)
    codes = np.repeat([0, 1], 20)
    values = rng.normal(size=(40, 6)).astype(np.float32) + 4 * codes[:, None].astype(np.float32)
    folds = np.tile([0, 1, 2, 3], 10)
    assert (classify.predict(values, codes, folds=folds) == codes).all()
    # Fold 0 is far away on the other side: a model that had seen it would still place it well.
    moved = values.copy()
    moved[folds == 0] = values[folds == 0] * np.float32(-1) + 4
    flipped = classify.predict(moved, codes, folds=folds)
    assert (flipped[folds == 0] != codes[folds == 0]).mean() > 0.9
    # Where the others hold one class only, nothing is predicted.
    alone = classify.predict(values, codes, folds=codes)
    assert (alone == -1).all()


def test_the_classifier_is_shrunken_discriminants_on_principal_components_in_float64() -> None:
    rng = np.random.default_rng(2)
    codes = np.tile([0, 1, 2], 20)
    values = (rng.normal(size=(60, 7)) * np.arange(1, 8) + 0.8 * codes[:, None] * np.eye(7)[codes]).astype(np.float32)
    folds = np.repeat([0, 1], 30)
    for fold in (0, 1):
        train, test = folds != fold, folds == fold
        x = values.astype(np.float64)
        scaled = (x - x[train].mean(0)) / x[train].std(0)
        _, _, axes = np.linalg.svd(scaled[train] - scaled[train].mean(0), full_matrices=False)
        z = (scaled - scaled[train].mean(0)) @ axes[:4].T
        means = np.stack([z[train & (codes == k)].mean(0) for k in range(3)])
        within = sum((train & (codes == k)).sum() / train.sum() * np.cov(z[train & (codes == k)].T, bias=True) for k in range(3))
        shrunk = sum(
            (train & (codes == k)).sum()
            / train.sum()
            * (
                0.9 * np.cov(z[train & (codes == k)].T, bias=True)
                + 0.1 * np.trace(np.cov(z[train & (codes == k)].T, bias=True)) / 4 * np.eye(4)
            )
            for k in range(3)
        )
        assert within.shape == shrunk.shape
        inverse = np.linalg.inv(shrunk)
        priors = np.log([(train & (codes == k)).sum() / train.sum() for k in range(3)])
        scores = z @ inverse @ means.T - 0.5 * np.einsum("kd,de,ke->k", means, inverse, means) + priors
        got = classify.predict(values, codes, folds=folds, components=4, shrinkage=0.1)
        assert (got[test] == scores[test].argmax(1)).mean() > 0.95


def test_folds_hold_every_class_evenly() -> None:
    codes = np.repeat([0, 1, 2], [10, 7, 2])
    folds = classify.stratified(codes, folds=5, seed=3)
    for code, rows in ((0, 10), (1, 7), (2, 2)):
        counts = np.bincount(folds[codes == code], minlength=5)
        assert counts.sum() == rows
        assert counts.max() - counts.min() <= 1
    assert set(folds) == set(range(5))
    assert (folds == classify.stratified(codes, folds=5, seed=3)).all()
    assert (folds != classify.stratified(codes, folds=5, seed=4)).any()


@pytest.mark.parametrize("turned", [False, True])
def test_the_interval_is_the_corrected_one_over_four_deals_of_five_folds(turned: bool) -> None:
    rng = np.random.default_rng(4)
    codes = np.repeat([0, 1, 2], 20)
    values = (rng.normal(size=(60, 5)) + codes[:, None]).astype(np.float32)
    whole, parts = [], []
    for deal in range(4):
        folds = classify.stratified(codes, folds=5, seed=[9, deal])
        predicted = classify.predict(values, codes, folds=folds)
        whole.append(f1_score(codes, predicted, average="macro"))
        parts += [f1_score(codes[folds == fold], predicted[folds == fold], labels=[0, 1, 2], average="macro") for fold in range(5)]
    middle, variance = np.mean(whole), np.var(parts, ddof=1) * (1 / 20 + 1 / 4)
    if turned:
        middle = 1 - middle
    reach = stats.t.ppf(0.975, 19) * np.sqrt(variance) / (middle * (1 - middle))
    ends = [1 / (1 + np.exp(-(np.log(middle / (1 - middle)) + side * reach))) for side in (-1, 1)]
    value, interval = classify.repeated_f1(values, codes, seed=9, turned=turned)
    assert value == pytest.approx(middle)
    assert (interval.low, interval.high) == pytest.approx(tuple(ends))
    assert (interval.unit, interval.df) == ("fold", 19)


def test_chance_shuffles_the_true_classes() -> None:
    codes = np.repeat([0, 1, 2], [30, 20, 10])
    drawn = np.random.default_rng(5)
    expected = np.mean([f1_score(codes, drawn.permutation(codes), average="macro") for _ in range(50)])
    assert classify.chance_f1(codes, seed=5) == pytest.approx(expected)


def test_one_deal_of_too_few_rows_for_its_folds_has_no_score() -> None:
    values, codes = np.random.default_rng(0).normal(size=(2 * classify.FOLDS, 3)).astype(np.float32), np.arange(2 * classify.FOLDS) % 2
    assert np.isfinite(classify.f1_of_one_deal(values, codes, seed=0))
    assert np.isnan(classify.f1_of_one_deal(values[:-1], codes[:-1], seed=0))


def test_one_deal_is_the_first_of_the_repeated_ones() -> None:
    rng = np.random.default_rng(2)
    codes = np.arange(40) % 2
    values = (rng.normal(size=(40, 3)) + codes[:, None]).astype(np.float32)
    of_deal = [
        classify.macro_f1(codes, classify.predict(values, codes, folds=classify.stratified(codes, seed=[3, deal]))) for deal in range(4)
    ]
    assert len(set(of_deal)) > 1
    assert classify.f1_of_one_deal(values, codes, seed=3) == of_deal[0]
    assert classify.repeated_f1(values, codes, seed=3)[0] == pytest.approx(np.mean(of_deal))
