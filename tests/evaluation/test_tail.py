from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from impasto.evaluation.tail import TailTest, soft


def made(
    seed: int = 0, *, plates: int = 2, controls: int = 9, treated: int = 2, share: float = 0.0
) -> tuple[list[np.ndarray], dict[int, np.ndarray], list[tuple[int, int]]]:
    """Wells of cells in five components; `treated` wells a plate in which a share of the cells lies 4 away in one direction."""
    rng = np.random.default_rng(seed)
    direction = np.array([0.6, 0.0, -0.8, 0.0, 0.0])
    cells, of_controls, members = [], {}, []
    for plate in range(plates):
        rows = []
        for well in range(controls + treated):
            own = rng.normal(size=(int(rng.integers(40, 70)), 5))
            if well >= controls:
                own[rng.random(len(own)) < share] += 4 * direction
                members.append((plate, len(cells)))
            else:
                rows.append(len(cells))
            cells.append((own - np.median(own, axis=0)).astype(np.float16))
        of_controls[plate] = np.array(rows)
    return cells, of_controls, members


def oracle(cells: list[np.ndarray], controls: dict[int, list[int]], members: list[tuple[int, int]]) -> tuple[float, float]:
    """T and share, line by line, with the controls that judge."""
    wide = [c.astype(float) for c in cells]
    middle = [np.array([[math.copysign(max(abs(v) - 1.5, 0), v) for v in cell] for cell in own]).mean(axis=0) for own in wide]
    parts = []
    for plate, row in members:
        if len(members) == 1:
            halves = [(wide[row][half::2], wide[row][1 - half :: 2]) for half in (0, 1)]
            directions = [
                (np.sign(a) * np.maximum(np.abs(a) - 1.5, 0)).mean(axis=0) - np.mean([middle[c] for c in controls[plate]], axis=0)
                for a, _ in halves
            ]
            cases = [(d, b) for d, (_, b) in zip(directions, halves, strict=True)]
        else:
            others = [middle[r] - np.mean([middle[c] for c in controls[p]], axis=0) for p, r in members if r != row]
            cases = [(np.sum(others, axis=0), wide[row])]
        for direction, own in cases:
            u = direction / np.linalg.norm(direction)
            cut = np.quantile(np.concatenate([wide[c] @ u for c in controls[plate]]), 0.95)
            g = [math.asin(math.sqrt((wide[c] @ u > cut).mean())) for c in controls[plate]]
            e, usual = (own @ u > cut).mean(), np.mean([(wide[c] @ u > cut).mean() for c in controls[plate]])
            parts.append(((math.asin(math.sqrt(e)) - np.mean(g)) / (np.std(g, ddof=1) + 0.01), (e - usual) / (1 - usual)))
    return sum(t for t, _ in parts) / math.sqrt(len(parts)), float(np.mean([r for _, r in parts]))


@pytest.mark.parametrize(("plates", "treated"), [(2, 2), (2, 1), (1, 3), (1, 1)])
def test_statistic_and_share_are_those_of_the_definition(plates: int, treated: int) -> None:
    cells, controls, members = made(1, plates=plates, treated=treated, share=0.2)
    statistic, share = TailTest(cells, controls).score(members, {})
    expected = oracle(cells, {p: list(c) for p, c in controls.items()}, members)
    assert (statistic, share) == pytest.approx(expected, rel=1e-4)


def test_the_null_plays_every_choice_of_controls_and_leaves_them_out_of_what_judges() -> None:
    cells, controls, members = made(2, plates=1, treated=2)
    answer = TailTest(cells, controls).test(members)
    observed = oracle(cells, {0: list(controls[0])}, members)[0]
    null = []
    for players in itertools.combinations(controls[0], 2):
        judges = {0: [c for c in controls[0] if c not in players]}
        null.append(oracle(cells, judges, [(0, c) for c in players])[0])
    assert len(null) == answer.layouts == 36
    assert answer.p == pytest.approx((1 + sum(t >= observed - 1e-9 for t in null)) / 37)


def test_drawn_layouts_are_distinct_and_one_plate_of_one_well_has_as_many_as_controls() -> None:
    cells, controls, members = made(3, plates=2, treated=2)
    test = TailTest(cells, controls, layouts=50)
    drawn = list(test._layouts(((0, 2), (1, 2)), 36 * 36))
    assert len(drawn) == len(set(drawn)) == 50
    alone = TailTest(cells, controls).test(members[:1])
    assert alone.layouts == 9
    assert round(alone.p * 10) == pytest.approx(alone.p * 10)  # tenths: nine layouts and itself


def test_planted_responders_are_called_and_their_share_is_a_lower_bound() -> None:
    cells, controls, members = made(4, plates=3, treated=1, share=0.3)
    answer = TailTest(cells, controls).test(members)
    assert answer.p < 0.01
    assert 0.15 < answer.share < 0.3
    beyond = [(score > cut).mean() for _, score, cut in TailTest(cells, controls).responders(members)]
    assert all(share > 0.2 for share in beyond)


def test_two_controls_must_be_left_to_judge() -> None:
    cells, controls, members = made(5, plates=1, controls=3, treated=2)
    assert math.isnan(TailTest(cells, controls).test(members).p)
    assert not math.isnan(TailTest(cells, controls).test(members[:1]).p)


def test_soft_keeps_only_what_is_beyond() -> None:
    np.testing.assert_allclose(soft(np.array([-3.0, -1.5, 0, 1.6])), [-1.5, 0, 0, 0.1])
