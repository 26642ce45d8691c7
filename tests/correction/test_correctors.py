"""Correctors against naive float64 versions, scikit-learn and pycytominer's definitions; fit on some plates, apply to others."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto import correction
from impasto.correction import kept
from impasto.correction.clip import Clip, ClipSettings
from impasto.correction.combat import Combat, CombatSettings
from impasto.correction.fitted import Corrector
from impasto.correction.inverse_normal import InverseNormal, InverseNormalSettings
from impasto.correction.position import Position, PositionSettings
from impasto.correction.receipt import explained_share, receipt, replicate_signal
from impasto.correction.select import Select, SelectSettings
from impasto.correction.spared import spare_controls, without_spared
from impasto.correction.sphering import Sphering, SpheringSettings
from impasto.correction.standardize import Standardize, StandardizeSettings
from impasto.correction.tvn import Tvn, TvnSettings
from impasto.schema import InputError
from impasto.settings import Settings


def plates(*, plates: int = 3, wells: int = 40, controls: int = 20, width: int = 6, shift: float = 3.0, seed: int = 0) -> anndata.AnnData:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(width, width))
    rows, values = [], []
    for plate in range(plates):
        offset, scale = shift * rng.normal(size=width), rng.uniform(0.5, 2, width)
        for well in range(wells):
            control = well < controls
            rows.append(
                {
                    "plate": f"P{plate}",
                    "batch": f"B{plate}",
                    "well": f"{chr(65 + well // 12)}{well % 12 + 1:02d}",
                    "control_type": "negcon" if control else "trt",
                    "perturbation": "DMSO" if control else f"c{well}",
                }
            )
            values.append(offset + scale * (rng.normal(size=width) @ mixing))
    names = [f"Cells_Texture_Contrast{i}_DNA" for i in range(width)]
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=pd.DataFrame(rows).rename(index=str), var=pd.DataFrame(index=names))


def control_rows(data: anndata.AnnData, plate: str | None = None) -> np.ndarray:
    chosen = (data.obs["control_type"] == "negcon").to_numpy()
    return chosen if plate is None else chosen & (data.obs["plate"] == plate).to_numpy()


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_standardize_is_the_naive_loop(statistic: str) -> None:
    data = plates()
    found = Standardize.fit(data, StandardizeSettings(statistic=statistic)).transform(data)  # type: ignore[arg-type]
    x = data.X.astype(np.float64)
    for plate in ("P0", "P1", "P2"):
        own = x[control_rows(data, plate)]
        for row in np.flatnonzero((data.obs["plate"] == plate).to_numpy())[:5]:
            for f in range(x.shape[1]):
                if statistic == "mean":
                    expected = (x[row, f] - own[:, f].mean()) / own[:, f].std(ddof=1)
                else:
                    middle = np.median(own[:, f])
                    expected = (x[row, f] - middle) / (1.4826 * np.median(np.abs(own[:, f] - middle)))
                assert found.X[row, f] == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_a_feature_that_is_constant_becomes_zero_and_one_flat_in_controls_stays_finite() -> None:
    data = plates(plates=1)
    data.X[:, 0] = 7.0
    data.X[control_rows(data), 1] = 2.0
    found = Standardize.fit(data, StandardizeSettings()).transform(data)
    assert (found.X[:, 0] == 0).all()
    assert np.isfinite(found.X).all()


@settings(deadline=None, max_examples=25)
@given(st.floats(0.1, 10), st.floats(-100, 100), st.integers(0, 100))
def test_standardize_forgets_the_unit_of_a_plate(scale: float, offset: float, seed: int) -> None:
    data = plates(plates=1, seed=seed)
    other = data.copy()
    other.X = (data.X * scale + offset).astype(np.float32)
    one, two = (Standardize.fit(d, StandardizeSettings()).transform(d).X for d in (data, other))
    np.testing.assert_allclose(one, two, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("form", ["ZCA", "ZCA-cor"])
@pytest.mark.parametrize("width", [6, 30])
def test_sphering_is_the_matrix_formula(form: str, width: int) -> None:
    """W = (C + r I)^(-1/2) with r a share of the mean eigenvalue; wide tables go through the Gram matrix and must agree."""
    data = plates(plates=1, width=width)
    chosen = SpheringSettings(form=form, regulariser=0.3)  # type: ignore[arg-type]
    found = Sphering.fit(data, chosen).transform(data).X
    x, own = data.X.astype(np.float64), data.X[control_rows(data)].astype(np.float64)
    centred = x - own.mean(axis=0)
    if form == "ZCA-cor":
        centred = centred / own.std(axis=0, ddof=1)
        matrix = np.corrcoef(own, rowvar=False)
    else:
        matrix = np.cov(own, rowvar=False)
    matrix = matrix + 0.3 * np.trace(matrix) / width * np.eye(width)
    values, vectors = np.linalg.eigh(matrix)
    np.testing.assert_allclose(found, centred @ (vectors / np.sqrt(values)) @ vectors.T, rtol=1e-3, atol=1e-3)


def test_sphered_controls_are_white() -> None:
    data = plates(plates=1, wells=96, controls=90)
    found = Sphering.fit(data, SpheringSettings(regulariser=1e-6)).transform(data).X[control_rows(data)]
    np.testing.assert_allclose(np.cov(found, rowvar=False), np.eye(6), atol=0.01)


def test_tvn_aligns_the_controls_of_all_plates() -> None:
    data = plates(wells=96, controls=80)
    found = Tvn.fit(data, TvnSettings(ridge=1e-6)).transform(data)
    for plate in ("P0", "P1", "P2"):
        own = found.X[control_rows(found, plate)].astype(np.float64)
        np.testing.assert_allclose(own.mean(axis=0), 0, atol=1e-4)
        everything = np.cov(found.X[control_rows(found)], rowvar=False)
        np.testing.assert_allclose(np.cov(own, rowvar=False), everything, atol=0.1)


def test_tvn_is_the_steps_written_out() -> None:
    data = plates(plates=2)
    found = Tvn.fit(data, TvnSettings()).transform(data).X
    x = data.X.astype(np.float64)
    own = x[control_rows(data)]
    z = (x - own.mean(axis=0)) / own.std(axis=0, ddof=1)
    values, vectors = np.linalg.eigh(np.cov(z[control_rows(data)], rowvar=False))
    y = z @ vectors[:, ::-1] / np.sqrt(values[::-1])

    def power(m: np.ndarray, e: float) -> np.ndarray:
        w, v = np.linalg.eigh(m)
        return np.asarray((v * w**e) @ v.T)

    colour = power(np.cov(y[control_rows(data)], rowvar=False) + 0.5 * np.eye(6), 0.5)
    for plate in ("P0", "P1"):
        mine, rows = y[control_rows(data, plate)], (data.obs["plate"] == plate).to_numpy()
        expected = (y[rows] - mine.mean(axis=0)) @ power(np.cov(mine, rowvar=False) + 0.5 * np.eye(6), -0.5) @ colour
        np.testing.assert_allclose(np.abs(found[rows]), np.abs(expected), rtol=1e-3, atol=1e-3)  # a component's sign is free


def test_tvn_in_efaars_form_is_efaar_benchmarkings() -> None:
    efaar = pytest.importorskip("efaar_benchmarking.efaar")
    data = plates(plates=3, width=12, controls=30)
    found = Tvn.fit(data, TvnSettings(coral="efaar")).transform(data).X
    theirs = efaar.tvn_on_controls(data.X.astype(np.float64), data.obs, "perturbation", "DMSO", "plate")
    np.testing.assert_allclose(np.abs(found), np.abs(theirs), rtol=1e-4, atol=1e-5)  # a component's sign is free


def test_sphering_without_a_regulariser_is_pycytominers() -> None:
    operations = pytest.importorskip("pycytominer.operations")
    data = plates(plates=1, wells=96, controls=90)
    found = Sphering.fit(data, SpheringSettings(regulariser=1e-12, on="all")).transform(data).X
    frame = pd.DataFrame(data.X.astype(np.float64))
    theirs = operations.Spherize(method="ZCA-cor", epsilon=1e-12).fit(frame).transform(frame).to_numpy()
    np.testing.assert_allclose(found, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("controls", [20, 21])
def test_median_and_mad_are_pycytominers(controls: int) -> None:
    operations = pytest.importorskip("pycytominer.operations")
    data = plates(plates=2, controls=controls)
    found = Standardize.fit(data, StandardizeSettings()).transform(data).X
    for plate in ("P0", "P1"):
        rows = (data.obs["plate"] == plate).to_numpy()
        frame = pd.DataFrame(data.X.astype(np.float64))
        theirs = operations.RobustMAD(epsilon=1e-18).fit(frame[control_rows(data, plate)]).transform(frame[rows])
        np.testing.assert_allclose(found[rows], theirs.to_numpy(), rtol=1e-5, atol=1e-6)


def test_select_drops_what_cannot_be_compared() -> None:
    data = plates(width=6)
    data.X[:, 1] = data.X[:, 0] * 2 + 0.001 * data.X[:, 5]
    data.X[:, 2] = 1.0
    data.X[: data.n_obs // 2, 3] = np.nan
    data.X[0, 4] = np.inf
    fitted = Select.fit(data, SelectSettings(block=r"Contrast5_"))
    kept = set(fitted.transform(data).var_names)
    names = list(data.var_names)
    assert len(kept & {names[0], names[1]}) == 1
    assert not kept & {names[2], names[3], names[5]}
    assert names[4] in kept
    assert np.isfinite(fitted.transform(data).X).all()


@pytest.mark.parametrize("name", sorted(correction.METHODS))
def test_what_is_given_is_not_changed_and_new_rows_of_known_plates_are_corrected_alike(name: str) -> None:
    data = plates()
    before = data.X.copy()
    kind: type[Corrector] = correction.corrector(name)
    chosen: Settings = kind.settings_class()
    fitted = kind.fit(data, chosen)
    whole = fitted.transform(data)
    np.testing.assert_array_equal(data.X, before)
    some = data[::3].copy()
    np.testing.assert_allclose(fitted.transform(some).X, whole.X[::3], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", sorted(correction.METHODS))
def test_fitted_steps_come_back_from_disk_to_the_same_bytes(name: str, tmp_path: Path) -> None:
    data = plates()
    kind = correction.corrector(name)
    fitted = kind.fit(data, kind.settings_class())
    kept.save(tmp_path / "fitted", [fitted])
    (again,) = kept.load(tmp_path / "fitted")
    np.testing.assert_array_equal(again.transform(data).X, fitted.transform(data).X)
    assert again.settings == fitted.settings
    assert again.met() == fitted.met()


@pytest.mark.parametrize("name", ["combat", "harmony", "inverse_normal", "kernel_pca", "position", "standardize", "tvn"])
def test_a_new_plate_is_met_by_its_own_rows_and_changes_nothing_else(name: str) -> None:
    """Fitted on two plates, extended by a third: the first two come out as before, the third loses its plate effect too."""
    data = plates(shift=5.0, width=20)
    third = (data.obs["plate"] == "P2").to_numpy()
    kind = correction.corrector(name)
    chosen = kind.settings_class.read({"by": "plate"} if "by" in kind.settings_class.model_fields else {}, where="test")
    fitted = kind.fit(data[~third].copy(), chosen)
    wider = fitted.extended(data)
    assert set(wider.met()) - set(fitted.met()) == {"P2"}
    np.testing.assert_array_equal(wider.transform(data).X[~third], fitted.transform(data[~third].copy()).X)
    if name != "position":  # a plate's common level is no row or column effect
        told = receipt(data, wider.transform(data), methods=[])
        assert told["explained"]["plate"]["after"] < 0.25 * told["explained"]["plate"]["before"]


def test_a_folder_without_fitted_steps_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no fitted corrections"):
        kept.load(tmp_path)


@pytest.mark.parametrize("kind", [Standardize, Tvn])
def test_plates_without_controls_and_unknown_plates_are_sentences(kind: type[Corrector]) -> None:
    data = plates()
    fitted = kind.fit(data, kind.settings_class())
    other = data.copy()
    other.obs["plate"] = "new"
    with pytest.raises(InputError, match="was fitted on P0, P1, P2, not on 'new'"):
        fitted.transform(other)
    data.obs.loc[data.obs["plate"] == "P1", "control_type"] = "trt"
    with pytest.raises(InputError, match="the 40 rows of P1 hold 0 negative controls"):
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
        correction.corrector("spherring")


def test_clip_clips() -> None:
    data = plates()
    found = Clip.fit(data, ClipSettings(limit=1.0)).transform(data)
    np.testing.assert_array_equal(found.X, np.clip(data.X, -1, 1))


def test_the_receipt_sees_a_plate_effect_go() -> None:
    data = plates(shift=5.0)
    after = Standardize.fit(data, StandardizeSettings()).transform(data)
    told = receipt(data, after, methods=[])
    assert told["explained"]["plate"]["before"] > 0.3
    assert told["explained"]["plate"]["after"] < 0.05


def test_explained_share_is_zero_on_noise_and_one_on_pure_groups() -> None:
    rng = np.random.default_rng(0)
    labels = pd.Series(np.repeat(list("abcd"), 50))
    noise = rng.normal(size=(200, 40))
    assert explained_share((noise - noise.mean(0)) / noise.std(0), labels) < 0.01
    pure = np.repeat(rng.normal(size=(4, 5)), 50, axis=0)
    assert explained_share((pure - pure.mean(0)) / pure.std(0), labels) == pytest.approx(1.0)


def test_replicate_signal_is_the_naive_mean() -> None:
    data = plates(plates=2, wells=24, controls=18)
    rows = np.flatnonzero(~control_rows(data))
    x = data.X.astype(np.float64)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    same, other = [], []
    for i in rows:
        for j in rows:
            if data.obs["plate"].iloc[i] != data.obs["plate"].iloc[j]:
                (same if data.obs["perturbation"].iloc[i] == data.obs["perturbation"].iloc[j] else other).append(x[i] @ x[j])
    assert replicate_signal(data) == pytest.approx(np.mean(same) - np.mean(other), abs=1e-5)


def test_spared_controls_are_the_same_wells_whatever_the_order_and_no_fit_sees_them() -> None:
    data = plates()
    marked = spare_controls(data, share=0.5, seed=0)
    shuffled = spare_controls(data[::-1].copy(), share=0.5, seed=0)
    places = {tuple(r) for r in marked.obs.loc[marked.obs["spared"], ["plate", "well"]].to_numpy()}
    assert places == {tuple(r) for r in shuffled.obs.loc[shuffled.obs["spared"], ["plate", "well"]].to_numpy()}
    assert len(places) == 30
    assert control_rows(without_spared(marked)).sum() == 30
    changed = marked.copy()
    changed.X[marked.obs["spared"].to_numpy()] += 100
    one, two = (Standardize.fit(without_spared(d), StandardizeSettings()) for d in (marked, changed))
    np.testing.assert_array_equal(one.centre["P0"], two.centre["P0"])


def test_inverse_normal_is_bloms_formula() -> None:
    from scipy.stats import norm, rankdata

    data = plates(plates=2)
    found = InverseNormal.fit(data, InverseNormalSettings()).transform(data)
    for plate in ("P0", "P1"):
        rows = (data.obs["plate"] == plate).to_numpy()
        expected = norm.ppf((rankdata(data.X[rows], axis=0) - 0.375) / (rows.sum() + 0.25))
        np.testing.assert_allclose(found.X[rows], expected, atol=1e-5)


def test_position_takes_rows_and_columns_out_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    wells = [(r, c) for r in range(8) for c in range(12)]
    row, column = rng.normal(size=(8, 3)), rng.normal(size=(12, 3))
    row, column = row - np.median(row, axis=0), column - np.median(column, axis=0)
    signal = np.zeros((96, 3))
    signal[37] = 5.0
    values = np.array([row[r] + column[c] for r, c in wells]) + signal
    obs = pd.DataFrame({"plate": "P", "well": [f"{chr(65 + r)}{c + 1:02d}" for r, c in wells]})
    data = anndata.AnnData(X=values.astype(np.float32), obs=obs.rename(index=str))
    found = Position.fit(data, PositionSettings()).transform(data).X
    np.testing.assert_allclose(found - np.median(found, axis=0), signal, atol=1e-4)


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
