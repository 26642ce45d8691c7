"""The wells that teach a corrector: never those held out, and spared controls as treated wells that do nothing, whoever calls `fit`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import anndata
import numpy as np
import pytest
from tests.correction.plated import EXTRAS, control_rows, plates

from impasto import profiles as tables
from impasto.correction import CORRECTORS
from impasto.correction.base import Corrector, with_values
from impasto.correction.clip import ClipSettings
from impasto.correction.combat import Combat
from impasto.correction.regulariser import separation
from impasto.correction.spared import spare_controls
from impasto.correction.sphering import Sphering, SpheringSettings
from impasto.correction.standardize import Standardize
from impasto.correction.steps import correct
from impasto.schema import InputError
from impasto.settings import Settings

ARMS = Path(__file__).with_name("arms.csv")
"""The perturbations of `plated` as genes on two arms."""
QUICK: dict[str, dict[str, Any]] = {
    "cellpaintr": {"width": 8, "depth": 1, "epochs": [1, 0, 0]},
    "arm": {"arms": str(ARMS), "least": 1},
    "scvi": {"width": 2, "epochs": 1, "by": "plate"},
    "scanorama": {"by": "plate", "neighbours": 5},
}


def marked(name: str) -> anndata.AnnData:
    """Three plates: half of the controls spared, a third of the treated wells held out; both far from all others."""
    data = spare_controls(plates(width=8), share=0.5, seed=0)
    data.obs["split"] = "train"
    held = np.flatnonzero(~control_rows(data))[::3]
    data.obs.iloc[held, data.obs.columns.get_loc("split")] = "test"
    data.X[data.obs["spared"].to_numpy() | (data.obs["split"] == "test").to_numpy()] += 40
    if name == "inverse_normal":
        data.X += np.random.default_rng(0).normal(size=data.shape).astype(np.float32)
    return data


@pytest.mark.parametrize("name", CORRECTORS.names())
def test_fit_equals_a_fit_on_the_table_without_the_wells_that_teach_nothing(name: str) -> None:
    if name in EXTRAS:
        pytest.importorskip(name, reason=f"the extra {name}")
    data = marked(name)
    kind = CORRECTORS[name]
    chosen = kind.settings_class.read(QUICK.get(name, {}), where="test")
    train, spared = (data.obs["split"] == "train").to_numpy(), data.obs["spared"].to_numpy()
    allowed = train & (~spared | (name in {*ALIKE, *EXTRAS}))
    guarded, by_hand = kind.fit(data, chosen), kind.fit(data[allowed].copy(), chosen)
    np.testing.assert_array_equal(guarded.transform(data).X, by_hand.transform(data).X)
    clean = data.copy()
    del clean.obs["spared"], clean.obs["split"]
    if name not in ("clip", "select"):  # clip learns nothing; select takes the same features here
        assert not np.array_equal(kind.fit(clean, chosen).transform(data).X, guarded.transform(data).X)


ALIKE = {"combat", "compress", "harmony", "inverse_normal", "position"}
"""The methods whose defaults learn from all wells, whatever was done to them."""
ALIKE_BY_CHOICE: list[tuple[str, dict[str, Any]]] = [
    ("standardize", {"on": "all"}),
    ("sphering", {"on": "all"}),
    ("tvn", {"on": "all"}),
]


@pytest.mark.parametrize(("name", "told"), [*((name, {}) for name in sorted(ALIKE)), *ALIKE_BY_CHOICE])
def test_where_all_wells_teach_alike_a_spared_control_teaches_as_a_treated_well(name: str, told: dict[str, Any]) -> None:
    data = marked(name)
    kind = CORRECTORS[name]
    chosen = kind.settings_class.read(told, where="test")
    assert kind.learns_from(chosen) == "wells"
    treated = data.copy()
    spared = treated.obs.pop("spared").to_numpy()
    treated.obs.loc[spared, "control_type"] = "trt"
    treated.obs.loc[spared, "perturbation"] = [f"inert {well}" for well in treated.obs["well"][spared]]
    np.testing.assert_array_equal(kind.fit(data, chosen).transform(data).X, kind.fit(treated, chosen).transform(data).X)
    # Of which kind a well is changes nothing at all, for wells that are in the fit and for new plates.
    new = plates(plates=4, width=8, seed=1)
    np.testing.assert_array_equal(
        kind.fit(data, chosen).extended(new).transform(new).X, kind.fit(treated, chosen).extended(new).transform(new).X
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("compress", {"on": "controls"}),
        ("kernel_pca", {}),
        ("position", {"on": "controls"}),
        ("sphering", {}),
        ("sphering", {"on": "controls", "by": "plate"}),
        ("standardize", {}),
        ("tvn", {}),
        ("cellpaintr", QUICK["cellpaintr"]),
        ("arm", QUICK["arm"]),
    ],
)
def test_what_asks_for_controls_never_sees_a_spared_one(name: str, told: dict[str, Any]) -> None:
    data = marked(name)
    kind = CORRECTORS[name]
    chosen = kind.settings_class.read(told, where="test")
    assert kind.learns_from(chosen) == "controls"
    moved = data.copy()
    moved.X[data.obs["spared"].to_numpy()] -= 17
    one, other = kind.fit(data, chosen), kind.fit(moved, chosen)
    np.testing.assert_array_equal(one.transform(data).X, other.transform(data).X)


def test_a_chain_has_a_step_of_each_kind_and_each_keeps_its_own_rule() -> None:
    data = spare_controls(plates(width=8), share=0.5, seed=0)
    after, (sphering, _), _ = correct(data, ["sphering", "combat"])
    spared = data.obs["spared"].to_numpy()
    without = data[~spared].copy()
    alone = Sphering.fit(without)
    np.testing.assert_array_equal(sphering.transform(data).X, alone.transform(data).X)
    white = alone.transform(data)
    del white.obs["spared"]
    np.testing.assert_array_equal(after.X, Combat.fit(white).transform(white).X)
    assert not np.array_equal(after.X, Combat.fit(white[~spared].copy()).transform(white).X)
    # The other way round the sphering never sees what ComBat made of spared wells.
    both, (first, second), _ = correct(data, ["combat", "sphering"])
    np.testing.assert_array_equal(second.transform(first.transform(data)).X, both.X)
    np.testing.assert_array_equal(second.learned[""].mean, Sphering.fit(first.transform(without)).learned[""].mean)


@pytest.mark.parametrize("name", sorted(ALIKE))
def test_a_plate_that_is_held_out_as_a_whole_is_learned_with_its_spared_controls_where_all_teach_alike(name: str) -> None:
    data = spare_controls(plates(width=8, plates=4), share=0.5, seed=0)
    data.obs["split"] = np.where(data.obs["plate"] == "P3", "test", "train")
    kind = CORRECTORS[name]
    chosen = kind.settings_class.read({"by": "plate"} if name == "harmony" else {}, where="test")
    fitted = kind.fit(data, chosen)
    own = data[(data.obs["plate"] == "P3").to_numpy()].copy()
    plain = own.copy()
    del plain.obs["spared"]
    for wider in (fitted.extended(data), fitted.with_plate(own)):
        np.testing.assert_array_equal(wider.transform(own).X, fitted.extended(plain).transform(own).X)


def test_the_search_for_a_regulariser_asks_for_controls_and_never_for_spared_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    data = spare_controls(plates(width=8), share=0.5, seed=0)
    spared = data.obs["spared"].to_numpy(dtype=bool)
    asked: list[list[str]] = []

    def search(profiles: anndata.AnnData, fit: Any, /) -> float:
        asked.append(profiles.obs_names.tolist())
        chosen = spare_controls(profiles, share=0.5, seed=1)
        # What the search spares teaches the candidates nothing.
        moved = chosen.copy()
        moved.X[chosen.obs["spared"].to_numpy()] += 9
        np.testing.assert_array_equal(fit(chosen, 0.3).learned[""].mean, fit(moved, 0.3).learned[""].mean)
        return 0.3

    monkeypatch.setattr("impasto.correction.sphering.search", search)
    fitted = Sphering.fit(data, SpheringSettings(on="all", regulariser="search"))
    assert asked == [data.obs_names[~spared].tolist()]
    assert fitted.settings.regulariser == 0.3
    # All wells become white, the spared ones too.
    np.testing.assert_array_equal(fitted.learned[""].mean, Sphering.fit(data, SpheringSettings(on="all", regulariser=0.3)).learned[""].mean)
    np.testing.assert_allclose(fitted.learned[""].mean, data.X.mean(axis=0), rtol=1e-5)


def test_the_score_of_sphering_against_spared_controls_is_that_of_a_fit_without_them() -> None:
    data = spare_controls(plates(plates=3, wells=60, controls=40, width=40), share=0.5, seed=0)
    chosen = SpheringSettings(regulariser=0.01)
    without = data[~data.obs["spared"].to_numpy()].copy()
    scores = [separation(Sphering.fit(given, chosen).transform(data)) for given in (data, without)]
    assert scores[0] == scores[1]
    unguarded = data.copy()
    unguarded.obs["spared"] = False
    assert separation(Sphering.fit(unguarded, chosen).transform(data)) != scores[0]


def test_a_held_out_plate_is_extended_from_its_own_wells_that_are_not_spared() -> None:
    data = spare_controls(plates(), share=0.5, seed=0)
    data.obs["split"] = np.where(data.obs["plate"] == "P2", "test", "train")
    fitted = Standardize.fit(data)
    assert fitted.seen_in_fit() == ("B0/P0", "B1/P1")
    wider = fitted.extended(data)
    own = data.X[control_rows(data, "P2") & ~data.obs["spared"].to_numpy()].astype(np.float64)
    np.testing.assert_allclose(wider.learned["B2/P2"].centre, np.median(own, axis=0))
    assert wider.learned["B0/P0"] is fitted.learned["B0/P0"]


def test_nothing_left_to_learn_from_is_a_sentence() -> None:
    data = plates(plates=1)
    data.obs["split"] = "test"
    with pytest.raises(InputError, match="standardize: no row is left to learn from: of 40 rows 0 are spared controls and 40 are held out"):
        Standardize.fit(data)


@dataclass(frozen=True, kw_only=True)
class Shift(Corrector[ClipSettings]):
    """A corrector of somebody's own: takes the mean of all rows off."""

    name: ClassVar[str] = "shift"
    settings_class: ClassVar[type[Settings]] = ClipSettings
    settings: ClipSettings
    mean: np.ndarray

    @classmethod
    def learn_table(cls, profiles: anndata.AnnData, settings: ClipSettings, /) -> Self:
        return cls(settings=settings, mean=tables.dense(profiles).mean(axis=0))

    def apply_table(self, profiles: anndata.AnnData, /) -> anndata.AnnData:
        return with_values(profiles, tables.dense(profiles) - self.mean)


def test_a_corrector_of_ones_own_has_the_guards_too() -> None:
    data = marked("shift")
    allowed = (~data.obs["spared"] & (data.obs["split"] == "train")).to_numpy()
    np.testing.assert_allclose(Shift.fit(data).mean, data.X[allowed].mean(axis=0))
