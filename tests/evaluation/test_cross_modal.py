"""Cross-modal retrieval: the definition, exact chance, unique candidates."""

from __future__ import annotations

import itertools

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.evaluation.naive import deleted, permuted
from tests.evaluation.rows import rows

from impasto.evaluation import cross_modal, cross_modal_scores
from impasto.schema import InputError
from impasto.statistics import interval, jackknife


def space(profiles: np.ndarray, texts: np.ndarray, *, split: str = "test") -> anndata.AnnData:
    names = [f"p{i}" for i in range(len(texts))]
    obs = pd.DataFrame({"modality": ["profile"] * len(names) + ["perturbation"] * len(names), "perturbation": names * 2, "split": split})
    return anndata.AnnData(X=np.concatenate([profiles, texts]).astype(np.float32), obs=obs.rename(index=str))


def value(scores: list[cross_modal.Score], metric: str) -> float:
    return next(s.value for s in scores if s.metric == metric)


def test_a_perfect_space_finds_everything_and_a_shuffled_one_falls_to_chance() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 32))
    perfect = rows(cross_modal.evaluate(space(vectors, vectors)))
    assert value(perfect, "R@1 profile to perturbation") == 1.0
    noise = rows(cross_modal.evaluate(space(vectors, rng.normal(size=(200, 32)))))
    for metric in ("R@10 profile to perturbation", "R@10 perturbation to profile"):
        found = next(s for s in noise if s.metric == metric)
        assert found.chance == pytest.approx(10 / 200)
        assert abs(found.value - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 200)


@settings(deadline=None, max_examples=20)
@given(st.permutations(range(12)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    rng = np.random.default_rng(3)
    whole = space(rng.normal(size=(6, 4)), rng.normal(size=(6, 4)))
    one, other = rows(cross_modal.evaluate(whole)), rows(cross_modal.evaluate(whole[order].copy()))
    for a, b in zip(one, other, strict=True):
        assert a.value == pytest.approx(b.value)


def test_perturbations_written_alike_are_one_candidate() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(5, 8))
    texts = vectors.copy()
    texts[4] = texts[3]
    profiles = vectors.copy()
    profiles[4] = profiles[3]
    scores = rows(cross_modal.evaluate(space(profiles, texts)))
    assert [s.n for s in scores if s.metric == "R@1 perturbation to profile"] == [4]
    assert value(scores, "R@1 profile to perturbation") == 1.0


def test_a_text_that_stands_for_several_perturbations_is_right_for_all_of_their_profiles() -> None:
    """Every right pair is counted by name and vector, one at a time."""
    rng = np.random.default_rng(5)
    texts, profiles = rng.normal(size=(8, 4)), rng.normal(size=(12, 4))
    texts[3] = texts[1]
    of_text, of_profile = list("aabbcdef"), list("abcdefabcdzz")
    obs = pd.DataFrame({"modality": ["profile"] * 12 + ["perturbation"] * 8, "perturbation": of_profile + of_text, "split": "test"})
    found = rows(cross_modal.evaluate(anndata.AnnData(X=np.concatenate([profiles, texts]).astype(np.float32), obs=obs.rename(index=str))))
    unit = [v / np.linalg.norm(v) for v in profiles], [v / np.linalg.norm(v) for v in texts]
    distinct = [i for i in range(8) if i != 3]
    ranks = []
    for p, name in zip(unit[0], of_profile, strict=True):
        right = {1 if i == 3 else i for i in range(8) if of_text[i] == name}
        if right:
            best = max(p @ unit[1][i] for i in right)
            ranks.append(1 + sum(p @ unit[1][i] > best for i in distinct))
    assert value(found, "median rank profile to perturbation") == np.median(ranks)
    assert value(found, "R@1 profile to perturbation") == np.mean(np.array(ranks) <= 1)
    assert found[0].n == 10


def test_constant_embeddings_score_no_better_than_chance() -> None:
    scores = rows(cross_modal.evaluate(space(np.ones((50, 4)), np.random.default_rng(0).normal(size=(50, 4)))))
    assert value(scores, "R@1 perturbation to profile") <= 1 / 50


@pytest.mark.parametrize(("k", "m", "p"), [(1, 5, 1), (2, 5, 2), (3, 4, 1), (3, 4, 2)])
def test_chance_counts_all_rankings(k: int, m: int, p: int) -> None:
    places = list(itertools.combinations(range(m), p))
    assert cross_modal.chance_at_k(k, candidates=m, right=p) == pytest.approx(np.mean([min(c) < k for c in places]))
    assert cross_modal.expected_reciprocal_rank(candidates=m, right=p) == pytest.approx(np.mean([1 / (min(c) + 1) for c in places]))


def test_a_missing_side_is_a_sentence() -> None:
    whole = space(np.ones((3, 2)), np.ones((3, 2)), split="train")
    with pytest.raises(InputError, match="split 'test' has 0 profiles and 0 perturbations"):
        cross_modal.evaluate(whole)


def test_means_of_reciprocal_ranks_and_chance_of_the_median_by_hand() -> None:
    """Names a, a, b, c against texts of all three: a has one right text, text a two right profiles."""
    rng = np.random.default_rng(11)
    profiles, texts = rng.normal(size=(4, 5)), rng.normal(size=(3, 5))
    obs = pd.DataFrame({"modality": ["profile"] * 4 + ["perturbation"] * 3, "perturbation": list("aabcabc"), "split": "test"})
    data = anndata.AnnData(X=np.concatenate([profiles, texts]), obs=obs.rename(index=str))
    found = {s.metric: s for s in rows(cross_modal.evaluate(data))}
    cosine = (profiles / np.linalg.norm(profiles, axis=1)[:, None]) @ (texts / np.linalg.norm(texts, axis=1)[:, None]).T
    own = [0, 0, 1, 2]
    ranks = [1 + sum(cosine[i] > cosine[i, own[i]]) for i in range(4)]
    assert len(set(ranks)) > 1
    assert found["MRR profile to perturbation"].value == pytest.approx(np.mean([1 / r for r in ranks]))
    assert found["median rank profile to perturbation"].chance == pytest.approx((3 + 1) / (1 + 1))
    assert found["median rank perturbation to profile"].chance == pytest.approx(np.mean([(4 + 1) / (2 + 1), 5 / 2, 5 / 2]))


def test_rows_without_a_name_and_pooled_levels_only_and_one_molecule_is_right_under_any_name() -> None:
    rng = np.random.default_rng(8)
    vectors = rng.normal(size=(4, 6))
    obs = pd.DataFrame({"modality": ["profile"] * 4 + ["perturbation"] * 4, "perturbation": ["a", "b", "c", None] * 2, "split": "test"})
    obs["level"] = "perturbation"
    obs.loc[2, "level"] = "well"
    data = anndata.AnnData(X=np.concatenate([vectors, vectors]), obs=obs.rename(index=str))
    found = {s.metric: s for s in rows(cross_modal.evaluate(data))}
    assert found["R@1 profile to perturbation"].n == 2  # a and b: c is a well, the last has no name
    assert found["R@1 profile to perturbation"].chance == pytest.approx(1 / 3)
    data.obs["inchikey"] = ["K", "K", "L", None] * 2
    assert {s.metric: s for s in rows(cross_modal.evaluate(data))}["R@1 profile to perturbation"].chance == pytest.approx(2 / 3)


def _shared(seed: int = 0, *, signal: float = 0.7) -> tuple[anndata.AnnData, list[str]]:
    """Ten perturbations; two share a text, one has two profiles, one profile has no text. And the pair of each row."""
    rng = np.random.default_rng(seed)
    texts = rng.normal(size=(10, 5))
    texts[3] = texts[7]
    of_profile = [*range(10), 2, 10]
    profiles = np.stack([(signal * texts[i] if i < 10 else 0) + rng.normal(size=5) for i in of_profile])
    names = [f"p{i:02d}" for i in [*of_profile, *range(10)]]
    obs = pd.DataFrame({"modality": ["profile"] * 12 + ["perturbation"] * 10, "perturbation": names, "split": "test"}).rename(index=str)
    table = anndata.AnnData(X=np.concatenate([profiles, texts]).astype(np.float32), obs=obs)
    return table, ["p03" if name == "p07" else name for name in names]


@pytest.mark.parametrize("direction", ["profile to perturbation", "perturbation to profile"])
def test_the_interval_is_that_of_deleted_pairs(direction: str) -> None:
    table, pair = _shared()

    def score(part: anndata.AnnData, metric: str = "MRR") -> cross_modal.Score:
        return next(s for s in rows(cross_modal.evaluate(part, shuffles=0)) if s.metric == f"{metric} {direction}")

    expected = jackknife.of_score(deleted(lambda part: score(part).value, table, pair, pairs=False), unit="pair", few_count=True)
    found = score(table)
    assert (found.unit, found.clusters, found.about, found.interval) == ("pair", 10, "other pairs", "jackknife")
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    # The score without groups is kept for shares too, and their interval is Wilson's, over nine pairs that have both sides.
    share = score(table, "R@1")
    result = cross_modal.evaluate(table, shuffles=0).left_out
    kept = result[result["metric"] == f"R@1 {direction}"]["value"].to_numpy()
    np.testing.assert_allclose(kept, deleted(lambda part: score(part, "R@1").value, table, pair, pairs=False).single)
    assert (share.interval, share.clusters) == ("wilson", 9)


def test_wilson_counts_a_pair_once() -> None:
    table, _ = _shared()
    found = next(s for s in rows(cross_modal.evaluate(table, shuffles=0)) if s.metric == "R@1 profile to perturbation")
    vectors = cross_modal.ranking.unit(table.X)
    texts = {f"p{i:02d}": vectors[12 + i] for i in range(10) if i != 7}
    hits = []
    for row, name in enumerate(table.obs["perturbation"][:11]):
        best = max(texts, key=lambda other, row=row: float(vectors[row] @ texts[other]))
        hits.append(best == ("p03" if name == "p07" else name))
    # Eleven queries of nine pairs: p02 has two profiles, and p03 and p07 share a text.
    expected = interval.wilson(9 * np.mean(hits), 9, unit="pair")
    assert (found.value, found.low, found.high) == (pytest.approx(np.mean(hits)), pytest.approx(expected.low), pytest.approx(expected.high))


def test_p_is_small_for_planted_pairs_and_not_for_noise() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 16))
    planted = {s.metric: s.p_chance for s in rows(cross_modal.evaluate(space(vectors, vectors + rng.normal(size=(40, 16))), shuffles=99))}
    assert planted["MRR profile to perturbation"] == planted["R@1 perturbation to profile"] == pytest.approx(0.01)
    noise = [
        {s.metric: s.p_chance for s in rows(cross_modal.evaluate(space(rng.normal(size=(20, 8)), rng.normal(size=(20, 8))), shuffles=39))}
        for _ in range(40)
    ]
    for metric in ("MRR profile to perturbation", "MRR perturbation to profile"):
        assert np.mean([one[metric] <= 0.2 for one in noise]) < 0.2 + 3 * np.sqrt(0.16 / 40)
    same = rows(cross_modal.evaluate(space(np.ones((9, 3)), np.ones((9, 3)) + np.arange(9)[:, None] * 0), shuffles=39))
    assert all(s.p_chance is None or s.p_chance > 0.9 for s in same)


def test_shares_never_leave_0_to_1_and_the_median_says_why_it_has_no_interval() -> None:
    table, _ = _shared(signal=5.0)
    found = rows(cross_modal.evaluate(table, shuffles=0))
    assert all(0 <= s.low <= s.value <= s.high <= 1 for s in found if s.low is not None and s.high is not None)
    assert next(s for s in found if s.metric.startswith("median")).about == "no interval is made of a median"


def test_rows_in_another_order_give_the_same_numbers() -> None:
    table, _ = _shared(seed=3)
    first, second = (cross_modal.evaluate(t, shuffles=20).scores for t in (table, permuted(table)))
    pd.testing.assert_frame_equal(first, second)


def test_a_large_table_gets_the_t_interval_over_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_modal_scores, "MOST_COMPARED", 0)
    monkeypatch.setattr(cross_modal_scores, "MOST_SHUFFLED", 0)
    found = next(s for s in rows(cross_modal.evaluate(_shared()[0])) if s.metric.startswith("MRR"))
    assert (found.interval, found.clusters, found.p_chance) == ("t over pairs", 9, None)


def _guides(seed: int = 0, *, signal: float = 0.7, genes: int = 7, guides: int = 3, width: int = 5) -> tuple[anndata.AnnData, list[str]]:
    """Guides of each gene share a text, and lean to it; one gene has a single guide. And the gene of each row."""
    rng = np.random.default_rng(seed)
    of = np.concatenate([np.repeat(np.arange(genes), guides), [genes]])
    texts = rng.normal(size=(genes + 1, width))[of]
    profiles = signal * texts + rng.normal(size=texts.shape)
    names = [f"g{gene}_{number}" for number, gene in enumerate(of)]
    obs = pd.DataFrame({"modality": ["profile"] * len(of) + ["perturbation"] * len(of), "perturbation": names * 2, "split": "test"})
    return anndata.AnnData(X=np.concatenate([profiles, texts]).astype(np.float32), obs=obs.rename(index=str)), [f"g{g}_" for g in of] * 2


def _random_ranks(direction: str, n: int) -> np.ndarray:
    """Ranks of all queries over all orders: 22 candidates, or seven threes of equal texts and one alone."""
    if not direction.startswith("profile"):
        return np.arange(1, n + 1)
    # Before the own three: j of six other threes, and the single one or not; before the single one: j of seven threes.
    of_three = [1 + 3 * place - (place > lone) * 2 + 1 for lone in range(8) for place in range(8) if place != lone]
    of_one = [1 + 3 * place for place in range(8)]
    return np.repeat([*np.repeat(of_three, 8), *np.repeat(of_one, 56)], [*[21] * (56 * 8), *[1] * (8 * 56)])


def test_among_all_pairs_only_the_own_partner_is_right_as_eq_11_has_it() -> None:
    """Ranks by counting in float64: candidates above the own one, and half of those that are equal to it."""
    table, _ = _guides()
    n = table.n_obs // 2
    p, q = (side.astype(np.float64) / np.linalg.norm(side.astype(np.float64), axis=1, keepdims=True) for side in (table.X[:n], table.X[n:]))
    found = {s.metric: s for s in rows(cross_modal.evaluate(table, pool="pairs", shuffles=0))}
    same_text = [[bool((table.X[n + i] == table.X[n + j]).all()) for j in range(n)] for i in range(n)]
    for direction in ("profile to perturbation", "perturbation to profile"):
        ranks = []
        for i in range(n):
            rank = 1.0
            for j in range(n):
                own, other = (p[i] @ q[i], p[i] @ q[j]) if direction.startswith("profile") else (q[i] @ p[i], q[i] @ p[j])
                equal = j != i and direction.startswith("profile") and same_text[i][j]
                rank += 0.5 if equal else float(j != i and other > own)
            ranks.append(rank)
        for k in (1, 5, 10):
            score = found[f"R@{k} {direction}"]
            by_chance = np.mean(_random_ranks(direction, n) <= k)
            assert (score.value, score.chance, score.n) == (pytest.approx(np.mean(np.array(ranks) <= k)), pytest.approx(by_chance), n)
        mrr = found[f"MRR {direction}"]
        by_chance = np.mean(1 / _random_ranks(direction, n))
        assert (mrr.value, mrr.chance) == (pytest.approx(np.mean(1 / np.array(ranks))), pytest.approx(by_chance))
        assert found[f"median rank {direction}"].value == np.median(ranks)
        # Three guides of one text are ranked 2 at best: R@1 knows the gene of one guide only.
        assert not direction.startswith("profile") or found[f"R@1 {direction}"].value <= 1 / n
        assert mrr.protocol == "split=test, all pairs"


@pytest.mark.parametrize("direction", ["profile to perturbation", "perturbation to profile"])
def test_among_all_pairs_those_of_one_text_leave_together(direction: str) -> None:
    table, gene = _guides(seed=2)

    def score(part: anndata.AnnData, metric: str = "MRR") -> cross_modal.Score:
        return next(s for s in rows(cross_modal.evaluate(part, pool="pairs", shuffles=0)) if s.metric == f"{metric} {direction}")

    # The unit is called by the first of its pairs, which orders the groups.
    first = {g: min(n for n, own in zip(table.obs["perturbation"], gene, strict=True) if own == g) for g in gene}
    expected = jackknife.of_score(
        deleted(lambda part: score(part).value, table, [first[g] for g in gene], pairs=False), unit="pair", few_count=True
    )
    found = score(table)
    assert (found.clusters, found.low, found.high) == (8, pytest.approx(expected.low), pytest.approx(expected.high))
    share = score(table, "R@5")
    wilson = interval.wilson(share.value * 8, 8, unit="pair")
    assert (share.clusters, share.low, share.high) == (8, pytest.approx(wilson.low), pytest.approx(wilson.high))


def test_both_pools_are_the_same_where_all_texts_differ_and_stand_side_by_side() -> None:
    rng = np.random.default_rng(4)
    vectors = rng.normal(size=(30, 6))
    table = space(vectors + rng.normal(size=vectors.shape), vectors)
    both = cross_modal.evaluate(table, pool="both", shuffles=19).scores
    unique, pairs = (
        both[both["protocol"] == f"split=test, {name}"].drop(columns="protocol") for name in ("unique candidates", "all pairs")
    )
    assert len(unique) == len(pairs) == len(both) / 2 == 10
    numbers = ["metric", "value", "low", "high", "chance", "n", "clusters"]
    pd.testing.assert_frame_equal(unique[numbers].reset_index(drop=True), pairs[numbers].reset_index(drop=True))
    alone = cross_modal.evaluate(table, pool="pairs", shuffles=19).scores
    np.testing.assert_array_equal(alone["p_chance"].to_numpy(), pairs["p_chance"].to_numpy())
    assert pairs["p_chance"].notna().sum() == 8  # all but the medians


@pytest.mark.parametrize("genes", [3, 5, 10, 16, 22, 25])
def test_equal_texts_tie_whatever_the_rounding_of_a_block(genes: int) -> None:
    """At some of these shapes BLAS gives equal columns of float32 other last digits."""
    table, _ = _guides(genes=genes, guides=3, width=512, signal=0.3)
    n = table.n_obs // 2
    p, q = cross_modal.ranking.unit(table.X[:n]), cross_modal.ranking.unit(table.X[n:])
    similarity = p.astype(np.float64) @ q.astype(np.float64).T
    away = similarity - np.diag(similarity)[:, None]
    ranks = 1 + (away > 1e-9).sum(axis=1) + ((np.abs(away) < 1e-9).sum(axis=1) - 1) / 2
    found = next(s for s in rows(cross_modal.evaluate(table, pool="pairs", shuffles=0)) if s.metric == "MRR profile to perturbation")
    assert found.value == pytest.approx(np.mean(1 / ranks))


def test_p_among_pairs_is_small_for_planted_pairs_and_not_for_noise() -> None:
    planted = {s.metric: s.p_chance for s in rows(cross_modal.evaluate(_guides(genes=12)[0], pool="pairs", shuffles=99))}
    assert planted["MRR profile to perturbation"] <= 0.05
    noise = [
        {s.metric: s.p_chance for s in rows(cross_modal.evaluate(_guides(seed, signal=0.0)[0], pool="pairs", shuffles=39))}
        for seed in range(40)
    ]
    for metric in ("MRR profile to perturbation", "MRR perturbation to profile"):
        assert np.mean([one[metric] <= 0.2 for one in noise]) < 0.2 + 3 * np.sqrt(0.16 / 40)
        assert np.mean([one[metric] for one in noise]) > 0.3


def test_a_profile_of_another_name_is_in_no_pair_and_two_names_of_a_molecule_are_two_pairs() -> None:
    rng = np.random.default_rng(8)
    vectors = rng.normal(size=(4, 6))
    obs = pd.DataFrame(
        {"modality": ["profile"] * 4 + ["perturbation"] * 4, "perturbation": ["a", "b", "c", "d", "a", "b", "c", "e"], "split": "test"}
    )
    obs["inchikey"] = ["K", "K", "L", "M", "K", "K", "L", "N"]
    data = anndata.AnnData(X=np.concatenate([vectors, vectors]), obs=obs.rename(index=str))
    found = {s.metric: s for s in rows(cross_modal.evaluate(data, pool="pairs"))}
    assert (found["R@1 profile to perturbation"].n, found["R@1 profile to perturbation"].value) == (3, 1.0)
    assert found["R@1 profile to perturbation"].chance == pytest.approx(1 / 3)
    obs["perturbation"] = [f"x{n}" for n in range(8)]
    with pytest.raises(InputError, match="no profile has a perturbation of its own name"):
        cross_modal.evaluate(anndata.AnnData(X=data.X, obs=obs.rename(index=str)), pool="pairs")


def test_rows_without_a_name_have_no_partner_in_any_part() -> None:
    vectors = np.random.default_rng(9).normal(size=(3, 4))
    obs = pd.DataFrame({"modality": ["profile"] * 3 + ["perturbation"] * 3, "perturbation": ["a", "b", None] * 2})
    table = anndata.AnnData(X=np.concatenate([vectors, vectors]), obs=obs.rename(index=str))
    assert {s.n for s in rows(cross_modal.evaluate(table, split="all", pool="both"))} == {2}
