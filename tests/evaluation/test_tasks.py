"""Every task by the command line: named protocol, the keys of the contract, the baselines beside it, the nearest spelling in errors."""

from __future__ import annotations

import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluation.rows import rows
from typer.testing import CliRunner

from impasto import evaluation
from impasto import profiles as tables
from impasto.cli import app
from impasto.evaluation.tidy import COLUMNS
from impasto.schema import InputError
from impasto.simulate.plan import Plan
from impasto.simulate.profiles import simulate

PERTURBATION_TASKS = {
    "replicates": [],
    "sisters": ["--protocol", "all", "--set", "by=moa"],
    "relations": ["--protocol", "efaar"],
    "compound-gene": ["--set", "seeds=5"],
    "mechanism": ["--set", "classify_by=plate"],
    "mixing": [],
    "conservation": [],
    "transfer": ["--protocol", "over-batches", "--set", "shots=[1,2]"],
    "shortcuts": [],
    "hits": ["--set", "draws=50"],
    "percent-replicating": [],
    "grit": [],
    "distributions": ["--set", "least=2", "--set", "draws=99"],
    "saturation": ["--set", "draws=99"],
}
FEATURE_TASKS = {
    "differential-features": [],
    "power": ["--set", "plates=[2]", "--set", "controls=[8]", "--set", "runs=2", "--set", "draws=200"],
    "arms": ["--set", "least=1"],
}
"""Tasks that score features, designs, guides or arms: a position or a count of cells has no such thing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated compounds and knock-outs of one set of mechanisms, and relations between the genes of a mechanism."""
    here = tmp_path_factory.mktemp("tasks")
    compounds, _ = simulate(Plan(perturbations=24, mechanisms=6, controls=8), seed=1)
    genes, _ = simulate(Plan(perturbations=24, mechanisms=6, controls=8, kind="crispr"), seed=1)
    for table, kind in ((compounds, "C"), (genes, "G")):
        table.obs["perturbation"] = kind + table.obs["perturbation"].astype(str)
        table.obs["plate"] = kind + table.obs["plate"].astype(str)
    both = tables.join_common([compounds, genes])
    tables.write(both, here / "profiles.parquet")
    known = both.obs[both.obs["perturbation_type"] == "crispr"].drop_duplicates("gene").dropna(subset="gene")
    pairs = [(a, b) for _, g in known.groupby("moa") for a, b in zip(g["gene"], g["gene"].iloc[1:], strict=False)]
    pd.DataFrame(pairs, columns=["gene1", "gene2"]).to_csv(here / "toy_pairs.csv", index=False)
    return here


@pytest.mark.parametrize("task", PERTURBATION_TASKS)
def test_a_task_prints_named_scores_beside_its_baselines(task: str, folder: Path, tmp_path: Path) -> None:
    options = PERTURBATION_TASKS[task] + (["--set", f"pairs={folder / 'toy_pairs.csv'}"] if task == "relations" else [])
    ran = CliRunner().invoke(
        app, ["evaluate", task, str(folder / "profiles.parquet"), "--out", str(tmp_path / "scores"), "--json", *options]
    )
    assert ran.exit_code == 0, ran.output
    rows = json.loads(ran.stdout)
    assert all(tuple(row) == COLUMNS for row in rows)
    assert all(row["task"] == task and row["protocol"] and row["n"] > 0 for row in rows)
    groups = {row["group"] for row in rows}
    assert "cell count only" in groups
    assert any(g.startswith("position") for g in groups)
    for row in rows:
        if row["low"] is not None and not row["metric"].startswith("clusters"):
            assert row["low"] - 1e-9 <= row["value"] <= row["high"] + 1e-9, row
    assert (tmp_path / "scores" / "run.json").exists()
    written = pd.read_csv(tmp_path / "scores" / "results.csv")
    assert len(written) == len(rows)


@pytest.mark.parametrize("task", FEATURE_TASKS)
def test_a_task_of_features_or_designs_prints_named_scores(task: str, folder: Path, tmp_path: Path) -> None:
    genes = sorted(tables.read(folder / "profiles.parquet").obs["gene"].dropna().unique())
    pd.DataFrame({"gene": genes, "arm": [f"{i % 2}p" for i in range(len(genes))]}).to_csv(tmp_path / "arms.csv", index=False)
    options = FEATURE_TASKS[task] + (["--set", f"arms={tmp_path / 'arms.csv'}"] if task == "arms" else [])
    ran = CliRunner().invoke(
        app, ["evaluate", task, str(folder / "profiles.parquet"), "--out", str(tmp_path / "scores"), "--json", *options]
    )
    assert ran.exit_code == 0, ran.output
    rows = json.loads(ran.stdout)
    assert rows
    assert all(tuple(row) == COLUMNS for row in rows)
    assert all(row["task"] == task and row["protocol"] and row["n"] > 0 and row["about"] for row in rows)


def test_all_tasks_of_the_contract_are_here() -> None:
    assert set(evaluation.TASKS) >= {"cross-modal", *PERTURBATION_TASKS, *FEATURE_TASKS, "guides"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["sistars"], "did you mean 'sisters'"),
        (["sisters", "--protocol", "passin"], "did you mean 'passing'"),
        (["mixing", "--set", "labell=moa"], "did you mean 'label'"),
        (["relations"], "needs the option 'pairs'"),
        (["mixing", "--set", "k=many"], "k is 'many'"),
        (["replicates", "--level", "batches"], "did you mean 'batch'"),
    ],
)
def test_a_wrong_word_is_one_sentence(arguments: list[str], sentence: str, folder: Path, tmp_path: Path) -> None:
    task, *options = arguments
    ran = CliRunner().invoke(app, ["evaluate", task, str(folder / "profiles.parquet"), "--out", str(tmp_path / "x"), *options])
    # The command line turns this error into its sentence and exit code 2.
    assert isinstance(ran.exception, InputError)
    assert sentence in str(ran.exception)


def test_rows_in_another_order_give_the_same_scores(folder: Path) -> None:
    data = tables.read(folder / "profiles.parquet")
    order = np.random.default_rng(0).permutation(data.n_obs)
    mixed = anndata.AnnData(X=data.X[order], obs=data.obs.iloc[order].reset_index(drop=True).rename(index=str), var=data.var)
    for task, given in (("sisters", {"protocol": "all", "by": "moa"}), ("mixing", {}), ("hits", {"draws": 20})):
        one, other = (rows(evaluation.TASKS[task](d, **given)) for d in (data, mixed))
        seeded = ("F1", "batch score")
        mine = [(s.metric, s.protocol, s.value) for s in one if s.group == "profiles" and not any(w in s.metric for w in seeded)]
        theirs = [(s.metric, s.protocol, s.value) for s in other if s.group == "profiles" and not any(w in s.metric for w in seeded)]
        assert [m[:2] for m in mine] == [t[:2] for t in theirs]
        if task != "hits":
            np.testing.assert_allclose([m[2] for m in mine], [t[2] for t in theirs], atol=1e-5)
