"""Proximity bias: planted, taken off by the correction to what shuffled arms leave, paired; the null; arms that are too small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.correction.test_arm import arms_file, knock_outs
from tests.evaluation.rows import rows
from tests.evaluation.test_same_label import naive

from impasto.evaluation.arms import corrected_by_arm, evaluate
from impasto.schema import InputError


def test_a_planted_arm_effect_falls_to_its_null(tmp_path: Path) -> None:
    data, arms = knock_outs(genes=90, width=20, shift=1.5), arms_file(tmp_path, genes=90)
    own, corrected, less = rows(evaluate(data, arms=str(arms), shuffles=199))
    means = np.stack([data.X[(data.obs["perturbation"] == f"g{i:02d}").to_numpy()].astype(np.float64).mean(axis=0) for i in range(90)])
    labels = np.arange(90) % 3
    assert own.value == pytest.approx(naive(means, labels), abs=1e-5)
    assert own.p_chance == 1 / 200
    assert own.low is not None
    assert own.low > 0.2
    assert corrected.value == pytest.approx(naive(corrected_by_arm(means, labels, least=5), labels), abs=1e-5)
    assert abs(corrected.value - corrected.chance) < 0.01  # type: ignore[operator]
    assert corrected.p_chance is not None
    assert corrected.p_chance > 0.05
    assert corrected.high is not None
    assert corrected.high < 0.01
    assert less.value == pytest.approx(own.value - corrected.value)
    assert less.low is not None
    assert less.low > 0.2


def test_the_correction_is_a_plain_loop_over_genes() -> None:
    rng = np.random.default_rng(0)
    means, labels = rng.normal(size=(12, 4)), np.array([0] * 7 + [1] * 5)
    changed = corrected_by_arm(means, labels, least=5)
    for i in range(12):
        others = [j for j in range(12) if j != i and labels[j] == labels[i]]
        expected = means[i] - means[others].mean(axis=0) if len(others) >= 5 else means[i]
        np.testing.assert_allclose(changed[i], expected)


def test_arms_that_mean_nothing_are_called_at_their_level(tmp_path: Path) -> None:
    arms = str(arms_file(tmp_path, genes=60))
    results = [evaluate(knock_outs(genes=60, shift=0.0, seed=seed), arms=arms, shuffles=99) for seed in range(25)]
    p = [[s.p_chance for s in rows(result)[:2]] for result in results]
    assert np.mean(np.array(p, dtype=float) <= 0.1) <= 0.22


def test_small_arms_and_genes_without_one_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = evaluate(knock_outs(), arms=str(arms_file(tmp_path)), least=3, shuffles=0)
    assert result.per_group["genes"].sum() == 22
    assert "2 of 24 genes are left out" in " ".join(capsys.readouterr().out.split())
    assert rows(result)[0].p_chance is None
    with pytest.raises(InputError, match="0 arms have more than 30"):
        evaluate(knock_outs(), arms=str(arms_file(tmp_path)), least=30)


def test_an_arm_needs_so_many_other_genes_beside_each(tmp_path: Path) -> None:
    data = knock_outs(genes=18)
    path = tmp_path / "arms.csv"
    path.write_text("gene,arm\n" + "".join(f"g{i:02d},{'1p' if i < 7 else '2q' if i < 13 else '3p'}\n" for i in range(18)))
    # Seven, six and five genes: with five others asked for, the arm of five has four.
    assert evaluate(data, arms=str(path), least=5, shuffles=0).per_group["arm"].tolist() == ["1p", "2q"]
    assert evaluate(data, arms=str(path), least=4, shuffles=0).per_group["arm"].tolist() == ["1p", "2q", "3p"]
