"""How conservation is put together: both rankings, clusters, the classifier, the weights of the overall scores."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_samples
from tests.evaluation.rows import rows
from tests.evaluation.small import cosine, plates, precision

from impasto.evaluation import classify, conservation, mixing, neighbours
from impasto.evaluation.tidy import Score


def own(**changes: object) -> dict[str, Score]:
    data = plates(signal=1.5, **changes)  # type: ignore[arg-type]
    return {s.metric: s for s in rows(conservation.evaluate(data, k=5, with_baselines=False))}


def test_both_rankings_are_the_loops_of_their_definitions() -> None:
    """mAP control: replicates against the plate's controls. mAP non-replicate: against the plate's other compounds. Mean of means."""
    data, found = plates(signal=1.5), own()
    similarity, obs = cosine(data), data.obs.reset_index(drop=True)
    plate = obs["batch"] + obs["plate"]
    for metric in ("mAP control", "mAP non-replicate"):
        per: dict[str, list[float]] = {}
        for i in np.flatnonzero(obs["control_type"] == "trt"):
            right = [j for j in range(len(obs)) if j != i and obs["perturbation"][j] == obs["perturbation"][i]]
            here = [j for j in range(len(obs)) if plate[j] == plate[i]]
            if metric == "mAP control":
                wrong = [j for j in here if obs["control_type"][j] == "negcon"]
            else:
                wrong = [j for j in here if obs["control_type"][j] == "trt" and obs["perturbation"][j] != obs["perturbation"][i]]
            per.setdefault(obs["perturbation"][i], []).append(precision(similarity[i, right].tolist(), similarity[i, wrong].tolist()))
        assert found[metric].value == pytest.approx(np.mean([np.mean(v) for v in per.values()]), abs=1e-5)
        assert found[metric].n == 4


def test_other_doses_of_a_compound_are_no_negatives() -> None:
    data = plates(doses=True, signal=1.5)
    similarity, obs = cosine(data), data.obs.reset_index(drop=True)
    plate, key = obs["batch"] + obs["plate"], obs["perturbation"] + obs["concentration"].astype(str)
    per: dict[str, list[float]] = {}
    for i in np.flatnonzero(obs["control_type"] == "trt"):
        right = [j for j in range(len(obs)) if j != i and key[j] == key[i]]
        others = np.flatnonzero((obs["control_type"] == "trt") & (obs["perturbation"] != obs["perturbation"][i]))
        wrong = [j for j in others if plate[j] == plate[i]]
        per.setdefault(key[i], []).append(precision(similarity[i, right].tolist(), similarity[i, wrong].tolist()))
    found = own(doses=True)["mAP non-replicate"]
    assert found.value == pytest.approx(np.mean([np.mean(v) for v in per.values()]), abs=1e-5)
    assert found.n == 8
    assert "label=perturbation, doses apart, cosine" in found.protocol


def test_clusters_silhouette_and_classifier_are_of_labelled_wells_and_controls() -> None:
    data, found = plates(signal=1.5), own()
    used = data.obs["control_type"].notna().to_numpy()
    values, names = data.X[used], data.obs.loc[used, "perturbation"].replace("DMSO", "negative control")
    labels = names.factorize(sort=True)[0]
    groups = neighbours.communities(neighbours.nearest(values, k=5), seed=0)
    assert found["clusters NMI"].value == pytest.approx(normalized_mutual_info_score(labels, groups))
    assert found["clusters ARI"].value == pytest.approx(adjusted_rand_score(labels, groups))
    widths = silhouette_samples(values, labels, metric="cosine")
    assert found["silhouette label"].value == pytest.approx(np.mean((widths + 1) / 2), abs=1e-5)
    treated = data.obs["control_type"].eq("trt").to_numpy()[used]
    for metric, chosen in (("F1 label (with controls)", np.ones(len(values), dtype=bool)), ("F1 label (without controls)", treated)):
        codes = np.unique(labels[chosen], return_inverse=True)[1]
        predicted = classify.predict(values[chosen], codes, folds=classify.stratified(codes, seed=0))
        assert found[metric].value == pytest.approx(classify.macro_f1(codes, predicted))
        assert found[metric].n == chosen.sum()


def test_the_interval_of_clusters_is_of_half_samples() -> None:
    data, found = plates(signal=1.5), own()
    where = mixing.labelled(data, batch="auto", label="perturbation", pool_doses=False)
    groups = neighbours.communities(neighbours.nearest(data.X[where.rows], k=5), seed=0)
    rng, n = np.random.default_rng(0), len(groups)
    halves = []
    for _ in range(50):
        half = rng.choice(n, n // 2, replace=False)
        halves.append(normalized_mutual_info_score(where.labels[half], groups[half]))
    assert found["clusters NMI"].high - found["clusters NMI"].value == pytest.approx(1.96 * np.std(halves, ddof=1))  # type: ignore[operator]


def test_a_label_seen_once_is_not_asked_of_the_classifier() -> None:
    data = plates(signal=1.5)
    data.obs.loc[data.obs.index[0], "perturbation"] = "alone"
    found = {s.metric: s for s in rows(conservation.evaluate(data, k=5, with_baselines=False))}
    assert found["F1 label (without controls)"].n == 23
    assert found["silhouette label"].n == 42


def test_the_weights_of_the_overall_scores() -> None:
    found = own()
    batch = {s.metric: s for s in rows(mixing.evaluate(plates(signal=1.5), k=5, with_baselines=False))}["batch score (Eq. 21)"]
    terms = ["clusters NMI", "clusters ARI", "silhouette label", "mAP control", "mAP non-replicate"]
    terms += ["F1 label (with controls)", "F1 label (without controls)"]
    for end in ("value", "low", "high"):
        biology = np.mean([getattr(found[t], end) for t in terms])
        assert getattr(found["biology score (Eq. 22)"], end) == pytest.approx(biology)
        mixed = getattr(batch, end)
        assert getattr(found["batch score (Eq. 21)"], end) == pytest.approx(mixed)
        assert getattr(found["overall (.5 batch + .5 biology, Eq. 23)"], end) == pytest.approx(0.5 * mixed + 0.5 * biology)
        assert getattr(found["overall (.4 batch + .6 biology, Arevalo)"], end) == pytest.approx(0.4 * mixed + 0.6 * biology)


def test_shuffled_labels_are_those_of_treated_wells() -> None:
    where = mixing.labelled(plates(doses=True), batch="auto", label="perturbation", pool_doses=False)
    mixed = conservation._shuffled(where, seed=0)
    assert (mixed.labels[where.control] == where.labels[where.control]).all()
    assert (mixed.labels != where.labels).any()
    # A compound travels with its label.
    pairs = set(zip(where.labels, where.compounds, strict=True))
    assert set(zip(mixed.labels, mixed.compounds, strict=True)) == pairs
