"""Can a classifier predict the batch, or the compound? Macro F1 of linear discriminants, predicted out of fold.

F1 = 2 precision recall / (precision + recall), the mean over classes; CellPainTR, Eq. 15-17. The paper leaves the classifier open: here
linear discriminant analysis with shrinkage on 50 principal components, which has no random part and takes hundreds of classes.

The model is scikit-learn's. Folds are our own: `StratifiedKFold` refuses classes with fewer rows than folds, which replicates are.
So is F1: `f1_score` checks its arguments for milliseconds, and intervals and chance take thousands of scores. A test compares them.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from impasto.statistics import resplits
from impasto.statistics.interval import Interval

DEALS, FOLDS = 4, 5
Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.intp]


def predict(values: Floats, codes: Codes, /, *, folds: Codes, components: int = 50, shrinkage: float = 0.1) -> Codes:
    """The class of each row by a classifier that has not seen its fold.

    Parameters
    ----------
    values
        (n, width).
    codes
        (n,) the class of each row, from 0.
    folds
        (n,) the fold of each row.
    components
        Principal components at most.
    shrinkage
        Of the covariance of linear discriminants, from 0 to 1.

    Returns
    -------
    Codes
        (n,) the predicted classes; -1 where the other folds hold one class only.

    """
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    predicted = np.full(len(codes), -1, dtype=np.intp)
    for fold in np.unique(folds):
        train, test = folds != fold, folds == fold
        if len(np.unique(codes[train])) < 2:
            continue
        width = min(components, values.shape[1], int(train.sum()) - 1)
        model = make_pipeline(
            StandardScaler(),
            PCA(width, svd_solver="covariance_eigh" if values.shape[1] < 5000 else "full"),
            LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage),
        )
        with warnings.catch_warnings():
            # scikit-learn warns of features that do not vary in a fold; after scaling they do no harm.
            warnings.filterwarnings("ignore", category=RuntimeWarning)
            predicted[test] = model.fit(values[train], codes[train]).predict(values[test])
    return predicted


def stratified(codes: Codes, /, *, folds: int = 5, seed: int | Sequence[int] = 0) -> Codes:
    """Folds over which every class is spread as evenly as it goes.

    Parameters
    ----------
    codes
        (n,) the class of each row.
    folds
        How many folds there are.
    seed
        Of the random order of the rows of each class.

    Returns
    -------
    Codes
        (n,) the fold of each row, from 0.

    """
    rng = np.random.default_rng(seed)
    assigned = np.empty(len(codes), dtype=np.intp)
    for code in np.unique(codes):
        rows = rng.permutation(np.flatnonzero(codes == code))
        assigned[rows] = (np.arange(len(rows)) + rng.integers(folds)) % folds
    return assigned


def macro_f1(codes: Codes, predicted: Codes, /) -> float:
    """The mean over the true classes of 2 TP / (2 TP + FP + FN).

    Parameters
    ----------
    codes
        (n,) the true classes, from 0.
    predicted
        (n,) the predicted classes; -1 for none.

    Returns
    -------
    float
        From 0 to 1.

    """
    size = int(max(codes.max(), predicted.max())) + 1
    hits = np.bincount(codes[codes == predicted], minlength=size)
    named = np.bincount(predicted[predicted >= 0], minlength=size)
    true = np.bincount(codes, minlength=size)
    present = true > 0
    return float(np.mean(2 * hits[present] / (named[present] + true[present])))


def repeated_f1(values: Floats, codes: Codes, /, *, seed: int, turned: bool = False) -> tuple[float, Interval]:
    """Macro F1 out of fold, the mean of four deals of five folds, and its interval.

    Parameters
    ----------
    values
        (n, width).
    codes
        (n,) the class of each row, in an order of rows that does not depend on the table's.
    seed
        Of the folds.
    turned
        Whether 1 - F1 is scored instead.

    Returns
    -------
    tuple[float, Interval]
        The score, and the interval over the F1 of the 20 folds (Nadeau & Bengio). Each fold tests a fifth of the rows and trains on
        four.

    """
    whole, of_fold = [], []
    for deal in range(DEALS):
        folds, predicted = _of_deal(values, codes, seed=seed, deal=deal)
        whole.append(macro_f1(codes, predicted))
        of_fold += [macro_f1(codes[folds == fold], predicted[folds == fold]) for fold in np.unique(folds)]
    value, parts = float(np.mean(whole)), np.array(of_fold)
    if turned:
        value, parts = 1 - value, 1 - parts
    return value, resplits.of_resplits(parts, tested=1, trained=FOLDS - 1, unit="fold", share=True, value=value)


def f1_of_one_deal(values: Floats, codes: Codes, /, *, seed: int) -> float:
    """Macro F1 out of fold, of the first of the deals of `repeated_f1`.

    Parameters
    ----------
    values
        (n, width).
    codes
        (n,) the class of each row.
    seed
        Of the folds.

    Returns
    -------
    float
        From 0 to 1; NaN where folds would hold one row each.

    """
    return macro_f1(codes, _of_deal(values, codes, seed=seed, deal=0)[1]) if len(codes) >= 2 * FOLDS else float("nan")


def _of_deal(values: Floats, codes: Codes, *, seed: int, deal: int) -> tuple[Codes, Codes]:
    """The fold and the predicted class of each row."""
    folds = stratified(codes, folds=FOLDS, seed=[seed, deal])
    return folds, predict(values, codes, folds=folds)


def chance_f1(codes: Codes, /, *, seed: int, draws: int = 50) -> float:
    """The mean macro F1 of the true classes, shuffled, as predictions.

    Parameters
    ----------
    codes
        (n,) the true classes, from 0.
    seed
        Of the shuffles.
    draws
        How many shuffles.

    Returns
    -------
    float
        From 0 to 1.

    """
    rng = np.random.default_rng(seed)
    return float(np.mean([macro_f1(codes, rng.permutation(codes)) for _ in range(draws)]))
