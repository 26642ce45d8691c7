"""`im.pp`: scanpy's habits, the settings' own signatures, the guards of `impasto correct`."""

from __future__ import annotations

import inspect
import subprocess
import sys

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.correction.plated import control_rows, plates

from impasto import identity, pp
from impasto import profiles as tables
from impasto.correction import CORRECTORS
from impasto.correction.receipt import receipt
from impasto.correction.steps import correct
from impasto.schema import InputError

FAST = ("clip", "combat", "inverse_normal", "kernel_pca", "position", "select", "sphering", "standardize", "tvn")


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("copy", [True, False])
def test_each_function_does_what_its_step_does(name: str, copy: bool) -> None:
    data = plates(width=8)
    data.layers["counts"] = data.X * 2
    data.obsm["map"] = np.arange(2 * data.n_obs).reshape(-1, 2)
    data.uns["note"] = "mine"
    expected = correct(data, [name])[0]
    given = data.copy()
    result = getattr(pp, name)(given, copy=copy)
    assert (result is given) == (not copy)
    np.testing.assert_array_equal(result.X, expected.X)
    assert list(result.var_names) == list(expected.var_names)
    assert list(identity.of(result).steps) == list(identity.of(expected).steps)
    assert result.uns["note"] == "mine"
    np.testing.assert_array_equal(result.obsm["map"], data.obsm["map"])
    if name not in ("tvn", "kernel_pca"):
        np.testing.assert_array_equal(result.layers["counts"], data[:, result.var_names].layers["counts"])
    if copy:
        np.testing.assert_array_equal(given.X, data.X)
        assert not identity.of(given).steps


def test_the_signature_and_the_documentation_are_those_of_the_settings() -> None:
    for name in CORRECTORS:
        function = getattr(pp, name)
        assert function is getattr(pp, name)
        parameters = inspect.signature(function).parameters
        fields = CORRECTORS[name].settings_class.model_fields
        assert list(parameters) == ["profiles", *(f for f in fields if f != "method"), "copy"]
        assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in list(parameters.values())[1:])
        for key, field in fields.items():
            assert field.description or key == "method", (name, key)
            if key != "method":
                assert parameters[key].default == field.get_default(call_default_factory=True)
                assert field.description in function.__doc__
        assert "Parameters\n----------\nprofiles" in function.__doc__
        # mkdocstrings prints the first line under Returns as a type.
        assert "\n\nReturns\n-------\nAnnData\n    The n corrected rows" in function.__doc__
        assert "\n\nRaises\n------\nInputError\n    " in function.__doc__
    assert set(dir(pp)) == {*CORRECTORS.names(), "aggregate", "cell_quality", "pool", "receipt", "spare"}


def test_a_chain_spares_selects_and_standardises_in_place() -> None:
    data = plates(width=8)
    data.X[:, 3] = 1.0
    given = data.copy()
    pp.spare(given, share=0.5, seed=1)
    pp.select(given)
    pp.standardize(given, by="plate", on="controls", statistic="mean")
    pp.tvn(given, components=3)
    expected, _, told = correct(
        data, ["select", {"method": "standardize", "statistic": "mean"}, {"method": "tvn", "components": 3}], spare=0.5, seed=1
    )
    np.testing.assert_array_equal(given.X, expected.X)
    assert list(identity.of(given).steps) == told["methods"]
    assert pp.receipt(data, given) == receipt(data, expected, methods=told["methods"])


def test_spared_controls_change_what_a_function_learns() -> None:
    data = plates()
    spared = pp.spare(data, share=0.5, copy=True)
    assert "spared" not in data.obs
    far = spared.copy()
    far.X[far.obs["spared"].to_numpy()] += 100
    rest = ~spared.obs["spared"].to_numpy()
    np.testing.assert_array_equal(pp.standardize(far, copy=True).X[rest], pp.standardize(spared, copy=True).X[rest])


def test_frames_views_sparse_values_and_prefixed_annotation() -> None:
    from scipy import sparse

    data = plates()
    expected = pp.standardize(data, copy=True)
    frame = tables.to_frame(data)
    untouched = frame.copy()
    np.testing.assert_array_equal(pp.standardize(frame).X, expected.X)
    pd.testing.assert_frame_equal(frame, untouched)
    view = data[(data.obs["plate"] == "P1").to_numpy()]
    before = data.X.copy()
    own = pp.standardize(view)
    assert own is view
    assert not view.is_view
    np.testing.assert_array_equal(view.X, expected.X[(data.obs["plate"] == "P1").to_numpy()])
    np.testing.assert_array_equal(data.X, before)
    thin = data.copy()
    thin.X = sparse.csr_matrix(data.X)
    assert pp.standardize(thin) is thin
    np.testing.assert_array_equal(thin.X, expected.X)
    prefixed = data.copy()
    prefixed.obs = prefixed.obs.rename(columns=lambda c: f"Metadata_{c}")
    np.testing.assert_array_equal(pp.standardize(prefixed, copy=True).X, expected.X)
    assert "Metadata_plate" in prefixed.obs


def test_aggregate_makes_wells_of_sites_and_perturbations_of_wells() -> None:
    data = plates(plates=2)
    sites = anndata.concat([data, data], index_unique="-")
    sites.X[data.n_obs :] += 2
    wells = pp.aggregate(sites, statistic="mean")
    assert wells.n_obs == data.n_obs
    assert (wells.obs["n_rows"] == 2).all()
    first = (wells.obs["plate"] == "P0") & (wells.obs["well"] == data.obs["well"].iloc[3])
    np.testing.assert_allclose(wells.X[first.to_numpy()][0], data.X[3] + 1, rtol=1e-4, atol=1e-4)
    whats = pp.aggregate(tables.to_frame(data), by=["perturbation"])
    assert whats.n_obs == 21
    dmso = (whats.obs["perturbation"] == "DMSO").to_numpy()
    np.testing.assert_allclose(whats.X[dmso][0], np.median(data.X[control_rows(data)], axis=0), rtol=1e-5)
    with pytest.raises(InputError, match=r"by is a list of columns; write by=\['plate'\]"):
        pp.aggregate(data, by="plate")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda ad: pp.standardize(ad, {"by": "plate"}),
            r"standardize takes its settings by keyword, not \{'by': 'plate'\}; allowed: by, on",
        ),
        (lambda ad: pp.standardize(ad, bye="plate"), r"im.pp.standardize has no setting 'bye' \(did you mean 'by'\?\); allowed: by, on"),
        (lambda ad: pp.clip(ad, method="clip"), "im.pp.clip has no setting 'method'"),
        (lambda ad: pp.sphering(ad, regulariser="serch"), r"im.pp.sphering \(sphering\): regulariser"),
        (lambda ad: pp.standardize(ad, by="well"), r"im.pp.standardize \(standardize\): by is 'well'"),
        (
            lambda ad: pp.standardize(ad.X),
            "im.pp.standardize takes an AnnData or a DataFrame with Metadata_ columns, not ndarray; read a file with",
        ),
        (lambda ad: pp.standardize("a.parquet"), "not str; read a file with impasto.read"),
        (lambda ad: pp.spare(ad, share=2), "spare is 2"),
        (lambda ad: pp.receipt(ad, ad[:5].copy()), "there were 120 before and there are 5 after"),
    ],
)
def test_wrong_use_is_a_sentence(call, sentence) -> None:  # type: ignore[no-untyped-def]
    data = plates()
    before = data.X.copy()
    with pytest.raises((InputError, TypeError), match=sentence):
        call(data)
    np.testing.assert_array_equal(data.X, before)


def test_an_unknown_name_is_a_sentence() -> None:
    with pytest.raises(AttributeError, match=r"impasto.pp has no 'standardise' \(did you mean 'standardize'\?\); it has aggregate"):
        pp.standardise  # noqa: B018


def test_signatures_are_read_without_torch() -> None:
    code = "import sys; from impasto import pp; [getattr(pp, n) for n in dir(pp)]; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
