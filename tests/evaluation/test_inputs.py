"""What tasks take from a table: kinds of tables, parts, labels, batches, consensus."""

from __future__ import annotations

import inspect

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from tests.evaluation.small import plates

from impasto.evaluation import OF_CELLS, TASKS, inputs
from impasto.schema import InputError


def frame() -> pd.DataFrame:
    data = plates()
    features = pd.DataFrame(data.X, columns=[f"Cells_Texture_F{i}_DNA" for i in range(data.n_vars)])
    return pd.concat([data.obs.add_prefix("Metadata_").reset_index(drop=True), features], axis=1)


def test_a_dataframe_and_an_anndata_with_prefixes_score_as_profiles_do() -> None:
    data = plates()
    expected = TASKS["replicates"](data, draws=9).scores
    prefixed = anndata.AnnData(X=data.X, obs=data.obs.add_prefix("Metadata_"))
    for table in (frame(), frame().sample(frac=1, random_state=0).sort_index(), prefixed):
        pd.testing.assert_frame_equal(TASKS["replicates"](table, draws=9).scores, expected)


def test_sparse_and_float64_values_score_as_dense_ones_do() -> None:
    data = plates()
    expected = TASKS["mixing"](data, k=5).scores
    for values in (sparse.csr_matrix(data.X), data.X.astype(np.float64), sparse.csc_matrix(data.X)):
        pd.testing.assert_frame_equal(TASKS["mixing"](anndata.AnnData(X=values, obs=data.obs), k=5).scores, expected)


def needs_a_file(task: str) -> bool:
    """Whether a task has a setting without a default: the pairs of `relations`, the arms of `arms`."""
    settings = list(inspect.signature(TASKS[task]).parameters.values())[1:]
    return any(setting.default is inspect.Parameter.empty for setting in settings)


@pytest.mark.parametrize("task", [t for t in TASKS if t not in OF_CELLS and not needs_a_file(t)])
def test_anything_else_is_one_sentence(task: str) -> None:
    for wrong in ("profiles.parquet", None, np.ones((3, 3)), [1, 2]):
        with pytest.raises(TypeError, match=rf"takes an AnnData or a DataFrame .*, not {type(wrong).__name__}; read a file"):
            TASKS[task](wrong)
    with pytest.raises(InputError, match="needs rows and features, and the table has 0 rows of 6 features"):
        TASKS[task](plates()[:0].copy())


def test_no_task_changes_the_table_it_is_given() -> None:
    data = plates(doses=True)
    before = data.copy()
    for task in ("replicates", "hits", "mechanism", "shortcuts"):
        TASKS[task](data, draws=5)
    TASKS["mixing"](data, k=5)
    np.testing.assert_array_equal(data.X, before.X)
    pd.testing.assert_frame_equal(data.obs, before.obs)


def test_of_a_joint_space_the_rows_of_wells_are_taken_unless_all_are_asked_for() -> None:
    data = plates()
    obs = data.obs.assign(modality=["profile"] * 50 + ["perturbation"] * 4, level=["well"] * 46 + ["perturbation"] * 8)
    space = anndata.AnnData(X=data.X, obs=obs)
    assert inputs.as_profiles(space, task="x").obs_names.tolist() == data.obs_names[:46].tolist()
    assert inputs.as_profiles(space, task="x", joint=True).n_obs == 54


def test_a_part_has_its_treated_wells_and_the_controls_that_may_judge_it() -> None:
    data = plates()
    obs = data.obs
    obs["split"] = np.where(obs["plate"] == "P2", "test", "train")
    part = inputs.of_part(data, "test").obs
    assert part["control_type"].value_counts().to_dict() == {"trt": 8, "negcon": 6}  # its own controls
    obs["spared"] = (obs["control_type"] == "negcon") & (obs["batch"] == "Y")
    part = inputs.of_part(data, "test").obs
    assert part["control_type"].value_counts().to_dict() == {"trt": 8, "negcon": 6}
    assert set(part.loc[part["control_type"] == "negcon", "batch"]) == {"Y"}  # the spared ones
    obs["spared"] = (obs["control_type"] == "negcon") & (obs["well"] != "B03")
    part = inputs.of_part(data, "test").obs
    assert part["control_type"].value_counts().to_dict() == {"trt": 8, "negcon": 15}  # the spared ones of all plates
    obs["spared"] = False
    obs["split"] = np.where(obs["perturbation"] == "a", "test", "train")
    assert inputs.of_part(data, "test").obs["control_type"].value_counts().to_dict() == {"trt": 6, "negcon": 18}  # else all


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        ({"source": "AB", "batch": "XY", "plate": "PQ"}, "source"),
        ({"source": "AA", "batch": "XY", "plate": "PQ"}, "batch"),
        ({"source": "AA", "batch": "XX", "plate": "PQ"}, "plate"),
        ({"batch": ["X", None], "plate": "PQ"}, "plate"),
        ({"batch": "XY", "plate": "PP"}, "batch"),
        ({"source": "AA", "batch": "XX", "plate": "PP"}, None),
        ({"plate": ["P", None]}, None),
    ],
)
def test_the_batch_is_the_widest_column_with_several_values(columns: dict[str, list[str]], word: str | None) -> None:
    obs = pd.DataFrame({k: list(v) for k, v in columns.items()})
    if word is None:
        with pytest.raises(InputError, match="holds two batches; name one with --set batch=COLUMN"):
            inputs.batch_word(obs)
    else:
        assert inputs.batch_word(obs) == word
        assert inputs.batch_word(obs, among="plate") == "plate"


def test_targets_come_from_the_first_column_that_holds_any_and_genes_fill_in() -> None:
    obs = pd.DataFrame({"targets": ["A|B", None, None], "gene": ["A", "C", None], "moa": ["x", "y", "z"]})
    assert inputs.targets(obs) == ([frozenset("AB"), frozenset("C"), frozenset()], "targets")
    assert inputs.targets(obs, by="targets")[0][1] == frozenset()
    assert inputs.targets(obs.drop(columns="targets")) == ([frozenset("A"), frozenset("C"), frozenset()], "gene")
    assert inputs.targets(obs[["moa"]]) == ([frozenset("x"), frozenset("y"), frozenset("z")], "moa")
    with pytest.raises(InputError, match="no labels in targets, gene, moa"):
        inputs.targets(obs[[]])


def test_consensus_is_the_median_or_mean_of_each_code() -> None:
    values, codes = np.array([[1.0], [2.0], [9.0], [5.0], [7.0]]), np.array([0, 0, 0, -1, 1])
    assert inputs.consensus(values, codes).tolist() == [[2.0], [7.0]]
    assert inputs.consensus(values, codes, statistic="mean").tolist() == [[4.0], [7.0]]
    with pytest.raises(InputError, match="unknown statistic 'mode'"):
        inputs.consensus(values, codes, statistic="mode")  # type: ignore[arg-type]


def test_a_protocol_names_doses_only_where_there_are_several() -> None:
    assert inputs.dose_words(plates().obs, pool_doses=True) == ""
    assert inputs.dose_words(plates(doses=True).obs, pool_doses=True) == ", doses pooled"
    assert inputs.dose_words(plates(doses=True).obs, pool_doses=False) == ", doses apart"


def test_a_task_of_perturbations_begins_with_their_names_as_the_user_chose() -> None:
    data = plates()
    names = data.obs["perturbation"].astype(str)
    own, none = inputs.named(data, "name", task="test")
    assert own.obs["perturbation"].astype(str).tolist() == names.tolist()
    assert none.empty
    first, second = sorted(set(names[data.obs["control_type"] == "trt"]))[:2]
    data.obs["inchikey"] = names.where(~names.isin([first, second]), "SAME")
    joined, merged = inputs.named(data, "inchikey", task="test")
    assert len(merged) == 1
    assert joined.obs["perturbation"].astype(str).nunique() == names.nunique() - 1
    assert data.obs["perturbation"].astype(str).nunique() == names.nunique()
    with pytest.raises(InputError, match=r"^test"):
        inputs.named(frame().drop(columns="Metadata_perturbation"), "name", task="test")
