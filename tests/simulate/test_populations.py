from __future__ import annotations

import numpy as np

from impasto.simulate.populations import Screen, screen


def test_a_screen_has_the_wells_and_responders_that_were_asked_for() -> None:
    plan = Screen(plates=2, controls=3, wells_a_plate=2, cells=400, share=0.2, features=12)
    made = screen(("inert", "part", "whole"), plan, seed=0)
    assert len(made.wells) == len(made.values) == 2 * (3 + 6)
    assert made.wells.groupby("perturbation").size().to_dict() == {"DMSO": 6, "p000": 4, "p001": 4, "p002": 4}
    assert (made.wells["control_type"] == "negcon").sum() == 6
    assert not made.wells.duplicated(["plate", "well"]).any()
    for name, values, flags in zip(made.wells["perturbation"], made.values, made.responds, strict=True):
        assert values.shape == (len(flags), 12)
        assert (0.1 < flags.mean() < 0.3) if name == "p001" else not flags.any()


def test_the_seed_says_all_numbers() -> None:
    first, second, other = (screen(("part",), Screen(plates=1, controls=2, cells=30), seed=s) for s in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first.values, second.values, strict=True))
    assert not np.array_equal(first.values[0], other.values[0])


def test_responders_lie_apart_and_the_others_do_not() -> None:
    made = screen(("part",), Screen(plates=1, controls=20, cells=500, share=0.3, size=5, well=0.0, cycle=0.0), seed=4)
    values, flags = made.values[-1], made.responds[-1]
    controls = np.concatenate(made.values[:-1])
    scale = controls.std(axis=0)
    apart = np.abs((values[flags].mean(axis=0) - controls.mean(axis=0)) / scale).max()
    others = np.abs((values[~flags].mean(axis=0) - controls.mean(axis=0)) / scale).max()
    assert apart > 0.8 > 3 * others


def test_plates_are_shifted_by_half_a_sd_and_scaled_by_a_tenth() -> None:
    made = screen((), Screen(plates=60, controls=3, cells=200, features=12, well=0.0, cycle=0.0), seed=5)
    of_plate = [np.concatenate(made.values[3 * plate : 3 * plate + 3]) for plate in range(60)]
    means, spreads = (np.array([call(values, axis=0) for values in of_plate]) for call in (np.mean, np.std))
    assert 0.4 < means.std(axis=0).mean() < 0.65
    assert 0.07 < np.median(np.log(spreads).std(axis=0)) < 0.14
