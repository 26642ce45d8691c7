"""Groups of a corrector: named by source, batch and plate, references that are large enough, refusals that name what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import anndata
import numpy as np
import pytest
from tests.correction.plated import control_rows, plates

from impasto.correction import CORRECTORS
from impasto.correction.per_group import PerGroup
from impasto.correction.sphering import Sphering, SpheringSettings
from impasto.correction.standardize import Standardize, StandardizeSettings
from impasto.schema import InputError
from impasto.settings import Settings


class MeanSettings(Settings):
    method: Literal["mean"] = "mean"
    by: Literal["plate", "batch", "source"] | None = "plate"
    on: Literal["controls", "all"] = "controls"
    confounded: bool = False


@dataclass(frozen=True, kw_only=True)
class Mean(PerGroup[MeanSettings, np.ndarray]):
    """The shortest corrector there is."""

    name: ClassVar[str] = "mean"
    settings_class: ClassVar[type[Settings]] = MeanSettings
    settings: MeanSettings
    learned: dict[str, np.ndarray]

    def learn(self, values: np.ndarray, reference: np.ndarray, /) -> np.ndarray:
        return np.stack([values.mean(axis=0), reference.mean(axis=0)])

    def apply(self, values: np.ndarray, learned: np.ndarray, /) -> np.ndarray:
        return values - learned[1]


def mixed(seed: int = 0, **changes: object) -> anndata.AnnData:
    data = plates(**changes)  # type: ignore[arg-type]
    return data[np.random.default_rng(seed).permutation(data.n_obs)].copy()


def test_each_group_learns_from_its_own_rows_and_its_own_controls() -> None:
    data = mixed()
    fitted = Mean.fit(data)
    assert fitted.seen_in_fit() == ("B0/P0", "B1/P1", "B2/P2")
    corrected = fitted.transform(data)
    for plate in range(3):
        rows, own = (data.obs["plate"] == f"P{plate}").to_numpy(), control_rows(data, f"P{plate}")
        np.testing.assert_allclose(fitted.learned[f"B{plate}/P{plate}"], [data.X[rows].mean(axis=0), data.X[own].mean(axis=0)], rtol=1e-5)
        np.testing.assert_allclose(corrected.X[rows], data.X[rows] - data.X[own].mean(axis=0), rtol=1e-4, atol=1e-4)


def test_on_all_and_no_group_take_all_rows() -> None:
    data = mixed()
    (everything,) = Mean.fit(data, MeanSettings(by=None, on="all")).learned.values()
    np.testing.assert_allclose(everything, [data.X.mean(axis=0)] * 2, rtol=1e-4, atol=1e-5)
    (controls,) = Mean.fit(data, MeanSettings(by=None)).learned.values()
    np.testing.assert_allclose(controls[1], data.X[control_rows(data)].mean(axis=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["combat", "harmony", "inverse_normal", "kernel_pca", "position", "standardize", "sphering", "tvn"])
def test_two_plates_of_one_name_in_two_batches_are_two(name: str) -> None:
    """The same numbers as with names of their own, for every corrector."""
    data = plates(plates=2, width=8)
    one_name = data.copy()
    one_name.obs["plate"] = "plate 1"
    kind = CORRECTORS[name]
    chosen = kind.settings_class.read({"by": "plate"} if "by" in kind.settings_class.model_fields else {}, where="test")
    fitted = kind.fit(one_name, chosen)
    assert fitted.seen_in_fit() == ("B0/plate 1", "B1/plate 1")
    np.testing.assert_array_equal(fitted.transform(one_name).X, kind.fit(data, chosen).transform(data).X)


@pytest.mark.parametrize("name", ["tvn", "kernel_pca", "combat"])
def test_what_all_plates_share_does_not_depend_on_the_names_of_batches(name: str) -> None:
    data = plates(plates=3, width=8)
    bare = data.copy()
    del bare.obs["batch"]
    data.obs["batch"] = data.obs["plate"].map({"P0": "week 3", "P1": "week 1", "P2": "week 2"})
    kind = CORRECTORS[name]
    assert kind.fit(data).seen_in_fit() == ("week 3/P0", "week 1/P1", "week 2/P2")
    # The order of plates, and so of sums, is that of batches first.
    np.testing.assert_allclose(kind.fit(data).transform(data).X, kind.fit(bare).transform(bare).X, rtol=1e-5, atol=1e-6)


def test_batches_of_one_name_in_two_sources_are_two() -> None:
    data = plates(plates=2)
    data.obs["source"] = np.where(data.obs["batch"] == "B0", "S0", "S1")
    data.obs["batch"] = "week 1"
    assert Mean.fit(data, MeanSettings(by="batch")).seen_in_fit() == ("S0/week 1", "S1/week 1")
    assert Mean.fit(data, MeanSettings(by="source")).seen_in_fit() == ("S0", "S1")


def test_a_fit_without_batches_is_applied_to_a_table_that_has_them_unless_names_would_merge() -> None:
    data = plates(plates=2)
    bare = data.copy()
    del bare.obs["batch"]
    fitted = Mean.fit(bare)
    assert fitted.keys == ("plate",)
    np.testing.assert_array_equal(fitted.transform(data).X, fitted.transform(bare).X)
    data.obs["plate"] = "P0"
    with pytest.raises(InputError, match="names a plate by plate only, and here B0/P0 and B1/P0 would be one"):
        fitted.transform(data)


def test_a_group_with_too_few_controls_is_a_sentence_and_says_what_helps() -> None:
    data = plates(plates=2)
    own = control_rows(data, "P1")
    data.obs.loc[data.obs.index[own][1:], "control_type"] = "trt"
    with pytest.raises(InputError, match="B1/P1 hold 1 negative controls, at least 2 are needed; use --set on=all"):
        Mean.fit(data)
    assert Mean.fit(data, MeanSettings(on="all")).seen_in_fit() == ("B0/P0", "B1/P1")
    with pytest.raises(InputError, match=r"kernel_pca: .* at least 2 are needed; mark them"):  # it has no on=all
        CORRECTORS["kernel_pca"].fit(data)
    data.obs.loc[data.obs.index[own][1:2], "control_type"] = "negcon"
    Mean.fit(data)
    with pytest.raises(InputError, match="hold 2 negative controls, at least 3 are needed"):
        Sphering.fit(data, SpheringSettings(by="plate"))


def test_where_all_controls_are_spared_the_sentence_says_so() -> None:
    data = plates(plates=1)
    data.obs["spared"] = control_rows(data)
    with pytest.raises(InputError, match="the 20 rows of B0/P0 hold 0 negative controls that are not spared, at least 2 are needed"):
        Mean.fit(data)


def test_unknown_and_empty_wells_are_no_controls() -> None:
    data = plates(plates=1)
    data.obs["control_type"] = data.obs["control_type"].astype(object)
    data.obs.iloc[:5, data.obs.columns.get_loc("control_type")] = "empty"
    data.obs.iloc[5:9, data.obs.columns.get_loc("control_type")] = "no idea"
    np.testing.assert_allclose(Mean.fit(data).learned["B0/P0"][1], data.X[9:20].mean(axis=0), rtol=1e-5)


def test_a_confounded_group_is_refused_where_all_its_wells_teach_unless_it_is_accepted() -> None:
    data = plates(plates=3)
    data.obs["perturbation"] = np.where(data.obs["plate"] == "P1", "only here", data.obs["perturbation"])
    Mean.fit(data)  # on controls, a plate's biology cannot be taken for its mean
    with pytest.raises(InputError, match="use --set confounded=true"):
        Mean.fit(data, MeanSettings(on="all"))
    Mean.fit(data, MeanSettings(on="all", confounded=True))
    Mean.fit(data, MeanSettings(on="all", by=None))


def test_what_is_extended_does_not_depend_on_other_new_groups() -> None:
    data = plates(plates=3)
    first = (data.obs["plate"] == "P0").to_numpy()
    fitted = Standardize.fit(data[first].copy(), StandardizeSettings())
    whole = fitted.extended(data)
    second, third = (data[(data.obs["plate"] == plate).to_numpy()].copy() for plate in ("P1", "P2"))
    one_by_one = fitted.extended(second).extended(third)
    assert whole.seen_in_fit() == one_by_one.seen_in_fit()
    np.testing.assert_array_equal(whole.transform(data).X, one_by_one.transform(data).X)
    assert fitted.extended(data[first].copy()) is fitted


def test_features_are_taken_by_name_and_others_are_refused() -> None:
    data = plates(plates=2)
    fitted = Standardize.fit(data)
    expected = fitted.transform(data)
    turned = fitted.transform(data[:, ::-1].copy())
    assert list(turned.var_names) == list(data.var_names)
    np.testing.assert_array_equal(turned.X, expected.X)
    new = plates(plates=3)
    np.testing.assert_array_equal(fitted.extended(new[:, ::-1].copy()).transform(new).X, fitted.extended(new).transform(new).X)
    with pytest.raises(InputError, match=r"was fitted on 6 features, and these profiles have 5 \(the first that differs: 'Cells_"):
        fitted.transform(data[:, 1:].copy())
    renamed = data.copy()
    renamed.var_names = ["other", *data.var_names[1:]]
    with pytest.raises(InputError, match="the first that differs: 'Cells_Texture_Contrast0_DNA'"):
        fitted.extended(renamed)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_counted_by_feature(bad: float) -> None:
    data = plates(plates=1)
    data.X[3, 2] = data.X[4, 2] = data.X[0, 5] = bad
    with pytest.raises(InputError, match=r"mean: 2 features hold missing or infinite values \(first: Cells_Texture_Contrast2_DNA\)"):
        Mean.fit(data)


def test_a_missing_column_and_a_method_without_equations_are_said() -> None:
    with pytest.raises(InputError, match="mean needs the column 'source'"):
        Mean.fit(plates(), MeanSettings(by="source"))

    @dataclass(frozen=True, kw_only=True)
    class Nothing(PerGroup[MeanSettings, int]):
        name: ClassVar[str] = "nothing"
        settings_class: ClassVar[type[Settings]] = MeanSettings

    with pytest.raises(NotImplementedError, match="nothing defines neither learn nor learn_group"):
        Nothing.fit(plates())


@pytest.mark.parametrize("name", ["standardize", "inverse_normal", "sphering"])
def test_all_is_a_word_for_all_rows_as_one(name: str) -> None:
    data, kind = plates(width=11), CORRECTORS[name]
    found = [kind.fit(data, kind.settings_class.read({"by": by}, where="test")) for by in ("all", None)]
    np.testing.assert_array_equal(found[0].transform(data).X, found[1].transform(data).X)
    assert [fitted.seen_in_fit() for fitted in found] == [("",), ("",)]
    with pytest.raises(InputError, match="by is 'everything', but input should be 'plate', 'batch', 'source' or 'all'"):
        kind.settings_class.read({"by": "everything"}, where="test")
