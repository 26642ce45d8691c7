"""`import impasto as im`: quick, without torch; each function does what its verb does."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import impasto as im
from impasto.schema import InputError
from impasto.simulate.plan import Plan
from impasto.simulate.profiles import simulate


@pytest.fixture(scope="module")
def ad() -> object:
    return simulate(Plan(sources=1, batches=2, plates=1, perturbations=12, mechanisms=4, controls=6), seed=0)[0]


def test_the_import_is_lazy_and_everything_is_listed() -> None:
    code = (
        "import sys, impasto as im; assert 'torch' not in sys.modules and 'pandas' not in sys.modules; "
        "print(' '.join(dir(im))); im.pp, im.tl, im.pl, im.read; im.tl.replicates, im.pp.standardize; assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = set(done.stdout.split())
    assert {"read", "write", "concat", "pp", "tl", "pl", "train", "embed", "search", "explore"} <= names
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        im.trian  # noqa: B018


def test_profiles_are_written_and_read_back(ad: object, tmp_path: Path) -> None:
    for ending in (".parquet", ".h5ad", ".csv"):
        im.write(ad, tmp_path / f"p{ending}")
        again = im.read(tmp_path / f"p{ending}")
        np.testing.assert_allclose(again.X, ad.X, rtol=1e-6)
        assert again.obs["well"].tolist() == ad.obs["well"].tolist()


def test_reading_marks_the_controls_that_are_named(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "Metadata_Plate": ["1"] * 3,
            "Metadata_Well": ["A01", "A02", "A03"],
            "Metadata_compound": ["DMSO", "x", None],
            "Cells_AreaShape_Area": 1.5,
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert im.read(tmp_path / "t.csv", negcon=["dmso"]).obs["control_type"].tolist()[0] == "negcon"
    with pytest.raises(InputError, match=r"no well is named 'DMSA' .did you mean 'DMSO'"):
        im.read(tmp_path / "t.csv", negcon=["DMSA"])


def test_tables_are_stacked_over_common_features(ad: object) -> None:
    both = im.concat([ad, ad[:, :5].copy()])
    assert both.shape == (2 * ad.n_obs, 5)
    assert both.uns["features_dropped"] == ad.n_vars - 5


@pytest.fixture(scope="module")
def run(ad: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("rdkit")
    return im.train(
        {"name": "two_towers", "perturbation": "molecule", "split": {"validation": 0.0, "test": 0.0}},
        ad,
        out=tmp_path_factory.mktemp("front") / "run",
        loop={"epochs": 1},
        seed=3,
    )


def test_a_method_is_trained_embeds_and_is_searched(ad: object, run: Path) -> None:
    assert (run / "model.safetensors").is_file()
    embedded = im.embed(run, ad)
    assert set(embedded.obs["modality"]) == {"profile", "perturbation"}
    np.testing.assert_allclose(np.linalg.norm(embedded.X, axis=1), 1, atol=1e-5)
    kept = list(run.parent.glob("run.*.h5ad"))
    assert len(kept) == 1
    np.testing.assert_array_equal(im.read(kept[0]).X, ad.X)
    first = ad.obs.loc[ad.obs["smiles"].notna(), "smiles"].iloc[0]
    assert len(im.search(run, smiles=first, top=3)) == 3


def test_training_again_is_skipped_and_a_misspelt_key_is_named(ad: object, run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unknown key 'los' \(did you mean 'loss'\?\)"):
        im.train({"name": "two_towers", "los": "clip"}, ad, out=tmp_path / "x")
    with pytest.raises(TypeError, match="training takes an AnnData or a DataFrame"):
        im.train({"name": "two_towers"}, np.ones((2, 2)), out=tmp_path / "x")  # type: ignore[arg-type]


def test_exactly_one_question_is_asked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="0 questions were asked; give exactly one of name, text, smiles, gene, well, image"):
        im.search(tmp_path)
    with pytest.raises(InputError, match="2 questions were asked"):
        im.search(tmp_path, text="a", gene="b")


def test_profiles_are_explored_on_loopback_until_stopped(ad: object) -> None:
    pytest.importorskip("fastapi")
    explorer = im.explore(ad)
    try:
        said = json.loads(urllib.request.urlopen(explorer.address + "/api/about", timeout=5).read())
        assert said["counts"]["wells"] == ad.n_obs  # type: ignore[attr-defined]
        assert explorer.address in explorer._repr_html_()
    finally:
        explorer.stop()
