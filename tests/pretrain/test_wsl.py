"""WSL written out: the cross entropy of each anchor's perturbation."""

from __future__ import annotations

import math

import pytest
from tests.pretrain.small import built, rows_of, standardised, views


def test_the_loss_is_the_cross_entropy_of_the_perturbation_of_the_anchor() -> None:
    method, shown = built("wsl"), views()
    method.eval()
    scores = rows_of(method.classifier(method.encoder.represent(standardised(shown.anchor))))
    smoothing = float(getattr(method, "smoothing", 0.0))
    total = 0.0
    for row, own in zip(scores, shown.group.tolist(), strict=True):
        log_p = [s - math.log(sum(map(math.exp, row))) for s in row]
        total -= (1 - smoothing) * log_p[own] + smoothing * sum(log_p) / len(log_p)
    assert float(next(iter(method(shown).terms.values())).detach()) == pytest.approx(total / len(scores), rel=1e-9)
