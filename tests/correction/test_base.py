"""The guards of every corrector: spared and held-out wells teach nothing, whoever calls `fit`; settings and tables of the right kind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from tests.correction.plated import control_rows, plates

from impasto import profiles as tables
from impasto.correction import CORRECTORS
from impasto.correction.base import Corrector, new_features, with_values
from impasto.correction.clip import Clip, ClipSettings
from impasto.correction.regulariser import separation
from impasto.correction.spared import spare_controls
from impasto.correction.sphering import Sphering, SpheringSettings
from impasto.correction.standardize import Standardize
from impasto.schema import InputError
from impasto.settings import Settings

ARMS = Path(__file__).with_name("arms.csv")
"""The perturbations of `plated` as genes on two arms."""
QUICK: dict[str, dict[str, Any]] = {"cellpaintr": {"width": 8, "depth": 1, "epochs": [1, 0, 0]}, "arm": {"arms": str(ARMS), "least": 1}}


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
def test_fit_equals_a_fit_on_the_table_without_spared_and_held_out_wells(name: str) -> None:
    data = marked(name)
    kind = CORRECTORS[name]
    chosen = kind.settings_class.read(QUICK.get(name, {}), where="test")
    allowed = (~data.obs["spared"] & (data.obs["split"] == "train")).to_numpy()
    guarded, by_hand = kind.fit(data, chosen), kind.fit(data[allowed].copy(), chosen)
    np.testing.assert_array_equal(guarded.transform(data).X, by_hand.transform(data).X)
    clean = data.copy()
    del clean.obs["spared"], clean.obs["split"]
    if name not in ("clip", "select"):  # clip learns nothing; select takes the same features here
        assert not np.array_equal(kind.fit(clean, chosen).transform(data).X, guarded.transform(data).X)


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


@pytest.mark.parametrize("settings", [{"limit": 3.0}, 3.0, SpheringSettings(), "clip"])
def test_settings_of_another_kind_are_a_sentence(settings: object) -> None:
    kind = type(settings).__name__
    with pytest.raises(InputError, match=rf"clip takes settings of class ClipSettings, not {kind}; write ClipSettings\(name=value"):
        Clip.fit(plates(), settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [np.zeros((3, 2)), "plates.parquet", None, [1, 2]])
def test_a_table_of_another_kind_is_a_sentence(given: object) -> None:
    for call in (Clip.fit, Clip.fit(plates()).transform, Clip.fit(plates()).extended):
        with pytest.raises(
            TypeError, match=f"clip takes an AnnData or a DataFrame with Metadata_ columns, not {type(given).__name__}; read"
        ):
            call(given)  # type: ignore[arg-type]


def test_frames_sparse_values_and_prefixed_columns_are_read_alike() -> None:
    data = plates()
    expected = Standardize.fit(data).transform(data).X
    frame = tables.to_frame(data)
    prefixed = data.copy()
    prefixed.obs = prefixed.obs.rename(columns=lambda c: f"Metadata_{c}")
    thin = data.copy()
    thin.X = sparse.csr_matrix(data.X)
    shuffled = frame.set_index(pd.Index(range(len(frame))[::-1]))
    for given in (frame, prefixed, thin, shuffled):
        np.testing.assert_array_equal(Standardize.fit(given).transform(given).X, expected)


def test_empty_tables_and_features_of_one_name_are_sentences() -> None:
    data = plates(plates=1)
    with pytest.raises(InputError, match="clip needs rows and features, and the table has 0 rows of 6 features"):
        Clip.fit(data[:0].copy())
    data.var_names = ["a", "b", "c", "a", "d", "e"]
    with pytest.raises(InputError, match="clip: two features are named 'a'"):
        Clip.fit(data)


def test_other_values_keep_rows_features_and_what_is_said_of_them() -> None:
    data = plates(plates=1)
    data.uns["correction"] = ["clip"]
    other = with_values(data, np.zeros(data.shape))
    assert other.X.dtype == np.float32
    assert other.obs.equals(data.obs)
    assert other.var.equals(data.var)
    assert other.uns == data.uns
    other.obs["plate"] = "other"
    assert set(data.obs["plate"]) == {"P0"}
    var = new_features("tvn", 2)
    assert with_values(data, np.zeros((40, 2)), var=var).var_names.tolist() == ["tvn_0000", "tvn_0001"]
    assert set(var["group"]) == {"embedding"}


def test_a_corrector_without_groups_has_seen_none() -> None:
    clip = Clip.fit(plates(), ClipSettings())
    assert clip.seen_in_fit() == ()
    assert clip.extended(plates(seed=1)) is clip


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
