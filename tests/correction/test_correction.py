"""What every corrector must keep to: its input stays, new rows are corrected alike, new plates are learned from their own rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.correction.plated import EXTRAS, plates

from impasto.correction import CORRECTORS
from impasto.correction.base import Corrector
from impasto.correction.receipt import receipt
from impasto.correction.sphering import Sphering, SpheringSettings
from impasto.correction.standardize import Standardize, StandardizeSettings
from impasto.correction.tvn import Tvn
from impasto.schema import InputError
from impasto.settings import Settings


@pytest.mark.parametrize("name", CORRECTORS.names())
def test_what_is_given_is_not_changed_and_new_rows_of_known_plates_are_corrected_alike(name: str) -> None:
    if name in EXTRAS:
        pytest.importorskip(name, reason=f"the extra {name}")
    data = plates()
    before = data.X.copy()
    kind: type[Corrector] = CORRECTORS[name]
    needed = {"arms": Path(__file__).with_name("arms.csv"), "least": 1} if name == "arm" else {}
    chosen: Settings = kind.settings_class(**needed)
    fitted = kind.fit(data, chosen)
    whole = fitted.transform(data)
    np.testing.assert_array_equal(data.X, before)
    some = data[::3].copy()
    np.testing.assert_allclose(fitted.transform(some).X, whole.X[::3], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["combat", "harmony", "inverse_normal", "kernel_pca", "position", "standardize", "tvn"])
def test_a_new_plate_is_learned_from_its_own_rows_and_changes_nothing_else(name: str) -> None:
    """Fitted on two plates, extended by a third: the first two come out as before, the third loses its plate effect too."""
    data = plates(shift=5.0, width=20)
    third = (data.obs["plate"] == "P2").to_numpy()
    kind = CORRECTORS[name]
    chosen = kind.settings_class.read({"by": "plate"} if "by" in kind.settings_class.model_fields else {}, where="test")
    fitted = kind.fit(data[~third].copy(), chosen)
    wider = fitted.extended(data)
    assert set(wider.seen_in_fit()) - set(fitted.seen_in_fit()) == {"B2/P2"}
    np.testing.assert_array_equal(wider.transform(data).X[~third], fitted.transform(data[~third].copy()).X)
    if name != "position":  # a plate's common level is no row or column effect
        after = receipt(data, wider.transform(data), methods=[])
        assert after["explained"]["plate"]["after"] < 0.25 * after["explained"]["plate"]["before"]


@pytest.mark.parametrize("kind", [Standardize, Tvn])
def test_plates_without_controls_and_unknown_plates_are_sentences(kind: type[Corrector]) -> None:
    data = plates()
    fitted = kind.fit(data, kind.settings_class())
    other = data.copy()
    other.obs["plate"] = "new"
    with pytest.raises(InputError, match="was fitted on B0/P0, B1/P1, B2/P2, not on 'B0/new'"):
        fitted.transform(other)
    data.obs.loc[data.obs["plate"] == "P1", "control_type"] = "trt"
    with pytest.raises(InputError, match="the 40 rows of B1/P1 hold 0 negative controls"):
        kind.fit(data, kind.settings_class())


def test_missing_values_and_flat_references_are_sentences() -> None:
    data = plates(plates=1)
    data.X[3, 2] = np.nan
    with pytest.raises(InputError, match=r"1 features hold missing or infinite values \(first: Cells_Texture_Contrast2_DNA\)"):
        Standardize.fit(data, StandardizeSettings())
    data.X[:] = 1.0
    with pytest.raises(InputError, match="do not vary at all"):
        Sphering.fit(data, SpheringSettings())
    with pytest.raises(InputError, match="unknown correction method 'spherring'"):
        CORRECTORS["spherring"]


DEFAULTS: dict[str, dict[str, object]] = {
    "impasto.correction.arm": {"arms": None, "on": "all", "least": 5},
    "impasto.correction.cellpaintr.corrector": {
        "run": None,
        "by": "auto",
        "source": "token",
        "tokens": "group",
        "width": 256,
        "depth": 2,
        "new_epochs": 10,
        "seed": 0,
        "epochs": [10, 10, 20],
        "lr": [1e-3, 3e-4, 3e-4],
        "minibatch": [64, 64, 128],
        "top_features": 0,
    },
    "impasto.correction.clip": {"limit": 10.0},
    "impasto.correction.combat": {"by": "plate", "confounded": False},
    "impasto.correction.compress": {"components": 64, "power": 0.5, "on": "all"},
    "impasto.correction.harmony": {
        "by": "batch",
        "clusters": None,
        "sigma": 0.1,
        "theta": 2.0,
        "ridge": 1.0,
        "rounds": 10,
        "confounded": False,
        "seed": 0,
    },
    "impasto.correction.inverse_normal": {"by": "plate", "confounded": False},
    "impasto.correction.kernel_pca": {"by": "plate", "kernel": "linear", "components": None},
    "impasto.correction.position": {"on": "all", "least": 4, "turns": 10},
    "impasto.correction.scanorama": {"by": "batch", "width": 100, "neighbours": 20, "sigma": 15.0, "alpha": 0.1},
    "impasto.correction.scvi": {"by": "batch", "width": 30, "epochs": 50, "seed": 0},
    "impasto.correction.select": {
        "missing": 0.05,
        "variance": 1e-6,
        "correlation": 0.9,
        "block": "Nuclei_Correlation_RWC|_Manders_|Granularity_1[4-6]_",
    },
    "impasto.correction.sphering": {"by": None, "on": "controls", "form": "ZCA-cor", "regulariser": 0.1},
    "impasto.correction.standardize": {"by": "plate", "on": "controls", "statistic": "median", "confounded": False},
    "impasto.correction.tvn": {"by": "plate", "on": "controls", "ridge": 0.5, "components": None, "coral": "aligned"},
}


def test_what_a_step_leaves_out_is_as_documented() -> None:
    """Numbers of every correction that says nothing else: one that moves moves the profiles of everybody."""
    found = {CORRECTORS[name].__module__: CORRECTORS[name].settings_class().model_dump() for name in CORRECTORS.names()}
    assert found == {module: {"method": found[module]["method"], **chosen} for module, chosen in DEFAULTS.items()}
