"""Expression to vectors: PCA against scikit-learn, a new line by itself, files that are read back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.perturbations.transcribed import counts

from impasto.perturbations import expression
from impasto.perturbations.expression import ExpressionSettings
from impasto.perturbations.expression_tables import read_table
from impasto.perturbations.variable_genes import normalised
from impasto.schema import InputError


def test_pca_vectors_are_those_of_scikit_learn_up_to_scale_and_sign() -> None:
    from sklearn.decomposition import PCA

    table = counts()
    learned = expression.learn(table, ExpressionSettings(width=4, genes=100))
    levels = normalised(table.to_numpy(dtype=float), total=1e4)
    inside = levels[:, [table.columns.get_loc(g) for g in expression.gene_names(learned)]]
    theirs = PCA(4, svd_solver="full").fit_transform(inside)
    theirs /= np.sqrt((theirs**2).mean())
    np.testing.assert_allclose(np.abs(learned.vectors), np.abs(theirs), atol=1e-4)
    assert np.square(learned.vectors).mean() == pytest.approx(1.0, rel=1e-5)


def test_genes_of_few_lines_are_left_out() -> None:
    table = counts()
    table["G000"] = 0
    table.loc["LINE-0", "G000"] = 10_000
    learned = expression.learn(table, ExpressionSettings(method="raw", genes=1000))
    assert "G000" not in expression.gene_names(learned)
    assert learned.vectors.shape[1] == len(expression.gene_names(learned)) > 150


def test_a_new_line_is_projected_by_what_was_learned(tmp_path: Path) -> None:
    table = counts()
    for method in ("pca", "raw"):
        learned = expression.learn(table, ExpressionSettings.read({"method": method, "width": 5}, where="test"))
        expression.write(learned, tmp_path / method)
        again = expression.read(tmp_path / method)
        twin = table.iloc[[3]].rename(index={"LINE-3": "new one"})
        more = expression.transform(twin, again)
        vectors, known = more.of(["newone", "LINE 3", "nobody"])
        assert known.tolist() == [True, True, False]
        np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)
    with pytest.raises(InputError, match="genes learned from are not in the table"):
        expression.transform(table.iloc[:1, :5], again)


def test_too_few_lines_and_flat_genes_are_refused() -> None:
    with pytest.raises(InputError, match="too little to learn from"):
        expression.learn(counts().iloc[:1], ExpressionSettings())
    flat = counts() * 0 + 5
    with pytest.raises(InputError, match="no gene is expressed"):
        expression.learn(flat, ExpressionSettings())


def test_precomputed_vectors_are_a_table(tmp_path: Path) -> None:
    pd.DataFrame({"cell_line": ["U2OS", "HeLa"], "x": [1.0, 2.0], "y": [0.0, 1.0]}).to_csv(tmp_path / "v.csv", index=False)
    found, known = expression.read(tmp_path / "v.csv").of(["hela"])
    assert found.tolist() == [[2.0, 1.0]]
    assert known.tolist() == [True]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_scvi_gives_a_latent_of_the_width_asked_for() -> None:
    pytest.importorskip("scvi")
    learned = expression.learn(counts(12, 80), ExpressionSettings(method="scvi", width=6, genes=50, epochs=3))
    assert learned.vectors.shape == (12, 6)
    assert np.isfinite(learned.vectors).all()


def test_real_lines_of_the_paediatric_atlas_join_to_their_expression(shared_data: Path) -> None:
    table = read_table(shared_data / "expression" / "ccle_rma_500_lines_1000_genes.parquet")
    assert table.shape == (500, 1000)
    learned = expression.learn(table, ExpressionSettings(width=16, values="log"))
    lines = pd.read_parquet(shared_data / "profiles" / "pediatric_cell_atlas.parquet", columns=["Metadata_cell_line"])["Metadata_cell_line"]
    _, known = learned.of(sorted(lines.unique()))
    assert (known.sum(), len(known)) == (13, 43)


def test_genes_of_counts_are_the_variable_ones_and_of_logs_those_of_most_spread() -> None:
    table = counts(20, 60)
    logged = expression.normalised(table.to_numpy(dtype=float), total=1e4)
    inside = (table > 0).sum().to_numpy() >= 2
    places = np.flatnonzero(inside & (logged.std(0) > 0))
    variable = places[expression.variable_genes(logged[:, places], genes=7)]
    spread = np.sort(np.argsort(-logged.std(0), kind="stable")[:7])
    assert set(variable) != set(spread)
    chosen = ExpressionSettings(genes=7, lines=2, method="raw")
    assert expression.gene_names(expression.learn(table, chosen)) == [f"G{i:03d}" for i in variable]
    as_logs = pd.DataFrame(logged, index=table.index, columns=table.columns)
    of_logs = expression.learn(as_logs, ExpressionSettings(genes=7, lines=2, method="raw", values="log"))
    assert expression.gene_names(of_logs) == [f"G{i:03d}" for i in spread]


def test_variable_genes_bin_by_bin_in_plain_loops() -> None:
    """Dispersion over its mean and sd in the gene's bin of level; a gene alone in its bin counts as 1."""
    rng = np.random.default_rng(4)
    logged = np.log1p(rng.gamma(2.0, 3.0, (15, 60)))
    logged[:, 0] = np.log1p(5000 + 900 * rng.random(15))
    mean = np.expm1(logged).mean(0)
    dispersion = np.log(np.expm1(logged).var(0, ddof=1) / mean)
    level = np.log1p(mean)
    edges = np.linspace(level.min(), level.max(), 21)
    place = np.clip(np.searchsorted(edges, level, side="left"), 1, 20)
    score = np.empty(60)
    for gene in range(60):
        own = dispersion[place == place[gene]]
        score[gene] = 1.0 if len(own) == 1 else (dispersion[gene] - own.mean()) / own.std(ddof=1)
    assert (place == place[0]).sum() == 1
    for genes in (5, 12, 20):
        expected = np.sort(np.argsort(-score, kind="stable")[:genes])
        assert expression.variable_genes(logged, genes=genes).tolist() == expected.tolist()


def test_what_is_left_out_is_as_documented() -> None:
    assert ExpressionSettings().model_dump() == {
        "method": "pca",
        "width": 256,
        "genes": 1000,
        "lines": 5,
        "total": 10_000.0,
        "values": "counts",
        "epochs": 400,
        "seed": 0,
    }


def test_new_lines_are_not_projected_by_what_learns_all_together() -> None:
    learned = expression.learn(counts(), ExpressionSettings(method="raw"))
    together = dataclasses.replace(learned, settings=ExpressionSettings(method="scvi"))
    with pytest.raises(InputError, match="scVI vectors are learned together; give old and new lines in one table"):
        expression.transform(counts(), together)
