"""Tables side by side: names, baselines, settings of a task, tasks given in Python."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest
from tests.evaluation.small import plates

from impasto.evaluation import TASKS, several
from impasto.evaluation.inputs import Table, as_profiles
from impasto.evaluation.result import OWN, Result
from impasto.evaluation.tidy import Score
from impasto.schema import InputError


def width(profiles: Table, /, *, times: float = 1.0, seed: int = 0) -> Result:
    """A task of a user: how wide the profiles are."""
    ours = as_profiles(profiles, task="width")
    return Result.of([Score("width", f"times {times:g}", OWN, "width", times * ours.n_vars, None, None, None, ours.n_obs)])


def other_values(profiles: anndata.AnnData, *, seed: int) -> anndata.AnnData:
    values = np.random.default_rng(seed).normal(size=profiles.shape).astype(np.float32)
    return anndata.AnnData(X=values, obs=profiles.obs.copy(), var=profiles.var)


def test_names_are_stems_and_equal_stems_get_their_folder() -> None:
    paths = [Path("here/a/x.parquet"), Path("here/b/x.parquet"), Path("here/b/y.parquet")]
    assert several.labels_of(paths) == ["a/x", "b/x", "y"]
    assert several.labels_of(paths[:1]) == ["profiles"]
    assert several.labels_of(paths, labels=["1", "2", "3"]) == ["1", "2", "3"]


def test_names_that_stay_equal_are_refused() -> None:
    with pytest.raises(InputError, match=r"the tables one/a/x.parquet and two/a/x.parquet would both be called 'a/x'"):
        several.labels_of([Path("one/a/x.parquet"), Path("two/a/x.parquet")])
    with pytest.raises(InputError, match="would both be called 'raw'"):
        several.labels_of([Path("x.parquet"), Path("y.parquet")], labels=["raw", "raw"])
    with pytest.raises(InputError, match="1 labels for 2 tables"):
        several.labels_of([Path("x.parquet"), Path("y.parquet")], labels=["raw"])


def test_baselines_of_the_same_wells_stand_once_whatever_the_order_of_rows() -> None:
    data = plates()
    backwards = other_values(data, seed=1)[::-1].copy()
    result = several.evaluate("replicates", [("raw", data), ("net", backwards)], settings={"draws": 9})
    means = result.scores[result.scores["metric"] == "mAP"]
    assert means["group"].tolist() == ["raw", "position only", "shuffled labels", "net"]
    assert set(result.per_group["profiles"]) == {"raw", "net"}
    alone = TASKS["replicates"](backwards, draws=9).scores
    assert means["value"].iloc[3] == alone["value"].iloc[0]


def test_a_joint_space_of_the_same_wells_shares_their_baselines() -> None:
    data = plates()
    embedded = other_values(data, seed=1)
    embedded.obs = embedded.obs.assign(modality="profile", level="well")
    text = embedded[:4].copy()
    text.obs = text.obs.assign(modality="perturbation", level="perturbation")
    space = anndata.concat([embedded, text], index_unique="-")
    result = several.evaluate("replicates", [("raw", data), ("space", space)], settings={"draws": 9})
    means = result.scores.loc[result.scores["metric"] == "mAP", "group"].tolist()
    assert means == ["raw", "position only", "shuffled labels", "space"]


def test_baselines_of_other_wells_carry_the_name_of_their_table() -> None:
    data, other = plates(), plates(unlabelled=2)
    result = several.evaluate("replicates", [("one", data), ("two", other)], settings={"draws": 9})
    groups = result.scores.loc[result.scores["metric"] == "mAP", "group"].tolist()
    assert groups == ["one", "one: position only", "one: shuffled labels", "two", "two: position only", "two: shuffled labels"]


def test_what_depends_on_the_values_is_kept_of_every_table() -> None:
    data = plates()
    result = several.evaluate("shortcuts", [("one", data), ("two", other_values(data, seed=1))], settings={"draws": 9})
    flagged = result.scores.loc[result.scores["metric"] == "flagged", "group"]
    assert {name.split(": ")[0] for name in flagged} == {"one", "two"}
    assert len(flagged) == 2 * len(set(result.per_group["shortcut"]))


def test_a_state_ends_every_protocol() -> None:
    result = several.evaluate("replicates", [("profiles", plates())], settings={"draws": 9}, state="standardized")
    assert set(result.scores["protocol"]) == {"plate-controls, level=any, standardized"}


def test_a_part_is_scored_with_its_controls() -> None:
    data = plates()
    data.obs["split"] = np.where(data.obs["perturbation"].isin(["a", "b"]), "test", "train")
    result = several.evaluate("replicates", [("profiles", data)], settings={"draws": 9}, part="test")
    assert result.per_group["perturbation"].tolist() == ["a", "b"]
    assert set(result.per_group["negatives"]) == {6}


def test_a_task_given_in_python_is_scored_like_the_others() -> None:
    result = several.evaluate(width, [("one", plates()), ("two", plates(width=3))], settings={"times": 2})
    assert result.scores["value"].tolist() == [12, 6]
    assert result.scores["group"].tolist() == ["one", "two"]


@pytest.mark.parametrize(
    ("task", "given", "sentence"),
    [
        ("mixing", {"labell": "moa"}, r"mixing takes no option 'labell' \(did you mean 'label'\?\); allowed: protocol, batch, label"),
        ("mixing", {"k": "many"}, "k is 'many', but input should be a valid integer"),
        ("sisters", {"protocol": "passin"}, r"protocol is 'passin' \(did you mean 'passing'\?\), but input should be 'all'"),
        ("relations", {}, "relations needs the option 'pairs'"),
        ("sistars", {}, r"unknown task 'sistars' \(did you mean 'sisters'\?\)"),
        (width, {"size": 2}, "width takes no option 'size'"),
    ],
)
def test_a_wrong_setting_is_one_sentence(task: str, given: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        several.checked(task, given)


def test_baselines_are_scored_again_where_a_later_table_has_a_protocol_of_its_own() -> None:
    """The same wells; the second table alone knows another dose, so its protocol differs."""
    data, dosed = plates(), plates(doses=True)
    result = several.evaluate("replicates", [("one", data), ("two", dosed)], settings={"draws": 9})
    means = result.scores[result.scores["metric"] == "mAP"]
    apart = means.loc[means["protocol"].str.endswith("doses apart"), "group"].tolist()
    assert apart == ["two", "position only", "shuffled labels"]


def test_only_the_rows_with_some_values_are_scored() -> None:
    data = plates()
    plate = str(data.obs["plate"].iloc[0])
    whole = several.evaluate(width, [("raw", data)])
    some = several.evaluate(width, [("raw", data)], only={"plate": [plate]})
    assert whole.scores["n"].tolist() == [data.n_obs]
    assert some.scores["n"].tolist() == [int((data.obs["plate"].astype(str) == plate).sum())]
    assert some.scores["n"].iloc[0] < data.n_obs
    with pytest.raises(InputError, match="unknown plate 'P9'"):
        several.evaluate(width, [("raw", data)], only={"plate": ["P9"]})
    with pytest.raises(InputError, match="unknown column 'plat'"):
        several.evaluate(width, [("raw", data)], only={"plat": [plate]})
    others = sorted(set(data.obs["plate"].astype(str)) - {plate})
    apart = anndata.AnnData(X=data.X, obs=data.obs.assign(place=data.obs["plate"].astype(str)), var=data.var)
    with pytest.raises(InputError, match=r"no row has plate in .* and place in"):
        several.evaluate(width, [("raw", apart)], only={"plate": [plate], "place": others[:1]})
