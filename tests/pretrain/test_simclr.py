"""SimCLR written out: two views among all views of the minibatch, at the temperature of the settings."""

from __future__ import annotations

import math

import pytest
from tests.pretrain.small import built, dot, rows_of, standardised, unit, views


@pytest.mark.parametrize("temperature", [0.1, 0.7])
def test_each_view_finds_its_other_view_among_all(temperature: float) -> None:
    method, shown = built("simclr", hidden=8, out=6, temperature=temperature), views()
    first = rows_of(method.head(method.encoder.represent(standardised(shown.anchor))))
    second = rows_of(method.head(method.encoder.represent(standardised(shown.target))))
    all_views = [unit(row) for row in first + second]
    total = 0.0
    for i, view in enumerate(all_views):
        partner = (i + len(first)) % len(all_views)
        scores = {k: dot(view, other) / temperature for k, other in enumerate(all_views) if k != i}
        total += math.log(sum(map(math.exp, scores.values()))) - scores[partner]
    assert float(method(shown).terms["nt_xent"].detach()) == pytest.approx(total / len(all_views), rel=1e-9)
