"""The arm corrector in a plain loop: the own gene left out, genes without an arm untouched, unexpressed genes only, kept on disk."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import impasto as im
from impasto import profiles as tables
from impasto.cli import app
from impasto.correction import kept
from impasto.correction.arm import Arm, ArmSettings
from impasto.schema import InputError


def knock_outs(*, genes: int = 24, arms: int = 3, shift: float = 3.0, width: int = 5, seed: int = 0) -> anndata.AnnData:
    """Two plates; gene g00... on arm number % arms, every arm with an effect of its own; two controls, two compounds a plate."""
    rng = np.random.default_rng(seed)
    of_arm = shift * rng.normal(size=(arms, width))
    rows, values = [], []
    for plate in ("P1", "P2"):
        for number in range(genes):
            well = f"{'ABCDEFGH'[number // 12]}{number % 12 + 1:02d}"
            rows.append((plate, well, f"g{number:02d}", f"G{number:02d}", "trt", "crispr"))
            values.append(of_arm[number % arms] + rng.normal(size=width))
        for number, (name, kind, what) in enumerate(
            [("ntc", "negcon", "crispr"), ("ntc", "negcon", "crispr"), ("drug", "trt", "compound")]
        ):
            rows.append((plate, f"H{number + 1:02d}", name, "G01" if kind == "trt" else None, kind, what))
            values.append(rng.normal(size=width))
    columns = ["plate", "well", "perturbation", "gene", "control_type", "perturbation_type"]
    return anndata.AnnData(X=np.array(values, dtype=np.float32), obs=pd.DataFrame(rows, columns=columns).rename(index=str))


def arms_file(folder: Path, *, genes: int = 22, arms: int = 3) -> Path:
    """The arms of all but the last two genes, the first half of them not expressed."""
    lines = [f"g{i:02d},{i % arms}p,{'no' if i < 12 else 'yes'}" for i in range(genes)]
    path = folder / "arms.csv"
    path.write_text("\n".join(["gene,arm,expressed", *lines]) + "\n")
    return path


@pytest.mark.parametrize("on", ["all", "unexpressed"])
def test_each_well_loses_the_mean_of_the_other_genes_of_its_arm(on: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = knock_outs()
    corrected = Arm.fit(data, ArmSettings(arms=arms_file(tmp_path), on=on, least=3)).transform(data)  # type: ignore[arg-type]
    x, obs = data.X.astype(np.float64), data.obs
    mean = {
        f"G{i:02d}": x[((obs["gene"] == f"G{i:02d}") & (obs["perturbation_type"] == "crispr")).to_numpy()].mean(axis=0)
        for i in range(12 if on == "unexpressed" else 22)
    }
    for row in range(len(x)):
        gene, crispr = obs["gene"].iloc[row], obs["perturbation_type"].iloc[row] == "crispr"
        expected = x[row]
        if gene is not None and crispr and int(gene[1:]) < 22:
            others = [profile for other, profile in mean.items() if other != gene and int(other[1:]) % 3 == int(gene[1:]) % 3]
            expected = x[row] - np.mean(others, axis=0)
        np.testing.assert_allclose(corrected.X[row], expected, atol=1e-5)
    said = " ".join(capsys.readouterr().out.split())
    assert "arm: 22 of 24 genes corrected; as they were: 2 without an arm (G22, G23)" in said


def test_arms_of_few_genes_stay_and_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = knock_outs()
    corrected = Arm.fit(data, ArmSettings(arms=arms_file(tmp_path, arms=11), least=2)).transform(data)
    np.testing.assert_array_equal(corrected.X, data.X)
    assert "0 of 24 genes corrected" in capsys.readouterr().out
    # With one other gene on its arm, a gene loses that gene's mean.
    one = Arm.fit(data, ArmSettings(arms=arms_file(tmp_path, arms=11), least=1)).transform(data)
    other = data.X[(data.obs["gene"] == "G14").to_numpy()].mean(axis=0)
    row = int(np.flatnonzero((data.obs["gene"] == "G03").to_numpy())[0])
    np.testing.assert_allclose(one.X[row], data.X[row] - other, atol=1e-5)


def test_new_plates_are_corrected_by_the_fit_and_held_out_wells_teach_nothing(tmp_path: Path) -> None:
    data = knock_outs()
    first = data[(data.obs["plate"] == "P1").to_numpy()].copy()
    fitted = Arm.fit(first, ArmSettings(arms=arms_file(tmp_path)))
    kept.save(tmp_path / "fitted", [fitted])
    (again,) = kept.load(tmp_path / "fitted")
    np.testing.assert_array_equal(again.transform(data).X, fitted.transform(data).X)
    data.obs["split"] = np.where(data.obs["plate"] == "P1", "train", "test")
    np.testing.assert_array_equal(Arm.fit(data, ArmSettings(arms=arms_file(tmp_path))).transform(data).X, fitted.transform(data).X)


def test_the_terminal_and_python_do_the_same(tmp_path: Path) -> None:
    data, arms = knock_outs(), arms_file(tmp_path)
    tables.write(data, tmp_path / "p.parquet")
    ran = CliRunner().invoke(
        app, ["correct", str(tmp_path / "p.parquet"), "--method", "arm", "--arms", str(arms), "--out", str(tmp_path / "q.parquet")]
    )
    assert ran.exit_code == 0, ran.output
    written = tables.read(tmp_path / "q.parquet")
    given = im.pp.arm(tables.read(tmp_path / "p.parquet"), arms=str(arms), copy=True)
    np.testing.assert_allclose(written.X, given.X, atol=1e-6)
    assert not np.allclose(written.X, data.X)


def test_what_is_missing_is_one_sentence(tmp_path: Path) -> None:
    data = knock_outs()
    with pytest.raises(InputError, match=r"arm needs a table of genes and their chromosome arms .* --arms FILE"):
        Arm.fit(data)
    strange = tmp_path / "strange.csv"
    strange.write_text("gene,arm\nZZ1,1p\nZZ2,1q\n")
    with pytest.raises(InputError, match="none of the 24 genes knocked out is among the 2 usable genes"):
        Arm.fit(data, ArmSettings(arms=strange))
    with pytest.raises(InputError, match="needs a column 'expressed'"):
        Arm.fit(data, ArmSettings(arms=strange, on="unexpressed"))
    del data.obs["gene"]
    with pytest.raises(InputError, match="gene"):
        Arm.fit(data, ArmSettings(arms=strange))
