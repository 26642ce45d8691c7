"""Every task by the command line: named protocol, the keys of the contract, the baselines beside it, the nearest spelling in errors."""

from __future__ import annotations

import inspect
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


REPLICATES: dict[str, object] = {"pool_doses": False, "same_as": "name"}
DEFAULTS: dict[str, dict[str, object]] = {
    "impasto.evaluation.arms": {"least": 5, "shuffles": 999, "seed": 0},
    "impasto.evaluation.compound_gene": {
        "protocol": "rxrx3-core",
        "truth": None,
        "gene_type": "auto",
        "statistic": "median",
        "seeds": 100,
        "seed": 0,
    },
    "impasto.evaluation.conservation": {
        "protocol": "cellpaintr",
        "batch": "auto",
        "label": "perturbation",
        "pool_doses": False,
        "metric": "cosine",
        "before": None,
        "k": None,
        "resolution": 1.0,
        "seed": 0,
        "with_baselines": True,
        "device": None,
        "exact": False,
    },
    "impasto.evaluation.cross_modal": {"split": "test", "ks": (1, 5, 10), "pool": "unique", "shuffles": 999, "seed": 0, "device": None},
    "impasto.evaluation.differential_features": {**REPLICATES, "family": "run", "perturbations": None, "rate": 0.05, "seed": 0},
    "impasto.evaluation.distributions": {
        **REPLICATES,
        "protocol": "energy",
        "least": 3,
        "components": 50,
        "directions": 32,
        "cells": 50,
        "draws": 9999,
        "rate": 0.05,
        "seed": 0,
        "with_baselines": True,
    },
    "impasto.evaluation.grit": {**REPLICATES, "controls": "plates", "seed": 0, "with_baselines": True},
    "impasto.evaluation.guides": {
        "guide": "guide",
        "weights": "activity",
        "tail": "counted",
        "components": 50,
        "rate": 0.05,
        "shuffles": 999,
        "seed": 0,
    },
    "impasto.evaluation.hits": {
        **REPLICATES,
        "test": "auto",
        "family": "run",
        "plan": False,
        "components": 50,
        "draws": 20_000,
        "rate": 0.05,
        "benchmark": 1.349,
        "seed": 0,
    },
    "impasto.evaluation.mechanism": {
        "label": "moa",
        "batch": "auto",
        "batch_pattern": "",
        "pool_doses": False,
        "statistic": "mean",
        "unit": "compound",
        "classify_by": "",
        "draws": 200,
        "shuffles": 999,
        "seed": 0,
    },
    "impasto.evaluation.mixing": {
        "protocol": "cellpaintr",
        "batch": "auto",
        "label": "perturbation",
        "pool_doses": False,
        "metric": "cosine",
        "before": None,
        "k": None,
        "seed": 0,
        "with_baselines": True,
        "device": None,
        "exact": False,
    },
    "impasto.evaluation.percent_replicating": {**REPLICATES, "draws": 1000, "shuffles": 999, "seed": 0, "with_baselines": True},
    "impasto.evaluation.power": {
        **REPLICATES,
        "plates": None,
        "controls": None,
        "wells_a_plate": 1,
        "runs": 10,
        "components": 50,
        "draws": 5000,
        "rate": 0.05,
        "seed": 0,
    },
    "impasto.evaluation.relations": {
        "protocol": "two-sided",
        "statistic": "median",
        "thresholds": (0.02, 0.05, 0.1, 0.15, 0.2),
        "draws": 999,
        "seed": 0,
        "device": None,
    },
    "impasto.evaluation.replicates": {
        **REPLICATES,
        "protocol": "plate-controls",
        "level": "any",
        "draws": 1000,
        "shuffles": 999,
        "seed": 0,
        "with_baselines": True,
        "device": None,
        "null": "copairs",
        "exact": False,
    },
    "impasto.evaluation.saturation": {**REPLICATES, "most": 0, "subsets": 5, "draws": 1000, "seed": 0, "with_baselines": True},
    "impasto.evaluation.shortcuts": {"label": "perturbation", "pool_doses": False, "protocol": "plate-others", "draws": 500, "seed": 0},
    "impasto.evaluation.sisters": {
        **REPLICATES,
        "protocol": "both",
        "by": "auto",
        "statistic": "median",
        "draws": 1000,
        "shuffles": 999,
        "seed": 0,
        "exact": False,
    },
    "impasto.evaluation.subpopulations": {
        "pool_doses": False,
        "components": 30,
        "layouts": 999,
        "rate": 0.05,
        "leave_out_plates": False,
        "seed": 0,
    },
    "impasto.evaluation.transfer": {
        **REPLICATES,
        "protocol": "within-batch",
        "cell_line": None,
        "batch": "auto",
        "shots": (1, 3, 5),
        "splits": 5,
        "shuffles": 999,
        "seed": 0,
    },
}


def test_what_a_task_is_not_told_is_as_documented() -> None:
    """Numbers of every evaluation that says nothing else: one that moves moves the scores of everybody."""
    found = {}
    for name in evaluation.TASKS.names():
        task = evaluation.TASKS[name]
        given = inspect.signature(task).parameters.items()
        found[task.__module__] = {word: p.default for word, p in given if p.default is not inspect.Parameter.empty}
    assert found == DEFAULTS
