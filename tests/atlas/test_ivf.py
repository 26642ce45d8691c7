"""Inverted lists: found again from plain arrays, their recall measured, filters kept, damage refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from impasto.atlas import engines, ivf
from impasto.atlas.stacked import Stacked
from impasto.ranking import unit
from impasto.schema import InputError

pytest.importorskip("faiss")


def vectors(rows: int = 3000, width: int = 16) -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, width))
    return unit((centres[rng.integers(0, 40, rows)] + 0.7 * rng.normal(size=(rows, width))).astype(np.float32))


def test_the_arrays_give_the_answers_of_the_lists_that_wrote_them(tmp_path: Path) -> None:
    x = vectors()
    lists, recall = ivf.build(x)
    ivf.save(lists, recall, tmp_path)
    opened = ivf.load(tmp_path, Stacked([x[:1000], x[1000:]]))
    queries = x[::50]
    np.testing.assert_array_equal(opened.nearest(queries, top=10), lists.nearest(queries, top=10))
    assert recall >= ivf.RECALL
    assert ivf.measured(tmp_path)["probe"] == opened.probe
    assert sorted(path.name for path in (tmp_path / "ivf").iterdir()) == sorted([*(f"{name}.npy" for name in ivf.ARRAYS), "measured.json"])


def test_the_recall_is_that_of_the_ten_nearest_by_hand(tmp_path: Path) -> None:
    x = vectors()
    lists, recall = ivf.build(x, seed=3)
    rng = np.random.default_rng(3)
    rng.choice(len(x), min(len(x), 46 * ivf.TRAINED_A_LIST), replace=False)
    held = np.sort(rng.choice(len(x), ivf.HELD, replace=False))
    truth = np.argsort(-(x[held] @ x.T), axis=1, kind="stable")[:, :10]
    found = lists.nearest(x[held], top=10)
    assert recall == pytest.approx(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(truth, found, strict=True)]))
    fewer = lists.nearest(x[held], top=10, probe=1)
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(truth, fewer, strict=True)]) < recall


def test_the_least_probe_is_kept() -> None:
    x = vectors()
    lists, _ = ivf.build(x)
    if lists.probe > 1:
        held = np.sort(np.random.default_rng(0).choice(len(x), 200, replace=False))
        truth = ivf.exact(x, x[held], top=10)
        half = lists.nearest(x[held], top=10, probe=lists.probe // 2)
        assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(truth, half, strict=True)]) < 0.97


def test_all_lists_find_the_exact_answers_in_order() -> None:
    x = vectors(rows=500)
    lists, _ = ivf.build(x)
    np.testing.assert_array_equal(lists.nearest(x[:20], top=5, probe=10**4), ivf.exact(x, x[:20], top=5))


def test_exact_is_sorted_by_cosine_over_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ivf, "_BLOCK", 7)
    x = vectors(rows=100)
    np.testing.assert_array_equal(ivf.exact(x, x[:9], top=4), np.argsort(-(x[:9] @ x.T), axis=1, kind="stable")[:, :4])


@pytest.mark.parametrize("share", [0.5, 0.02])
def test_a_filter_leaves_only_what_may_answer(tmp_path: Path, share: float) -> None:
    x = vectors()
    engines.Faiss.build(tmp_path, x)
    among = np.random.default_rng(1).random(len(x)) < share
    rows, scores = engines.Faiss(tmp_path, Stacked([x])).nearest(x[5], top=8, among=among)
    exact, cosines = engines.Exact(tmp_path, Stacked([x])).nearest(x[5], top=8, among=among)
    assert among[rows].all()
    assert len(set(rows) & set(exact)) >= 6
    np.testing.assert_allclose(scores[0], cosines[0], atol=1e-6)


def test_a_filter_that_leaves_too_few_in_the_lists_is_answered_whole(tmp_path: Path) -> None:
    x = vectors()
    engines.Faiss.build(tmp_path, x)
    far = np.argsort(x @ x[5], kind="stable")[: len(x) // 10]
    among = np.zeros(len(x), dtype=bool)
    among[far] = True
    rows, _ = engines.Faiss(tmp_path, Stacked([x])).nearest(x[5], top=8, among=among)
    assert len(rows) == 8
    assert among[rows].all()


@pytest.mark.parametrize("what", ["cut", "other", "twice"])
def test_damage_is_one_sentence(tmp_path: Path, what: str) -> None:
    x = vectors(rows=400)
    ivf.save(*ivf.build(x), tmp_path)
    path = tmp_path / "ivf" / "ids.npy"
    ids = np.load(path)
    if what == "cut":
        path.write_bytes(path.read_bytes()[:60])
    if what == "twice":
        np.save(path, np.where(ids == 3, 4, ids))
    with pytest.raises(InputError, match=r"is damaged .*make the index again"):
        ivf.load(tmp_path, x[:-1] if what == "other" else x)


def test_auto_is_exact_below_a_quarter_of_a_million() -> None:
    assert engines.chosen_for(engines.MOST_EXACT - 1) == "exact"
    assert engines.chosen_for(engines.MOST_EXACT) == "faiss"
