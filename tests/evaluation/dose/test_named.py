"""Which doses are named: EC50 with its interval in words, the benchmark dose, and the band."""

from __future__ import annotations

import numpy as np
import pytest

from impasto.evaluation.dose import named
from impasto.evaluation.dose.hill import Design, Fit, Shapes
from impasto.statistics import profile

DOSES = np.geomspace(0.03, 100, 8)
AT = np.tile(np.r_[np.full(12, -1), np.arange(8)], 3)
PLATE = np.repeat([0, 1, 2], 20)


def _fit(*, ec50: float, span: float, noise: float = 0.3, slope: float = 1.5) -> Fit:
    rng = np.random.default_rng(0)
    curve = np.where(AT >= 0, span / (1 + (ec50 / DOSES[AT]) ** slope), 0.0) + noise * rng.normal(size=len(AT))
    return Fit.of(Design.of(Shapes.of(DOSES), AT, PLATE), curve - np.array([curve[p == PLATE].mean() for p in range(3)])[PLATE])


def test_an_ec50_within_the_doses_has_both_ends() -> None:
    at = named.ec50(_fit(ec50=1.0, span=5.0))
    assert at.low < 1.0 < at.high
    assert at.value == pytest.approx(1.0, rel=0.4)
    assert at.words == f"{at.value:.2g} [{at.low:.2g}, {at.high:.2g}]"
    # The ends are those of the profile.
    fit = _fit(ec50=1.0, span=5.0)
    assert (at.low, at.high) == pytest.approx(tuple(np.exp(profile.by_f(fit.design.shapes.log_ec50, fit.profile, df=60 - 3 - 3))))


def test_nothing_is_named_beyond_the_doses() -> None:
    above = named.ec50(_fit(ec50=600.0, span=30.0, noise=0.05))
    assert np.isnan(above.value)
    assert above.high == np.inf
    assert above.words == f"> 100 [{above.low:.2g}, > 100]"
    assert named._words(600.0, 150.0, np.inf, 0.03, 100.0) == "> 100"
    below = named.ec50(_fit(ec50=0.005, span=5.0))
    assert np.isnan(below.value)
    assert below.low == 0.0
    assert below.words.startswith("< 0.03")
    half = named.ec50(_fit(ec50=60.0, span=3.0))
    assert half.high == np.inf
    assert half.words.endswith(", > 100]")


def test_the_benchmark_dose_lies_on_the_curve() -> None:
    fit = _fit(ec50=1.0, span=5.0)
    at = named.benchmark_dose(fit, 1.349)
    middle, slope = fit.design.shapes.parameters(fit.best)
    assert fit.span * at**slope / (middle**slope + at**slope) == pytest.approx(1.349 * fit.residual_sd)
    assert np.isnan(named.benchmark_dose(fit, 5.1 / fit.residual_sd))
    # The curve passes it at no dose that was tried.
    assert np.isnan(named.benchmark_dose(_fit(ec50=600.0, span=30.0, noise=0.05), 29 / 0.05))
    # At the lowest dose it has been passed already.
    assert named.benchmark_dose(_fit(ec50=0.005, span=5.0), 1.349) == DOSES[0]
    assert np.isnan(named.benchmark_dose(_fit(ec50=1.0, span=-5.0), 1.349))


def test_the_band_holds_every_curve_within_the_limit() -> None:
    fit = _fit(ec50=1.0, span=5.0)
    at = np.array([0.1, 1.0, 30.0])
    curve, low, high = named.band(fit, at)
    most, sd = profile.limit(float(fit.rss.min()), fit.design.df), fit.residual_sd
    lowest, highest = np.full(3, np.inf), np.full(3, -np.inf)
    for number in range(len(fit.rss)):
        if fit.rss[number] <= most:
            middle, slope = fit.design.shapes.parameters(number)
            shape = at**slope / (middle**slope + at**slope)
            for side in (-1, 1):
                span = fit.spans[number] + side * np.sqrt((most - fit.rss[number]) / fit.design.weight[number])
                lowest, highest = np.minimum(lowest, span * shape / sd), np.maximum(highest, span * shape / sd)
    np.testing.assert_allclose(low, lowest)
    np.testing.assert_allclose(high, highest)
    assert ((low < curve) & (curve < high)).all()
    middle, slope = fit.design.shapes.parameters(fit.best)
    np.testing.assert_allclose(curve, fit.span / sd * at**slope / (middle**slope + at**slope))
