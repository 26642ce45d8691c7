"""The teacher is the moving average of its student, at a momentum that goes from start to end."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from impasto.nets.teacher import Teacher, momentum_at


def test_a_teacher_is_the_moving_average() -> None:
    student = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    teacher = Teacher(student)
    before = {k: v.clone() for k, v in teacher.state_dict().items()}
    assert not any(p.requires_grad for p in teacher.parameters())
    changed = copy.deepcopy(student)
    with torch.no_grad():
        for p in changed.parameters():
            p.add_(1.0)
    changed(torch.randn(8, 3))
    teacher.follow(changed, momentum=0.9)
    for name, value in changed.state_dict().items():
        mine = teacher.state_dict()[f"net.{name}"]
        if value.is_floating_point():
            torch.testing.assert_close(mine, 0.9 * before[f"net.{name}"] + 0.1 * value)
        else:
            assert torch.equal(mine, value)


def test_momentum_goes_from_start_to_end() -> None:
    assert [momentum_at(p, start=0.996) for p in (0.0, 0.5, 1.0)] == pytest.approx([0.996, 0.998, 1.0])
    assert [momentum_at(p, start=0.99, shape="cosine") for p in (0.0, 0.5, 1.0)] == pytest.approx([0.99, 0.995, 1.0])
    assert momentum_at(0.25, start=0.9, shape="cosine") < momentum_at(0.25, start=0.9)
