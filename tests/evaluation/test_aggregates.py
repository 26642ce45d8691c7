"""Which scores an aggregate takes, with which weights, and that every row of a table is formed alike."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.stats import chisquare
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_samples
from tests.evaluation.rows import rows
from tests.evaluation.small import precision

from impasto import profiles as tables
from impasto import wells
from impasto.evaluation import aggregates, conservation, mixing, neighbours
from impasto.evaluation.tidy import Score
from impasto.schema import InputError

BATCH = ["graph connectivity (scib)", "silhouette batch", "1 - F1 batch (with controls)", "1 - F1 batch (without controls)"]
EQ14 = ["graph connectivity (neighbours kept, Eq. 14)", *BATCH[1:]]
SCIB = ["clusters NMI", "clusters ARI", "silhouette label", "mAP control", "mAP non-replicate"]
BIOLOGY = [*SCIB, "F1 label (with controls)", "F1 label (without controls)"]


def plates(seed: int = 0, *, moved: bool = True) -> anndata.AnnData:
    """Two plates in each of two sources; six compounds in two wells of each, at other places where `moved`; five controls."""
    rng = np.random.default_rng(seed)
    centres, lines, values = rng.normal(size=(6, 8)) * 1.5, [], []
    for source in ("S1", "S2"):
        shift = rng.normal(size=8)
        for plate in ("P1", "P2"):
            compounds = [*range(6), *range(6)]
            places = rng.permutation(12) if moved else np.arange(12)
            for compound, place in zip([*compounds, *[None] * 5], [*places, *range(12, 17)], strict=True):
                well = f"{'ABC'[place // 6]}{place % 6 + 1:02d}"
                lines.append(
                    (source, source + plate, well, "DMSO" if compound is None else f"c{compound}", "negcon" if compound is None else "trt")
                )
                values.append(shift + rng.normal(size=8) + (0 if compound is None else centres[compound]))
    obs = pd.DataFrame(lines, columns=["source", "plate", "well", "perturbation", "control_type"]).rename(index=str)
    obs["cell_count"] = rng.integers(50, 90, len(obs))
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs)


@pytest.fixture
def before(tmp_path: Path) -> str:
    earlier = plates()
    earlier.X = earlier.X + np.random.default_rng(5).normal(size=earlier.X.shape).astype(np.float32)
    tables.write(earlier, tmp_path / "before.parquet")
    return str(tmp_path / "before.parquet")


def of_groups(found: list[Score]) -> dict[str, dict[str, Score]]:
    groups: dict[str, dict[str, Score]] = {}
    for score in found:
        assert score.metric not in groups.setdefault(score.group, {})
        groups[score.group][score.metric] = score
    return groups


def mean(scores: dict[str, Score], metrics: list[str], end: str) -> float:
    return float(np.mean([getattr(scores[metric], end) for metric in metrics]))


def test_both_connectivities_and_both_aggregates_stand_in_every_row(before: str) -> None:
    data = plates()
    mixed = of_groups(rows(mixing.evaluate(data, before=before, k=5)))
    found = of_groups(rows(conservation.evaluate(data, before=before, k=5)))
    assert set(mixed) == set(found) == {"profiles", "position only", "cell count only", "shuffled labels"}
    for group, scores in found.items():
        biology = mean(scores, BIOLOGY, "value")
        assert scores["biology score (Eq. 22)"].value == pytest.approx(biology)
        for name, parts in (("scib", BATCH), ("eq14", EQ14)):
            batch = mean(mixed[group], parts, "value")
            assert mixed[group][f"batch score (cellpaintr-{name})"].value == pytest.approx(batch)
            if group == "shuffled labels":  # mixing shuffles batches, conservation the labels of treated wells
                assert scores[f"batch score (cellpaintr-{name})"].value != pytest.approx(batch)
                batch = scores[f"batch score (cellpaintr-{name})"].value
            assert scores[f"batch score (cellpaintr-{name})"].value == pytest.approx(batch)
            assert scores[f"overall (cellpaintr-{name})"].value == pytest.approx(0.5 * batch + 0.5 * biology)
    # The interval of a mean is narrower than its terms' ends joined.
    own, other = found["profiles"], mixed["profiles"]
    low, high = (0.5 * mean(other, EQ14, end) + 0.5 * mean(own, BIOLOGY, end) for end in ("low", "high"))
    overall = own["overall (cellpaintr-eq14)"]
    assert low < overall.low < overall.value < overall.high < high


def test_neighbours_kept_by_a_baseline_are_those_of_the_profiles_before(before: str) -> None:
    data = plates()
    mixed = of_groups(rows(mixing.evaluate(data, before=before, k=5)))
    earlier = tables.read(Path(before)).X.astype(np.float64)

    def nearest(values: np.ndarray) -> list[set[int]]:
        unit = values / np.linalg.norm(values, axis=1, keepdims=True)
        return [set(np.argsort(-(unit @ row + np.where(np.arange(len(unit)) == i, -9, 0)))[:5]) for i, row in enumerate(unit)]

    was = nearest(earlier)
    kept = "graph connectivity (neighbours kept, Eq. 14)"
    assert mixed["profiles"][kept].value == pytest.approx(np.mean([len(a & b) / 5 for a, b in zip(was, nearest(data.X), strict=True)]))
    # No label enters, so labels in random order change nothing.
    assert mixed["shuffled labels"][kept].value == mixed["profiles"][kept].value
    ranks = data.obs["cell_count"].rank(pct=True).to_numpy() * np.pi / 2
    angles = np.stack([np.cos(ranks), np.sin(ranks)], axis=1)
    by_count = np.mean([len(a & b) / 5 for a, b in zip(was, nearest(angles), strict=True)])
    # Equal counts tie, and which of them is nearer is nobody's rule.
    assert mixed["cell count only"][kept].value == pytest.approx(by_count, abs=0.03)


@pytest.mark.parametrize(("protocol", "parts"), [("cellpaintr-scib", BATCH), ("cellpaintr-eq14", EQ14)])
def test_a_named_protocol_gives_its_own_parts_and_aggregate(protocol: str, parts: list[str], before: str) -> None:
    data = plates()
    everything = of_groups(rows(mixing.evaluate(data, before=before, k=5)))
    mixed = of_groups(rows(mixing.evaluate(data, before=before, k=5, protocol=protocol)))
    for group, scores in mixed.items():
        assert list(scores) == [*parts, f"batch score ({protocol})"]
        assert [s.value for s in scores.values()] == [everything[group][metric].value for metric in scores]
        assert all(s.protocol.startswith(f"{protocol}, batch=source") for s in scores.values())
    found = of_groups(rows(conservation.evaluate(data, before=before, k=5, protocol=protocol, with_baselines=False)))["profiles"]
    assert list(found) == [*BIOLOGY, f"batch score ({protocol})", "biology score (Eq. 22)", f"overall ({protocol})"]


def of_entropy(far: np.ndarray, entropy: float) -> np.ndarray:
    """Weights exp(-beta d) of that entropy, by a root finder."""

    def weights(log_beta: float) -> np.ndarray:
        p = np.exp(-np.exp(log_beta) * (far - far.min()))
        return p / p.sum()

    return weights(brentq(lambda b: float(-(weights(b) * np.log(weights(b) + 1e-300)).sum() - entropy), -12, 14))


def test_arevalo_step_by_step() -> None:
    """Treated wells only, 25 neighbours, replicates at another place, no classifier, .4 batch + .6 biology."""
    data = plates()
    treated = data[data.obs["control_type"] == "trt"]
    treated = treated[np.argsort(wells.row_names(treated.obs), kind="stable")].copy()
    x, obs = treated.X.astype(np.float64), treated.obs.reset_index(drop=True)
    labels, batch = obs["perturbation"].factorize(sort=True)[0], obs["source"].factorize(sort=True)[0]
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    similarity = unit @ unit.T
    nearest = np.array([[j for j in np.argsort(-row) if j != i][:25] for i, row in enumerate(similarity)])
    connected = []
    for label in range(6):
        members = set(np.flatnonzero(labels == label))
        linked = {i: {j for j in members if j in nearest[i] or i in nearest[j]} for i in members}
        largest, left = 0, set(members)
        while left:
            piece, edge = set(), {left.pop()}
            while edge:
                piece |= edge
                edge = {j for i in edge for j in linked[i]} - piece
            left -= piece
            largest = max(largest, len(piece))
        connected.append(largest / len(members))
    per_label = [np.mean(1 - np.abs(silhouette_samples(x[labels == i], batch[labels == i], metric="cosine"))) for i in range(6)]
    shares, accepted, around = np.bincount(batch) / len(batch), [], {"batch": [], "label": []}
    for i, near in enumerate(nearest):
        accepted.append(chisquare(np.bincount(batch[near], minlength=len(shares)), len(near) * shares).pvalue >= 0.05)
        p = of_entropy(1 - similarity[i, near], np.log(len(near) // 3))
        for kind, codes in (("batch", batch), ("label", labels)):
            around[kind].append(1 / sum(p[codes[near] == code].sum() ** 2 for code in set(codes)))
    lisi_batch = (np.median(around["batch"]) - 1) / (len(shares) - 1)
    communities = neighbours.communities(nearest, seed=0)
    ranked: dict[str, dict[str, list[float]]] = {"mAP control": {}, "mAP non-replicate": {}}
    whole = data.obs.reset_index(drop=True)
    everything = data.X / np.linalg.norm(data.X, axis=1, keepdims=True)
    for i in whole.index[whole["control_type"] == "trt"]:
        name, here = whole.loc[i, "perturbation"], whole["plate"] == whole.loc[i, "plate"]
        right = whole.index[(whole["perturbation"] == name) & (whole["well"] != whole.loc[i, "well"])]
        for metric, wrong in (
            ("mAP control", here & (whole["control_type"] == "negcon")),
            ("mAP non-replicate", here & (whole["control_type"] == "trt")),
        ):
            others = whole.index[wrong & (whole["perturbation"] != name)]
            ap = precision((everything[right] @ everything[i]).tolist(), (everything[others] @ everything[i]).tolist())
            ranked[metric].setdefault(name, []).append(ap)
    expected = {
        "clusters NMI": normalized_mutual_info_score(labels, communities),
        "clusters ARI": adjusted_rand_score(labels, communities),
        "silhouette label": float(np.mean((silhouette_samples(x, labels, metric="cosine") + 1) / 2)),
        **{metric: float(np.mean([np.mean(each) for each in per.values()])) for metric, per in ranked.items()},
        "LISI label": (6 - np.median(around["label"])) / 5,
    }
    mixed = of_groups(rows(mixing.evaluate(data, protocol="arevalo")))["profiles"]
    parts = ["graph connectivity (scib)", "silhouette batch", "kBET acceptance", "LISI batch"]
    assert list(mixed) == [*parts, "batch score (arevalo)"]
    assert mixed["kBET acceptance"].value == pytest.approx(np.mean(accepted))
    assert mixed["LISI batch"].value == pytest.approx(lisi_batch, abs=1e-3)
    assert all(mixed[part].low is not None and mixed[part].unit == mixed[parts[0]].unit for part in parts)
    assert mixed["graph connectivity (scib)"].value == pytest.approx(np.mean(connected))
    assert mixed["silhouette batch"].value == pytest.approx(np.mean(per_label), abs=1e-5)
    found = of_groups(rows(conservation.evaluate(data, protocol="arevalo")))["profiles"]
    for metric, value in expected.items():
        assert found[metric].value == pytest.approx(value, abs=1e-3 if metric == "LISI label" else 1e-5), metric
    batch_score = np.mean([np.mean(connected), np.mean(per_label), np.mean(accepted), lisi_batch])
    biology = np.mean(list(expected.values()))
    assert found["overall (arevalo)"].value == pytest.approx(0.4 * batch_score + 0.6 * biology, abs=1e-3)
    assert list(found) == [*SCIB, "LISI label", "batch score (arevalo)", "biology score (arevalo)", "overall (arevalo)"]
    assert "k=25" in found["overall (arevalo)"].protocol


def test_a_score_that_one_row_lacks_is_left_out_of_all_rows() -> None:
    """One well of each compound in a source: no silhouette of sources within a compound, but one once labels are shuffled."""
    data = plates()
    data = data[(data.obs["plate"].isin(["S1P1", "S2P1"])) & ~data.obs.duplicated(["plate", "perturbation", "control_type"])].copy()
    groups = of_groups(rows(mixing.evaluate(data, k=3, label="perturbation")))
    assert "silhouette batch" not in groups["profiles"]
    for scores in groups.values():
        batch = scores["batch score (cellpaintr-scib)"]
        assert batch.value == pytest.approx(mean(scores, [part for part in BATCH if part != "silhouette batch"], "value"))
        assert batch.about.startswith("without silhouette batch; ")


def test_replicates_that_keep_their_place_have_no_rank_by_arevalo() -> None:
    data = plates(moved=False)
    data = data[~data.obs.duplicated(["plate", "perturbation"]) | (data.obs["control_type"] == "negcon")].copy()
    found = of_groups(rows(conservation.evaluate(data, protocol="arevalo", with_baselines=False)))["profiles"]
    assert "mAP control" not in found
    assert found["biology score (arevalo)"].about.startswith("without mAP control, mAP non-replicate; ")


def test_what_cannot_be_compared_is_a_sentence() -> None:
    for task in (mixing.evaluate, conservation.evaluate):
        with pytest.raises(InputError, match="--set before=TABLE"):
            task(plates(), protocol="cellpaintr-eq14")
        with pytest.raises(InputError, match="did you mean 'cellpaintr-scib'"):
            task(plates(), protocol="cellpaintr-scbi")
        with pytest.raises(InputError, match="k is 0"):
            task(plates(), k=0)
    one = plates()
    one = one[one.obs["perturbation"].isin(["DMSO", "c0"])].copy()
    with pytest.raises(InputError, match="need at least two"):
        mixing.evaluate(one, protocol="arevalo")


def test_a_weighted_sum_of_scores_joins_their_intervals() -> None:
    one, other = Score("t", "p", "g", "a", 0.2, 0.1, 0.4, None, 3), Score("t", "p", "g", "b", 0.6, 0.5, 0.9, None, 9)
    both = aggregates.mean_score("sum", [(one, 0.4), (other, 0.6)])
    assert (both.value, both.low, both.high) == (pytest.approx(0.44), pytest.approx(0.34), pytest.approx(0.7))
    assert (both.metric, both.n, both.chance, both.interval) == ("sum", 9, None, "ends joined")
    none = aggregates.mean_score("sum", [(one, 0.5), (Score("t", "p", "g", "b", 0.6, None, None, None, 9), 0.5)])
    assert (none.low, none.high, none.about) == (None, None, "b has no interval")
