"""MSN written out: every anchor view against the sharpened teacher of the target; the two weights; which encoder is kept."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from tests.pretrain.small import built, dot, rows_of, standardised, unit, views

HEADS = {"prototypes": 7, "out": 6, "hidden": 8, "norm": "layer"}


def softmax(scores: list[float]) -> list[float]:
    powers = [math.exp(s) for s in scores]
    return [p / sum(powers) for p in powers]


def test_the_terms_and_their_weights() -> None:
    method = built("msn", match_weight=2.0, entropy_weight=0.25, temperature=0.2, sharpening=0.5, drop=0.25, **HEADS)
    shown = views(focal=2)
    wanted = [unit(row) for row in rows_of(method.prototypes)]
    order = [sorted(range(16), key=lambda k, r=row: float(shown.noise[r, k])) for row in range(5)]
    keep = torch.tensor([sorted(o[:12]) for o in order])
    seen = [method.encoder.represent(standardised(shown.anchor), keep)]
    seen += [method.encoder.represent(standardised(shown.focal[:, view])) for view in range(2)]
    anchors = [[softmax([dot(unit(row), p) / 0.2 for p in wanted]) for row in rows_of(method.head(rows))] for rows in seen]
    teacher = method.teacher.net
    theirs = rows_of(teacher["head"](teacher["encoder"].represent(standardised(shown.target))))
    targets = [softmax([dot(unit(row), p) / 0.2 / 0.5 for p in wanted]) for row in theirs]
    match = sum(-t * math.log(p) for view in anchors for row, mine in enumerate(view) for t, p in zip(targets[row], mine, strict=True)) / 15
    mean = [sum(row[k] for view in anchors for row in view) / 15 for k in range(7)]
    gap = math.log(7) + sum(p * math.log(p) for p in mean)
    step = method(shown)
    assert float(step.terms["match"].detach()) == pytest.approx(2.0 * match, rel=1e-6)
    assert float(step.terms["mean_entropy_gap"].detach()) == pytest.approx(0.25 * gap, rel=1e-6)
    torch.testing.assert_close(step.embeddings["image"], seen[0])
    assert method.backbone() is teacher["encoder"]


def test_the_anchors_entropy_is_a_term_where_it_is_asked_for() -> None:
    shown = views(focal=1)
    plain, sure = (built("msn", anchor_entropy_weight=weight, drop=0.0, **HEADS)(shown) for weight in (0.0, 0.5))
    assert set(plain.terms) == {"match", "mean_entropy_gap"}
    method = built("msn", drop=0.0, **HEADS)
    wanted = [unit(row) for row in rows_of(method.prototypes)]
    seen = [method.encoder.represent(standardised(shown.anchor)), method.encoder.represent(standardised(shown.focal[:, 0]))]
    answers = [softmax([dot(unit(row), p) / 0.1 for p in wanted]) for rows in seen for row in rows_of(method.head(rows))]
    entropy = -sum(p * math.log(p) for answer in answers for p in answer) / len(answers)
    assert float(sure.terms["anchor_entropy"].detach()) == pytest.approx(0.5 * entropy, rel=1e-6)
    assert sure.uniform == {"match": pytest.approx(math.log(7))}


def test_anchors_show_only_the_channels_that_were_drawn() -> None:
    method = built("msn", drop=0.25, encoder={"name": "channel_vit", "patch": 8, "width": 12, "depth": 1, "heads": 2}, **HEADS)
    whole = views(focal=2)
    noise = torch.rand(5, 32, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    shown = torch.tensor([[True, False], [False, True], [True, True], [True, False], [False, True]])
    sampled = dataclasses.replace(whole, noise=noise, shown=shown)
    other = torch.where(shown[:, :, None, None], whole.anchor, torch.rand_like(whole.anchor))  # only what is hidden is another
    focal = torch.where(shown[:, None, :, None, None], whole.focal, torch.rand_like(whole.focal))
    first, second = method(sampled), method(dataclasses.replace(sampled, anchor=other, focal=focal))
    torch.testing.assert_close(first.loss, second.loss)
    plain = dataclasses.replace(sampled, shown=None)
    assert not torch.allclose(method(plain).loss, first.loss)
    torch.testing.assert_close(method(plain).loss, method(dataclasses.replace(sampled, shown=torch.ones(5, 2, dtype=torch.bool))).loss)


def test_the_momentum_goes_from_its_start_to_its_end_along_a_line() -> None:
    method = built("msn", momentum=0.9, momentum_end=0.98, **HEADS)
    name = next(name for name, _ in method.encoder.named_parameters())
    for progress, momentum in ((0.0, 0.9), (0.5, 0.94), (1.0, 0.98)):
        before = method.teacher.net["encoder"].state_dict()[name].clone()
        method.after_step(progress)
        expected = momentum * before + (1 - momentum) * method.encoder.state_dict()[name]
        torch.testing.assert_close(method.teacher.net["encoder"].state_dict()[name], expected)
