"""The frame of BYOL and MoCo v3: each view predicts the teacher's projection of the other, written out row by row."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from tests.pretrain.small import built, dot, rows_of, standardised, unit, views

HEADS = {"hidden": 8, "out": 6}
Rows = list[list[float]]


def distance(queries: Rows, keys: Rows) -> float:
    """BYOL, Eq. 2: the mean squared distance of unit vectors."""
    pairs = [(unit(q), unit(k)) for q, k in zip(queries, keys, strict=True)]
    return sum(sum((a - b) ** 2 for a, b in zip(q, k, strict=True)) for q, k in pairs) / len(pairs)


def contrast(queries: Rows, keys: Rows, temperature: float) -> float:
    """MoCo v3, Algorithm 1: 2 tau times the cross entropy of each query against its own key among all."""
    total = 0.0
    for i, query in enumerate(queries):
        scores = [dot(unit(query), unit(key)) / temperature for key in keys]
        total += math.log(sum(map(math.exp, scores))) - scores[i]
    return 2 * temperature * total / len(queries)


@pytest.mark.parametrize(
    ("name", "changes", "term", "compare"),
    [
        ("byol", {}, "cosine", distance),
        ("moco_v3", {"temperature": 0.3}, "info_nce", lambda q, k: contrast(q, k, 0.3)),
    ],
)
def test_a_view_predicts_the_other_and_not_itself(
    name: str, changes: dict[str, float], term: str, compare: Callable[[Rows, Rows], float]
) -> None:
    method, shown = built(name, **HEADS, **changes), views()
    first, second = standardised(shown.anchor), standardised(shown.target)
    seen = [method.encoder.represent(view) for view in (first, second)]
    predicted = [rows_of(method.predictor(method.projector(rows))) for rows in seen]
    teacher = method.teacher.net
    wanted = [rows_of(teacher["projector"](teacher["encoder"].represent(view))) for view in (first, second)]
    expected = compare(predicted[0], wanted[1]) + compare(predicted[1], wanted[0])
    step = method(shown)
    assert list(step.terms) == [term]
    assert float(step.loss.detach()) == pytest.approx(expected, rel=1e-9)
    assert expected != pytest.approx(compare(predicted[0], wanted[0]) + compare(predicted[1], wanted[1]), rel=1e-3)
    torch.testing.assert_close(step.embeddings["image"], seen[0])


@pytest.mark.parametrize(("name", "start"), [("byol", 0.996), ("moco_v3", 0.99)])
def test_the_teacher_follows_along_a_cosine_and_no_gradient_reaches_it(name: str, start: float) -> None:
    method = built(name, **HEADS)
    method(views()).loss.backward()
    assert all(weight.grad is None for weight in method.teacher.parameters())
    assert method.predictor[0].weight.grad is not None
    for progress in (0.0, 0.25, 1.0):
        momentum = start + (1 - start) * (1 - math.cos(math.pi * progress)) / 2
        before = {n: w.clone() for n, w in method.teacher.net.state_dict().items() if w.is_floating_point()}
        method.after_step(progress)
        student = {**{f"encoder.{n}": w for n, w in method.encoder.state_dict().items()}}
        student |= {f"projector.{n}": w for n, w in method.projector.state_dict().items()}
        for weight, old in before.items():
            torch.testing.assert_close(method.teacher.net.state_dict()[weight], momentum * old + (1 - momentum) * student[weight])
