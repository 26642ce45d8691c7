"""Gene-gene recall against a double loop, EFAAR's rule, and chance."""

import operator
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evaluation.naive import deleted, permuted
from tests.evaluation.rows import rows, rows_and_details
from tests.peers import peer

from impasto import ranking
from impasto.evaluation import relations
from impasto.evaluation.relations import evaluate
from impasto.schema import InputError
from impasto.statistics import jackknife


def _profiles(rng: np.random.Generator, genes: int = 30, planted: bool = False, kind: str = "crispr") -> anndata.AnnData:
    values = rng.normal(size=(genes * 3, 12)).astype(np.float32)
    names = np.repeat([f"G{i:02d}" for i in range(genes)], 3)
    if planted:
        # Genes come in pairs that share a direction.
        values += 3 * np.repeat(np.repeat(rng.normal(size=(genes // 2, 12)), 2, axis=0), 3, axis=0).astype(np.float32)
    obs = pd.DataFrame({"perturbation": names, "gene": names, "perturbation_type": kind}).rename(index=str)
    return anndata.AnnData(X=values, obs=obs)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "toy_pairs.csv"
    path.write_text("gene1,gene2\n" + "".join(f"G{i:02d},G{i + 1:02d}\n" for i in range(0, 30, 2)))
    return path


def test_recall_is_the_double_loop_of_the_definition(pairs: Path) -> None:
    profiles = _profiles(np.random.default_rng(0))
    scores = rows(evaluate(profiles, pairs=pairs, protocol="efaar", draws=20))
    consensus = np.stack([np.median(profiles.X[i * 3 : i * 3 + 3], axis=0) for i in range(30)]).astype(np.float64)
    cosine = [[float(a @ b / np.sqrt(a @ a) / np.sqrt(b @ b)) for b in consensus] for a in consensus]
    null = [cosine[i][j] for i in range(30) for j in range(i + 1, 30)]
    known = [cosine[i][i + 1] for i in range(0, 30, 2)]
    for threshold in relations.THRESHOLDS:
        hits = 0
        for value in known:
            below = sum(n < value - 1e-7 for n in null) / len(null)
            at_most = sum(n <= value + 1e-7 for n in null) / len(null)
            hits += at_most <= threshold or below >= 1 - threshold
        mine = next(s for s in scores if s.metric == f"recall at {threshold:.0%}" and s.group == "profiles")
        assert mine.value == pytest.approx(hits / len(known))


def test_planted_pairs_are_found_and_names_dealt_anew_are_not(pairs: Path) -> None:
    scores, details = rows_and_details(evaluate(_profiles(np.random.default_rng(1), planted=True), pairs=pairs, draws=100))
    five = {s.group: s for s in scores if s.metric == "recall at 5%"}
    assert five["profiles"].value > 0.9
    shuffled = five["shuffled labels"]
    assert shuffled.value == pytest.approx(0.1, abs=0.06)
    assert shuffled.about.startswith("the mean of 100 shuffles")
    assert five["profiles"].low > 0.2
    assert five["profiles"].p_chance == pytest.approx(1 / 101)
    assert set(details["per_group"]["database"]) == {"toy"}


def test_noise_scores_as_chance_on_average(pairs: Path) -> None:
    values = []
    for seed in range(30):
        scores = rows(evaluate(_profiles(np.random.default_rng(seed)), pairs=pairs, draws=5))
        values.append(next(s.value for s in scores if s.metric == "recall at 10%" and s.group == "profiles"))
    # 30 x 15 pairs at probability .2: two and a half standard errors.
    assert np.mean(values) == pytest.approx(0.2, abs=2.6 * np.sqrt(0.2 * 0.8 / 450))


def test_identical_vectors_are_neither_recalled_nor_refused() -> None:
    null = relations.Null.of(ranking.unit(np.ones((10, 3), dtype=np.float32)))
    assert sum(map(len, null.runs)) == 45
    assert not relations.tails(null, threshold=0.2, protocol="two-sided").hold(np.concatenate(null.runs)).any()


def test_torch_gives_the_same_recall(pairs: Path) -> None:
    here, there = (rows(evaluate(_profiles(np.random.default_rng(0)), pairs=pairs, draws=5, device=device)) for device in (None, "cpu"))
    np.testing.assert_allclose([s.value for s in here], [s.value for s in there], atol=1e-6)


def test_one_sided_leaves_the_lower_tail_out() -> None:
    null = relations.Null([np.linspace(-1, 1, 1001, dtype=np.float32)])
    known = np.array([-0.999, 0.0, 0.999], dtype=np.float32)
    assert relations.tails(null, threshold=0.05, protocol="two-sided").hold(known).tolist() == [True, False, True]
    assert relations.tails(null, threshold=0.05, protocol="one-sided").hold(known).tolist() == [False, False, True]


@pytest.mark.parametrize("protocol", relations.PROTOCOLS)
@pytest.mark.parametrize("tied", [False, True])
def test_tails_are_the_rule_on_ranks_asked_of_each_value(protocol: str, tied: bool) -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(0, 0.3, 400).clip(-1, 1).astype(np.float32)
    values = np.round(values, 1) if tied else values
    null = relations.Null([np.sort(part) for part in np.split(values, [50, 120])])
    known = np.concatenate([values, rng.uniform(-1, 1, 200).astype(np.float32)])
    for threshold in (0.0, 0.02, 0.1, 0.5):
        below = np.array([(values < k).sum() for k in known]) / len(values)
        up_to = np.array([(values <= k).sum() for k in known]) / len(values)
        middle = (below + up_to) / 2
        expected = {
            "efaar": (up_to <= threshold) | (below >= 1 - threshold),
            "two-sided": (middle <= threshold) | (middle >= 1 - threshold),
            "one-sided": middle >= 1 - threshold,
        }[protocol]
        np.testing.assert_array_equal(relations.tails(null, threshold=threshold, protocol=protocol).hold(known), expected)
    np.testing.assert_array_equal(null.ranks(known), [below, up_to])


def test_compounds_have_targets_not_genes(pairs: Path) -> None:
    with pytest.raises(InputError, match="not only of compounds"):
        evaluate(_profiles(np.random.default_rng(0), kind="compound"), pairs=pairs)


@pytest.mark.slow
def test_efaar_protocol_is_efaar_benchmarking(tmp_path: Path) -> None:
    benchmarking = peer("efaar_benchmarking.benchmarking")
    rng = np.random.default_rng(3)
    null, known = rng.normal(0, 0.2, size=5000).astype(np.float32), rng.normal(0.2, 0.2, size=200).astype(np.float32)
    theirs = benchmarking.compute_recall(null, known, [(0.05, 0.95), (0.1, 0.9)])
    for low, high in ((0.05, 0.95), (0.1, 0.9)):
        mine = relations.tails(relations.Null([np.sort(null)]), threshold=low, protocol="efaar").hold(known).mean()
        assert mine == pytest.approx(theirs[f"recall_{low}_{high}"], abs=1e-9)


@given(
    st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=30),
    st.sampled_from(relations.PROTOCOLS),
    st.sampled_from([0.0, 0.02, 0.1, 0.3, 0.5]),
)
def test_the_search_over_bits_is_a_search_over_values(null: list[float], protocol: str, threshold: float) -> None:
    """The plain twin: a tail begins at the first value of the null for which the rule on ranks holds."""
    ordered = np.sort(np.array(null, dtype=np.float32) + np.float32(0))
    below, up_to = (np.array([sum(op(n, v) for n in ordered) for v in ordered]) / len(ordered) for op in (operator.lt, operator.le))
    middle = (below + up_to) / 2
    high = (below if protocol == "efaar" else middle) >= 1 - threshold
    low = ((up_to if protocol == "efaar" else middle) <= threshold) & (protocol != "one-sided")
    held = relations.tails(relations.Null([ordered]), threshold=threshold, protocol=protocol).hold(ordered)  # type: ignore[arg-type]
    assert held.tolist() == (high | low).tolist()


@given(st.lists(st.floats(-2, 2, width=32), min_size=1, max_size=20), st.floats(-2, 2, width=32))
def test_the_least_float_a_rule_holds_for(null: list[float], edge: float) -> None:
    """The rule "at least so many of the null lie at or below": it begins at one of the null's own values."""
    ordered = np.sort(np.array(null, dtype=np.float32))
    wanted = sum(n <= np.float32(edge) for n in ordered) / len(ordered)
    expected = (
        min((v for v in ordered if sum(n <= v for n in ordered) / len(ordered) >= wanted), default=np.inf) if wanted else np.float32(-2)
    )
    found = relations._first(relations.Null([ordered]), lambda left, right: bool(right[0] >= wanted))
    assert found == expected


def test_floats_are_counted_from_zero() -> None:
    value = np.float32(0)
    for number in range(4):
        assert relations._from_bits(number) == value
        assert relations._from_bits(-number) == -value
        value = np.nextafter(value, np.float32(1))
    assert relations._from_bits(int(np.float32(1).view(np.int32))) == 1.0


@pytest.mark.parametrize(("protocol", "chance"), [("two-sided", 0.1), ("efaar", 0.1), ("one-sided", 0.05)])
def test_chance_is_the_share_of_the_tails(protocol: str, chance: float) -> None:
    assert relations.chance(0.05, protocol) == pytest.approx(chance)  # type: ignore[arg-type]
    assert relations.chance(0.7, "two-sided") == 1.0


def test_unlabelled_wells_and_controls_have_no_gene(pairs: Path) -> None:
    profiles = _profiles(np.random.default_rng(0))
    profiles.obs["control_type"] = "trt"
    profiles.obs.loc[profiles.obs["gene"] == "G00", "control_type"] = "negcon"
    profiles.obs.loc[profiles.obs["gene"] == "G02", "perturbation"] = None
    result = evaluate(profiles, pairs=pairs, draws=5)
    assert set(result.scores.loc[result.scores["group"] == "profiles", "n"]) == {13}
    assert not {"G00", "G02"} & set(result.tables["genes"]["gene"])


@pytest.mark.parametrize("protocol", relations.PROTOCOLS)
def test_the_interval_is_that_of_deleted_genes(tmp_path: Path, protocol: str) -> None:
    """Nine genes; one has no known pair and leaves the null only. Cosines of signs in 16 dimensions are exact, so ties are ties."""
    rng = np.random.default_rng(2)
    values = np.repeat(rng.choice([-1.0, 1.0], size=(9, 16)), 2, axis=0)
    names = np.repeat([f"G{i:02d}" for i in range(9)], 2)
    obs = pd.DataFrame({"perturbation": names, "gene": names, "perturbation_type": "crispr"}).rename(index=str)
    table = anndata.AnnData(X=values.astype(np.float32), obs=obs)
    known = tmp_path / "toy.csv"
    known.write_text("gene1,gene2\n" + "".join(f"G{i:02d},G{j:02d}\n" for i in range(8) for j in range(i) if (i + j) % 3 < 2))

    def score(part: anndata.AnnData) -> relations.Score:
        found = evaluate(part, pairs=str(known), protocol=protocol, draws=0, thresholds=(0.2,))  # type: ignore[arg-type]
        return rows(found)[0]

    expected = jackknife.of_score(deleted(lambda part: score(part).value, table, list(names)), unit="gene")
    found = score(table)
    assert (found.unit, found.clusters, found.df, found.about) == ("gene", 9, 8, "other genes")
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_p_is_the_share_of_shuffled_names_that_recall_as_many(pairs: Path) -> None:
    """Each shuffle is drawn once, whatever the threshold."""
    vectors = ranking.unit(np.random.default_rng(0).normal(size=(30, 8)))
    index = np.array([(i, i + 1) for i in range(0, 30, 2)])
    null = relations.Null.of(vectors)
    ends = {t: relations.tails(null, threshold=t, protocol="two-sided") for t in (0.05, 0.1)}
    made = relations.Recall(vectors, [], index, ends, None, "two-sided").shuffles(seed=3)
    rng = np.random.default_rng(3)
    recalls = []
    assert made.cosine is not None
    for _ in range(60):
        order = rng.permutation(30)
        cosine = [made.cosine[order[i], order[j]] for i, j in index]
        recalls.append([np.mean([bool(ends[t].hold(c)) for c in cosine]) for t in (0.05, 0.1)])
    for column, t in enumerate((0.05, 0.1)):
        values = [r[column] for r in recalls]
        assert made.chance(t, 0.5, most=60).p == pytest.approx((1 + sum(v >= 0.5 for v in values)) / 61)
        assert made.chance(t, 0.5, most=60).mean == pytest.approx(np.mean(values))


def test_many_genes_get_the_t_interval_and_say_so(pairs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relations, "MOST_GENES", 3)
    found = rows(evaluate(_profiles(np.random.default_rng(1)), pairs=pairs, draws=5, thresholds=(0.1,)))[0]
    assert (found.interval, found.clusters) == ("t over genes", 30)


def test_rows_in_another_order_give_the_same_numbers(pairs: Path) -> None:
    table = _profiles(np.random.default_rng(4), planted=True)
    first, second = (evaluate(t, pairs=pairs, draws=20).scores for t in (table, permuted(table)))
    pd.testing.assert_frame_equal(first, second)
