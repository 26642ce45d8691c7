"""How conservation is put together: both rankings, clusters, the classifier, the weights of the overall scores."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_samples
from tests.evaluation.naive import deleted
from tests.evaluation.rows import rows
from tests.evaluation.small import cosine, plates, precision

from impasto.evaluation import classify, conservation, labelled, neighbours, replicates
from impasto.evaluation.tidy import Score
from impasto.statistics import jackknife


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
        deals = (classify.predict(values[chosen], codes, folds=classify.stratified(codes, seed=[0, deal])) for deal in range(4))
        assert found[metric].value == pytest.approx(np.mean([classify.macro_f1(codes, predicted) for predicted in deals]))
        assert found[metric].n == chosen.sum()


def test_the_chance_of_clusters_is_the_mean_agreement_of_ten_shuffles_of_the_labels() -> None:
    data = plates(signal=1.5)
    where = labelled.of(data, batch="auto", label="perturbation", pool_doses=False)
    values = data.X[where.rows]
    clusters = conservation.Clusters(values, where, metric="cosine", k=5, resolution=1.0, seed=0, device=None)
    found = {score.metric: score for score in clusters.scores("a protocol", "no interval")}
    groups = neighbours.communities(neighbours.nearest(values, k=5), seed=0)
    rng = np.random.default_rng(0)
    for metric, agree in (("NMI", normalized_mutual_info_score), ("ARI", adjusted_rand_score)):
        expected = [agree(rng.permutation(where.labels), groups) for _ in range(10)]
        assert found[f"clusters {metric}"].chance == pytest.approx(np.mean(expected))


def eight(*, seed: int = 0, signal: float = 1.5) -> anndata.AnnData:
    """Eight compounds in two wells of each of two plates, beside four controls."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(8, 6)) * signal
    rows, values = [], []
    for plate in ("P", "Q"):
        for well in range(20):
            control = well >= 16
            rows.append(
                (plate, f"{'AB'[well // 10]}{well % 10 + 1:02d}", "DMSO" if control else f"c{well % 8}", "negcon" if control else "trt")
            )
            values.append(rng.normal(size=6) + (0 if control else centres[well % 8]))
    obs = pd.DataFrame(rows, columns=["plate", "well", "perturbation", "control_type"]).rename(index=str)
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs)


def test_the_intervals_of_silhouettes_and_rankings_are_those_of_deleted_perturbations() -> None:
    data = eight()
    unit = [None if name == "DMSO" else name for name in data.obs["perturbation"]]

    def width(part: anndata.AnnData) -> Score:
        where = labelled.of(part, batch="auto", label="perturbation", pool_doses=False)
        return conservation._silhouette(part.X[where.rows], where, "p", "profiles", metric="cosine", seed=0)

    expected = jackknife.of_score(deleted(lambda part: width(part).value, data, unit), unit="perturbation")
    scored = {s.metric: s for s in rows(conservation.evaluate(data, k=5, with_baselines=False))}
    found = scored["silhouette label"]
    assert (found.clusters, found.df, found.interval) == (8, 7, "jackknife")
    assert (found.low, found.high) == (pytest.approx(expected.low, abs=1e-5), pytest.approx(expected.high, abs=1e-5))
    alone = rows(replicates.evaluate(data, protocol="plate-others", draws=5, shuffles=0, with_baselines=False))[0]
    same = scored["mAP non-replicate"]
    assert (same.low, same.high, same.unit) == (pytest.approx(alone.low), pytest.approx(alone.high), "perturbation")


def test_the_interval_of_clusters_is_of_halves_of_perturbations_clustered_anew() -> None:
    """By hand: value ± t(15) sd of 16 halves, controls always in, on the logit (of ARI scaled from -1..1)."""
    data = eight()
    scores = rows(conservation.evaluate(data, k=5))
    found, own = {s.metric: s for s in scores}, {s.metric: s for s in scores if s.group == "profiles"}
    names, rng = data.obs["perturbation"].to_numpy(dtype=str), np.random.default_rng([0, 16])
    halves: dict[str, list[float]] = {"NMI": [], "ARI": []}
    for _ in range(16):
        order = rng.permutation(8)
        keep = np.array([name == "DMSO" or order[int(name[1:])] < 4 for name in names])
        groups = neighbours.communities(neighbours.nearest(data.X[keep], k=5), seed=0)
        halves["NMI"].append(normalized_mutual_info_score(names[keep], groups))
        halves["ARI"].append(adjusted_rand_score(names[keep], groups))
    for metric, low in (("NMI", 0.0), ("ARI", -1.0)):
        score, span = own[f"clusters {metric}"], 1 - low
        value = (score.value - low) / span
        reach = 2.131450 * np.std(halves[metric], ddof=1) / span / (value * (1 - value))
        ends = [low + span / (1 + np.exp(-(np.log(value / (1 - value)) + sign * reach))) for sign in (-1, 1)]
        assert (score.low, score.high) == (pytest.approx(ends[0], abs=1e-4), pytest.approx(ends[1], abs=1e-4))
        assert (score.interval, score.about) == ("halves", "other perturbations, clustered again")
    assert found["clusters NMI"].about == "halves are clustered again for the profiles only"


def test_a_label_seen_once_is_not_asked_of_the_classifier() -> None:
    data = plates(signal=1.5)
    data.obs.loc[data.obs.index[0], "perturbation"] = "alone"
    found = {s.metric: s for s in rows(conservation.evaluate(data, k=5, with_baselines=False))}
    assert found["F1 label (without controls)"].n == 23
    assert found["silhouette label"].n == 42


def test_shuffled_labels_are_those_of_treated_wells() -> None:
    where = labelled.of(plates(doses=True), batch="auto", label="perturbation", pool_doses=False)
    mixed = conservation._shuffled(where, seed=0)
    assert (mixed.labels[where.control] == where.labels[where.control]).all()
    assert (mixed.labels != where.labels).any()
    # A compound travels with its label.
    pairs = set(zip(where.labels, where.compounds, strict=True))
    assert set(zip(mixed.labels, mixed.compounds, strict=True)) == pairs
