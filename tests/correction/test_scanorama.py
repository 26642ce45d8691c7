"""Scanorama as a corrector: the package's own numbers for the rows of a fit, rows that it did not see, and refusals."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto.correction import kept
from impasto.correction.scanorama import Scanorama, ScanoramaSettings
from impasto.schema import InputError

INSTALLED = importlib.util.find_spec("scanorama") is not None
CHOSEN = ScanoramaSettings(width=6, neighbours=5)
real = pytest.mark.skipif(not INSTALLED, reason="the extra scanorama")


def plates(batches: str = "ABC", wells: int = 24, seed: int = 0) -> anndata.AnnData:
    """Wells of six kinds in batches that are each moved by a direction of their own."""
    rng = np.random.default_rng(seed)
    kinds, moved = rng.normal(size=(6, 8)) * 2, dict(zip("ABCD", 0.6 * np.random.default_rng(9).normal(size=(4, 8)), strict=True))
    rows = [{"batch": b, "plate": f"{b}1", "well": f"A{n + 1:02d}", "perturbation": f"c{n % 6}"} for b in batches for n in range(wells)]
    obs = pd.DataFrame(rows, index=[str(n) for n in range(len(rows))])
    values = [kinds[n % 6] + moved[b] + 0.3 * rng.normal(size=8) for b in batches for n in range(wells)]
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs)


def fake() -> ModuleType:
    """A package that moves every batch by a constant that its number and the matches give, and remembers what it was given."""

    def find_alignments(batches: list[np.ndarray], *, knn: int, approx: bool, alpha: float, verbose: int) -> tuple[list, dict]:
        seen.update(knn=knn, approx=approx, alpha=alpha, sizes=[len(b) for b in batches])
        return [(0, 1)], {(0, 1): {(1, 0), (0, 1)}, (0, 2): set()}

    def assemble(batches: list[np.ndarray], *, sigma: float, alignments: list, matches: dict, verbose: int) -> list[np.ndarray]:
        seen.update(sigma=sigma, alignments=alignments, matches=matches, lengths=[len(b) for b in batches])
        return [b + 10 * number for number, b in enumerate(batches)]

    seen: dict[str, object] = {}
    module = ModuleType("scanorama")
    module.scanorama = SimpleNamespace(find_alignments=find_alignments, assemble=assemble, seen=seen)
    return module


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    module = fake()
    monkeypatch.setitem(sys.modules, "scanorama", module)
    monkeypatch.setitem(sys.modules, "scanorama.scanorama", module.scanorama)
    return module.scanorama


def test_what_the_package_is_given_and_which_rows_are_taken_back(without: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    data = plates()
    data.obs["split"] = np.where(np.arange(72) % 24 < 20, "train", "test")
    data.obs.iloc[:2, data.obs.columns.get_loc("split")] = "test"
    fitted = Scanorama.fit(data, CHOSEN)
    assert without.seen["sizes"] == [18, 20, 20], "held-out wells teach nothing"
    assert (without.seen["knn"], without.seen["approx"], without.seen["alpha"]) == (5, False, 0.1)
    assert "1 of 3 batches match no other and stay as they are: C" in capsys.readouterr().out
    part = data[[71, 3, 0, 30]].copy()
    found = fitted.transform(part).X
    assert (without.seen["alignments"], without.seen["matches"]) == ([(0, 1)], {(0, 1): [(0, 1), (1, 0)]})
    assert without.seen["lengths"] == [20, 22, 22], "two rows at most stand behind the rows of the fit, as many in each batch"
    unit = part.X.astype(np.float64) / np.linalg.norm(part.X, axis=1, keepdims=True)
    np.testing.assert_allclose(found, unit @ fitted.components + 10 * np.array([2, 0, 0, 1])[:, None], atol=1e-5)
    assert fitted.seen_in_fit() == ("A", "B", "C")


def test_the_components_are_the_first_singular_vectors_of_rows_of_unit_length(without: SimpleNamespace) -> None:
    data = plates()
    fitted = Scanorama.fit(data, CHOSEN)
    unit = data.X.astype(np.float64) / np.linalg.norm(data.X.astype(np.float64), axis=1, keepdims=True)
    vectors = np.linalg.svd(unit, full_matrices=False)[2][:6].T
    np.testing.assert_allclose(np.abs((fitted.components * vectors).sum(axis=0)), 1, atol=1e-6)
    assert (np.abs(fitted.components).max(axis=0) == fitted.components.max(axis=0)).all()
    assert Scanorama.fit(data).components.shape == (8, 8), "no more than there are features"
    assert without.seen["knn"] == 20


def test_refusals(without: SimpleNamespace) -> None:
    fitted = Scanorama.fit(plates(), CHOSEN)
    with pytest.raises(InputError, match=r"fitted on batch A, B, C, not on 'D', which has no matches; fit it on all"):
        fitted.transform(plates("AD"))
    with pytest.raises(InputError, match="1 of which are lacking"):
        fitted.transform(plates()[:, 1:].copy())
    with pytest.raises(InputError, match="one batch only"):
        Scanorama.fit(plates("A"), CHOSEN)
    with pytest.raises(InputError, match=r"needs 2 rows of each batch; 'C' has 1"):
        Scanorama.fit(plates()[:49].copy(), CHOSEN)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scanorama", None)
    with pytest.raises(InputError, match=r"pip install 'impasto\[scanorama\]'"):
        Scanorama.fit(plates(), CHOSEN)


@real
def test_rows_of_the_fit_get_the_numbers_of_the_package_and_others_change_nothing(tmp_path: Path) -> None:
    from scanorama import scanorama

    data = plates()
    fitted = Scanorama.fit(data, CHOSEN)
    whole = fitted.transform(data).X
    unit = data.X.astype(np.float64) / np.linalg.norm(data.X.astype(np.float64), axis=1, keepdims=True)
    batches = [unit[(data.obs["batch"] == b).to_numpy()] @ fitted.components for b in "ABC"]
    own = np.concatenate(scanorama.assemble(list(batches), knn=5, sigma=15, approx=False, alpha=0.1, verbose=0))
    np.testing.assert_allclose(whole, own, atol=1e-5)
    assert not np.allclose(whole, np.concatenate(batches), atol=0.05)
    # A row is moved alike whatever stands beside it, also after the fit was stored; and in any order of features.
    kept.save(tmp_path / "fitted", [fitted])
    (again,) = kept.load(tmp_path / "fitted")
    part = data[[70, 2, 30]][:, ::-1].copy()
    np.testing.assert_allclose(again.transform(part).X, whole[[70, 2, 30]], atol=1e-5)


@real
def test_wells_that_the_fit_did_not_see_are_moved_with_their_batch() -> None:
    data = plates(wells=60)
    data.obs["split"] = np.where(np.arange(180) % 60 < 42, "train", "test")
    fitted = Scanorama.fit(data, ScanoramaSettings(width=8))
    held = (data.obs["split"] == "test").to_numpy()
    unit = data.X.astype(np.float64) / np.linalg.norm(data.X.astype(np.float64), axis=1, keepdims=True)

    def apart(values: np.ndarray) -> float:
        """How far the batches lie apart, in means of the same kinds of wells."""
        means = [values[held & (data.obs["batch"] == b).to_numpy()].mean(axis=0) for b in "ABC"]
        return float(np.linalg.norm(np.array(means) - np.mean(means, axis=0)))

    assert apart(fitted.transform(data).X) < 0.5 * apart(unit @ fitted.components)
