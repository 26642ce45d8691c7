"""Expression to vectors: the steps against plain loops and scanpy, forms of tables, a new line by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.peers import peer

from impasto.perturbations import expression
from impasto.perturbations.expression import ExpressionSettings
from impasto.schema import InputError


def counts(lines: int = 12, genes: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(lines, 3)) @ rng.normal(size=(3, genes))
    values = rng.poisson(np.exp(rng.normal(1.5, 1.0, genes) + 0.4 * factors))
    return pd.DataFrame(values, index=[f"LINE-{i}" for i in range(lines)], columns=[f"G{i:03d}" for i in range(genes)])


def test_normalised_is_the_log_of_counts_scaled_to_a_total() -> None:
    table = counts().to_numpy(dtype=float)
    found = expression.normalised(table, total=1e4)
    for i in (0, 5):
        for j in (0, 17):
            assert found[i, j] == pytest.approx(np.log(1 + table[i, j] / sum(table[i]) * 1e4))
    with pytest.raises(InputError, match='values = "log"'):
        expression.normalised(table - 50, total=1e4)


@pytest.mark.filterwarnings("ignore")
def test_variable_genes_are_those_of_scanpy() -> None:
    scanpy = peer("scanpy")
    import anndata

    logged = expression.normalised(counts(30, 400).to_numpy(dtype=float) + 0.0, total=1e4)
    data = anndata.AnnData(logged.copy())
    scanpy.pp.highly_variable_genes(data, n_top_genes=100, flavor="seurat")
    ours = expression.variable_genes(logged, genes=100)
    assert set(ours) == set(np.flatnonzero(data.var["highly_variable"]))


def test_variable_genes_find_what_was_planted() -> None:
    rng = np.random.default_rng(0)
    level = np.exp(rng.uniform(2, 5, 300))
    # Ten genes, spread over all levels, are high in half of the lines and low in the other half.
    share = np.ones((40, 300))
    planted = np.argsort(level)[15::30]
    share[:20, planted], share[20:, planted] = 1.8, 0.2
    chosen = expression.variable_genes(expression.normalised(rng.poisson(level * share).astype(float), total=1e4), genes=10)
    assert set(chosen) == set(planted)


def test_pca_vectors_are_those_of_scikit_learn_up_to_scale_and_sign() -> None:
    from sklearn.decomposition import PCA

    table = counts()
    learned = expression.learn(table, ExpressionSettings(width=4, genes=100))
    levels = expression.normalised(table.to_numpy(dtype=float), total=1e4)
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


def test_both_forms_of_table_are_read(tmp_path: Path) -> None:
    table = counts(3, 4)
    table.rename_axis("Metadata_cell_line").reset_index().to_csv(tmp_path / "lines.csv", index=False)
    table.T.rename_axis("Gene").reset_index().to_csv(tmp_path / "genes.csv.gz", index=False)
    one, two = expression.read_table(tmp_path / "lines.csv"), expression.read_table(tmp_path / "genes.csv.gz")
    pd.testing.assert_frame_equal(one, two, check_names=False)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n", "neither a column cell_line"),
        ("cell_line,G1\nX,1\nx,2\n", "stands there twice"),
        ("cell_line,G1,G2\nX,1,\nY,2,1\n", "1 values are missing"),
        ("cell_line,G1\nX,high\nY,2\n", "'G1' is not numeric"),
    ],
)
def test_bad_tables_say_what_is_wrong(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=sentence):
        expression.read_table(tmp_path / "t.csv")


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
    table = expression.read_table(shared_data / "expression" / "ccle_rma_500_lines_1000_genes.parquet")
    assert table.shape == (500, 1000)
    learned = expression.learn(table, ExpressionSettings(width=16, values="log"))
    lines = pd.read_parquet(shared_data / "profiles" / "pediatric_cell_atlas.parquet", columns=["Metadata_cell_line"])["Metadata_cell_line"]
    _, known = learned.of(sorted(lines.unique()))
    assert (known.sum(), len(known)) == (13, 43)
