"""ComBat against scanpy's, and on planted batches."""

from __future__ import annotations

import numpy as np
import pytest
from tests.correction.plated import plates

from impasto import correction
from impasto.correction.combat import Combat, CombatSettings
from impasto.correction.receipt import receipt
from impasto.schema import InputError


def test_combat_equals_scanpys() -> None:
    """scanpy's ComBat (BSD): an independent implementation; its priors take variances over G, ours (as the paper) over G - 1."""
    scanpy = pytest.importorskip("scanpy")
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
    told = receipt(data, after, methods=[])
    assert told["explained"]["plate"]["after"] < 0.02 < told["explained"]["plate"]["before"]
    alone = data.copy()
    own = (alone.obs["plate"] == "P2").to_numpy()
    alone.obs.loc[own, "perturbation"] = "only here " + alone.obs.loc[own, "perturbation"].astype(str)
    for name, chosen in (("combat", {}), ("harmony", {"by": "plate"}), ("inverse_normal", {}), ("standardize", {"on": "all"})):
        kind = correction.corrector(name)
        with pytest.raises(InputError, match="plate 'P2' shares no perturbation or control with the others"):
            kind.fit(alone, kind.settings_class.read(chosen, where="test"))
        kind.fit(alone, kind.settings_class.read({**chosen, "confounded": True}, where="test"))
    with pytest.raises(InputError, match="has one row"):
        Combat.fit(data[: 2 * 40 + 1].copy(), CombatSettings())
