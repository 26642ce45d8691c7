"""One table as a candidate: both questions, and the score of all others without each unit, by the task on the table without it."""

from __future__ import annotations

import anndata
import numpy as np
import pytest
from tests.evaluation.test_treatments import table

from impasto import profiles as tables
from impasto.evaluation import mechanism, ways
from impasto.schema import InputError


def profiles(*, seed: int = 0) -> anndata.AnnData:
    obs, values = table(seed=seed)
    return anndata.AnnData(X=values, obs=obs, var=tables.describe_features([f"emb_{i:04d}" for i in range(values.shape[1])]))


def test_it_scores_as_the_task_does() -> None:
    data = profiles()
    found = ways.candidate(data, "net", "raw", batch="batch")
    task = mechanism.evaluate(data, batch="batch", shuffles=0, draws=5).scores
    own = task[task["group"] == "profiles"].set_index("metric")["value"]
    for name in ("NSC", "NSB"):
        asked = found.asked(name).treatments
        assert asked["right"].mean() == pytest.approx(own[f"accuracy {name}"])
        assert asked["precision"].mean() == pytest.approx(own[f"mAP {name}"])
    assert found.name == "net: raw"
    assert (found.nsc.treatments["batch"] == "").all()
    assert set(found.nsb.treatments["batch"]) == {"W0", "W1", "W2"}


@pytest.mark.parametrize(("outer", "unit", "column"), [("compound", "c05", "perturbation"), ("mechanism", "m2", "moa")])
def test_the_choice_never_sees_the_unit(outer: ways.Outer, unit: str, column: str) -> None:
    """Really deleted from the table: neither a query nor a candidate."""
    data = profiles()
    bare = data[(data.obs[column] != unit).to_numpy()].copy()
    found = ways.candidate(data, "net", "raw", batch="batch")
    other = ways.candidate(bare, "net", "raw", batch="batch")
    expected = other.nsc.treatments["precision"].mean() + other.nsb.treatments["precision"].mean()
    assert found.without(outer, unit) == pytest.approx(expected)
    # Whatever the unit's own rows hold.
    changed = data.copy()
    changed.X[(data.obs[column] == unit).to_numpy()] = np.random.default_rng(9).normal(size=5) * 50
    assert ways.candidate(changed, "net", "raw", batch="batch").without(outer, unit) == pytest.approx(expected)


def test_a_shortcut_is_asked_instead_of_the_features() -> None:
    data = profiles()
    perfect = np.eye(4, dtype=np.float32)[[int(m[1]) for m in data.obs["moa"]]]
    assert ways.candidate(data, "truth", "", batch="batch", shortcut=perfect).nsc.treatments["right"].mean() == 1


def test_what_cannot_be_asked_is_a_sentence() -> None:
    data = profiles()
    data.obs["moa"] = data.obs["perturbation"]
    with pytest.raises(InputError, match="net: raw: no two compounds share a moa"):
        ways.candidate(data, "net", "raw", batch="batch")
    hole = profiles()
    hole.X[0, 0] = np.nan
    with pytest.raises(InputError, match="choosing"):
        ways.candidate(hole, "net", "raw", batch="batch")
