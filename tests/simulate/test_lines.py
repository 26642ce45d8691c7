"""Cell lines: one line is at rest, several differ by their factors; relations join what is said to share a mechanism."""

from __future__ import annotations

import numpy as np

from impasto.simulate import lines
from impasto.simulate import plan as plans
from impasto.simulate.plan import Plan


def test_one_line_has_no_look_and_the_plain_answer() -> None:
    one = lines.lines(Plan(), seed=0)
    assert one.names == ["simulated line 1"]
    assert not one.rest.any()
    assert (one.answer == 1).all()
    assert one.expression.empty


def test_several_lines_look_and_answer_by_the_strength_of_the_plan() -> None:
    weak, strong = (lines.lines(Plan(cell_lines=3, line_effect=e, line_answer=a), seed=0) for e, a in ((1.0, 0.25), (2.0, 0.5)))
    np.testing.assert_allclose(strong.rest, 2 * weak.rest)
    np.testing.assert_allclose(np.log(strong.answer), 2 * np.log(weak.answer))
    assert strong.rest.shape == (3, 10)
    assert strong.names == [f"simulated line {n}" for n in (1, 2, 3)]
    assert strong.expression.shape == (40, 301)
    assert strong.expression["cell_line"].tolist()[:3] == strong.names
    assert (strong.expression.iloc[:, 1:] >= 0).all(axis=None)


def test_relations_are_of_one_mechanism_with_some_noise() -> None:
    known = plans.truth(Plan(perturbations=96, mechanisms=8, kind="crispr"), seed=1)
    pairs = lines.relations(known, seed=1)
    of_gene = dict(zip(known.perturbations["gene"], known.perturbations["moa"], strict=True))
    alike = np.array([of_gene[a] == of_gene[b] for a, b in zip(pairs["gene1"], pairs["gene2"], strict=True)])
    scores = pairs["combined_score"].to_numpy()
    assert ((scores[alike] >= 500) & (scores[alike] <= 999)).all()
    assert ((scores[~alike] >= 200) & (scores[~alike] <= 500)).all()
    possible = 8 * (12 * 11 // 2)
    assert 0.7 < alike.sum() / possible < 0.9
    assert 0.01 < (~alike).sum() / (96 * 95 // 2 - possible) < 0.03


def test_some_genes_of_the_expression_have_nothing_to_do_with_the_factors() -> None:
    counts = lines.lines(Plan(cell_lines=400), seed=0).expression.iloc[:, 1:].to_numpy()
    logs = np.log(counts + 1)
    of_gene = (logs - logs.mean(axis=1, keepdims=True))[:, counts.mean(axis=0) > 20]
    alike = np.abs(np.corrcoef(of_gene.T))
    np.fill_diagonal(alike, 0.0)
    assert 0.1 < (alike.max(axis=1) < 0.3).mean() < 0.4  # .7 ** 4 is .24
