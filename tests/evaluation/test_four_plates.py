"""The protocols that rank wells, on four made-up plates in CPJUMP1's layout, beside loops in float64 written from their definitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score
from tests.evaluation.test_cpjump1 import plates

from impasto.evaluation import relations, replicates, sisters


def _cosines(x: np.ndarray) -> np.ndarray:
    unit = x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
    return unit @ unit.T


@pytest.mark.parametrize("protocol", ["plate-controls", "copairs", "plate-others", "all-others"])
@pytest.mark.parametrize("seed", [0, 1])
def test_replicates(protocol: str, seed: int) -> None:
    ad = plates(seed)
    obs, cosine = ad.obs.reset_index(drop=True), _cosines(ad.X)
    found: dict[str, list[float]] = {}
    for query in obs.index[obs["control_type"] == "trt"]:
        name, plate = obs.loc[query, ["perturbation", "plate"]]
        treated, same, here = obs["control_type"] == "trt", obs["perturbation"] == name, obs["plate"] == plate
        positives = [i for i in obs.index[same] if i != query]
        negatives = obs.index[
            {"plate-others": treated & ~same & here, "all-others": treated & ~same}.get(protocol, ~treated & here)
        ].tolist()
        truth = np.r_[np.ones(len(positives)), np.zeros(len(negatives))]
        found.setdefault(name, []).append(average_precision_score(truth, cosine[query, [*positives, *negatives]]))
    expected = {name: float(np.mean(each)) for name, each in found.items()}
    result = replicates.evaluate(ad, protocol=protocol, draws=19, shuffles=0, with_baselines=False)  # type: ignore[arg-type]
    per = result.per_group.set_index("perturbation")["mean_average_precision"].to_dict()
    assert per == {name: pytest.approx(value, abs=1e-6) for name, value in expected.items()}
    assert result.scores["value"].iloc[0] == pytest.approx(np.mean(list(expected.values())), abs=1e-6)


def test_sisters_by_target_lists() -> None:
    ad = plates()
    ad.obs.loc[ad.obs["targets"] == "", "targets"] = None
    treated = ad.obs[ad.obs["control_type"] == "trt"]
    names = sorted(set(treated["perturbation"]))
    x = np.stack([np.median(ad.X[(ad.obs["perturbation"] == name).to_numpy()], axis=0) for name in names])
    lists = [set(treated.loc[treated["perturbation"] == name, "targets"].iloc[0].split("|")) for name in names]
    of_label: dict[str, list[float]] = {}
    for i, row in enumerate(_cosines(x)):
        others = [j for j in range(len(names)) if j != i]
        truth = np.array([bool(lists[i] & lists[j]) for j in others])
        for label in lists[i]:
            of_label.setdefault(label, []).append(average_precision_score(truth, row[others]))
    each = [np.mean(found) for found in of_label.values()]
    scores = sisters.evaluate(ad, protocol="all", by="targets", shuffles=0).scores
    assert scores.loc[scores["metric"] == "mAP signed cosine", "value"].iloc[0] == pytest.approx(np.mean(each), abs=1e-6)


@pytest.mark.parametrize("protocol", ["efaar", "two-sided", "one-sided"])
def test_relations_of_genes(protocol: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    ad = plates()
    ad.obs["perturbation_type"] = "crispr"
    ad.obs["gene"] = ad.obs["perturbation"].where(ad.obs["control_type"] == "trt")
    names = sorted(set(ad.obs["gene"].dropna()))
    known = [(names[i], names[j]) for i in range(16) for j in range(i + 1, 16) if (i * j) % 5 == 1]
    path = tmp_path / "known.csv"
    pd.DataFrame(known, columns=["gene1", "gene2"]).to_csv(path, index=False)
    x = np.stack([np.median(ad.X[(ad.obs["gene"] == name).to_numpy()], axis=0) for name in names])
    cosine = _cosines(x)
    null = cosine[np.triu_indices(16, 1)]
    hits = []
    for a, b in known:
        value = cosine[names.index(a), names.index(b)]
        left, right = np.mean(null < value - 1e-7), np.mean(null <= value + 1e-7)
        middle = (left + right) / 2
        high, low = (left, right) if protocol == "efaar" else (middle, middle)
        hits.append(high >= 0.9 or (protocol != "one-sided" and low <= 0.1))
    scores = relations.evaluate(ad, pairs=str(path), protocol=protocol, thresholds=(0.1,), draws=9).scores  # type: ignore[arg-type]
    own = scores[(scores["group"] == "profiles") & (scores["metric"] == "recall at 10%")]
    assert own["value"].iloc[0] == pytest.approx(np.mean(hits))
