"""ComBat against scanpy's, and on planted batches."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.correction.plated import plates
from tests.peers import peer

from impasto.correction import CORRECTORS
from impasto.correction.combat import Combat, CombatSettings
from impasto.correction.receipt import receipt
from impasto.schema import InputError


def test_combat_equals_scanpys() -> None:
    """scanpy's ComBat (BSD): an independent implementation; its priors take variances over G, ours (as the paper) over G - 1."""
    scanpy = peer("scanpy")
    data = plates(plates=3, width=300)
    found = Combat.fit(data, CombatSettings()).transform(data)
    theirs = data.copy()
    theirs.obs["plate"] = theirs.obs["plate"].astype("category")
    theirs.X = theirs.X.astype(np.float64)
    scanpy.pp.combat(theirs, key="plate")
    np.testing.assert_allclose(found.X, theirs.X, rtol=2e-3, atol=0.03)


def test_combat_takes_a_planted_batch_out_and_refuses_what_cannot_be_told_apart() -> None:
    data = plates(plates=3, shift=4.0, width=20)
    after = Combat.fit(data, CombatSettings()).transform(data)
    balance = receipt(data, after, methods=[])
    assert balance["explained"]["plate"]["after"] < 0.02 < balance["explained"]["plate"]["before"]
    alone = data.copy()
    own = (alone.obs["plate"] == "P2").to_numpy()
    alone.obs.loc[own, "perturbation"] = "only here " + alone.obs.loc[own, "perturbation"].astype(str)
    for name, chosen in (("combat", {}), ("harmony", {"by": "plate"}), ("inverse_normal", {}), ("standardize", {"on": "all"})):
        kind = CORRECTORS[name]
        with pytest.raises(InputError, match="plate 'B2/P2' shares no perturbation or control with the others"):
            kind.fit(alone, kind.settings_class.read(chosen, where="test"))
        kind.fit(alone, kind.settings_class.read({**chosen, "confounded": True}, where="test"))
    with pytest.raises(InputError, match="the 1 rows of B2/P2 are too few, 2 are needed"):
        Combat.fit(data[: 2 * 40 + 1].copy(), CombatSettings())


def naive_combat(x: np.ndarray, batches: np.ndarray) -> np.ndarray:
    """Johnson, Li & Rabinovic 2007, steps 1 to 3 of section 3, one feature and one batch at a time, iterated to the end."""
    names, n = sorted(set(batches.tolist())), len(x)
    own = {b: x[batches == b] for b in names}
    features = range(x.shape[1])
    alpha = [sum(len(own[b]) * own[b][:, g].mean() for b in names) / n for g in features]
    sigma = [math.sqrt(sum(((own[b][:, g] - own[b][:, g].mean()) ** 2).sum() for b in names) / n) for g in features]
    out = np.empty_like(x)
    for b in names:
        z = np.array([[(row[g] - alpha[g]) / sigma[g] for g in features] for row in own[b]])
        count, gamma, delta = len(z), z.mean(axis=0), z.var(axis=0, ddof=1)
        gamma_bar, tau2 = gamma.mean(), gamma.var(ddof=1)
        v_bar, s2 = delta.mean(), delta.var(ddof=1)
        rate, shape = (v_bar**3 + v_bar * s2) / s2, (v_bar**2 + 2 * s2) / s2  # theta and lambda, by moments
        for g in features:
            shift, spread = gamma[g], delta[g]
            for _ in range(500):
                shift = (count * tau2 * gamma[g] + spread * gamma_bar) / (count * tau2 + spread)
                spread = (rate + 0.5 * sum((v - shift) ** 2 for v in z[:, g])) / (count / 2 + shape - 1)
            out[batches == b, g] = sigma[g] / math.sqrt(spread) * (z[:, g] - shift) + alpha[g]
    return out


def test_combat_is_the_paper_written_out() -> None:
    data = plates(plates=3, wells=12, controls=6, width=5)[:30].copy()  # batches of 12, 12 and 6
    expected = naive_combat(data.X.astype(np.float64), data.obs["plate"].to_numpy(dtype=str))
    found = Combat.fit(data, CombatSettings()).transform(data).X
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-3)


def test_a_feature_that_does_not_vary_stays_and_one_that_varies_alone_is_refused() -> None:
    data = plates(plates=2, width=5)
    data.X[:, 3] = 4.0
    corrected = Combat.fit(data).transform(data).X
    assert (corrected[:, 3] == 4.0).all()
    without = data[:, [0, 1, 2, 4]].copy()
    np.testing.assert_allclose(corrected[:, [0, 1, 2, 4]], Combat.fit(without).transform(without).X, rtol=1e-5)
    data.X[:, 1:] = 4.0
    with pytest.raises(InputError, match="needs two that vary within batches"):
        Combat.fit(data)
    with pytest.raises(InputError, match="there is one plate only"):
        Combat.fit(plates(plates=1))
