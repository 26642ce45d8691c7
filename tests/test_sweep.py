"""A sweep runs another recipe for every row and seed, and its results lie in a table."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from tests.terminal import impasto

from impasto import recipe as recipes
from impasto import sweep
from impasto.nets.encoders import weights
from impasto.recipe import run as run_stages
from impasto.schema import InputError
from impasto.stages.sweep_scores import differences

ROW = """
[[stage]]
name = "corrected"
verb = "correct"
profiles = "replaced.parquet"
spare = 0.5
[[stage.steps]]
method = "clip"
[[stage]]
name = "scored"
verb = "evaluate"
task = "replicates"
profiles = ["@corrected"]
options = { draws = 20 }
"""
SWEEP = """
name = "sweep"
[[stage]]
name = "sim"
verb = "simulate"
images = false
[stage.plan]
batches = 1
perturbations = 8
mechanisms = 4
[[stage]]
name = "rows"
verb = "sweep"
recipe = "row.toml"
seeds = [0, 1]
given = { "corrected.profiles" = "@sim/profiles.parquet" }
reference = "clipped"
[[stage.row]]
label = "clipped"
[[stage.row]]
label = "standardized"
set = { "corrected.steps" = [{ method = "standardize" }] }
[[stage]]
name = "table"
verb = "table"
title = "Two ways"
results = ["@rows"]
[[stage.column]]
header = "replicates"
metric = "mAP"
[[stage.column]]
header = "gain"
metric = "mAP less clipped"
interval = true
[[stage.column]]
header = "minutes"
metric = "minutes"
lowest = true
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "row.toml").write_text(ROW)
    (folder / "sweep.toml").write_text(SWEEP)
    run_stages(recipes.read(folder / "sweep.toml"), folder / "out")
    return folder


def test_rows_and_seeds_are_run_and_joined(swept: Path) -> None:
    per_seed = pd.read_csv(swept / "out" / "rows" / "per_seed.csv")
    scores = per_seed[(per_seed["metric"] == "mAP") & per_seed["group"].isin(["clipped", "standardized"])]
    assert len(scores) == 4
    joined = pd.read_csv(swept / "out" / "rows" / "results.csv").set_index(["group", "metric"])
    for label in ("clipped", "standardized"):
        assert joined.loc[(label, "mAP"), "value"] == pytest.approx(scores.loc[scores["group"] == label, "value"].mean())
        assert joined.loc[(label, "mAP"), "seeds"] == 2
    # Another seed spares other controls: the runs differ.
    assert scores.groupby("group")["value"].nunique().eq(2).all()


def test_the_table_is_written_and_a_second_run_does_nothing(swept: Path) -> None:
    told = json.loads((swept / "out" / "table" / "table.json").read_text())
    assert [row[0] for row in told["rows"][:2]] == ["clipped", "standardized"]
    assert "±" in told["rows"][0][1]
    before = (swept / "out" / "rows" / "results.csv").stat().st_mtime_ns
    run_stages(recipes.read(swept / "sweep.toml"), swept / "out")
    assert (swept / "out" / "rows" / "results.csv").stat().st_mtime_ns == before


def test_rows_are_compared_seed_by_seed_below_the_table(swept: Path) -> None:
    compared = pd.read_csv(swept / "out" / "table" / "differences.csv")
    assert set(compared["base"]) == {"best"}
    per_seed = pd.read_csv(swept / "out" / "rows" / "per_seed.csv").pivot_table(index="seed", columns=["metric", "group"], values="value")
    row = compared.iloc[0]
    assert row["value"] == pytest.approx((per_seed["mAP"][row["row"]] - per_seed["mAP"][row["less"]]).mean())
    assert (row["unit"], row["clusters"]) == ("seed", 2)
    words = json.loads((swept / "out" / "table" / "table.json").read_text())
    assert [table["title"].rsplit(": ")[-1] for table in words["differences"]] == ["less the best"]
    assert (swept / "out" / "table" / "table.md").read_text().count("|---|") >= 2


def test_minutes_say_which_stages_they_took(swept: Path) -> None:
    per_seed = pd.read_csv(swept / "out" / "rows" / "per_seed.csv")
    protocol = per_seed.loc[per_seed["metric"] == "minutes", "protocol"].iloc[0]
    assert protocol.startswith("stages: ")
    assert {"corrected", "scored"} <= set(protocol.removeprefix("stages: ").split(", "))


def test_differences_are_taken_seed_by_seed(swept: Path) -> None:
    per_seed = pd.read_csv(swept / "out" / "rows" / "per_seed.csv").pivot_table(index="seed", columns=["metric", "group"], values="value")
    for seed in (0, 1):
        gain = per_seed.loc[seed, ("mAP", "standardized")] - per_seed.loc[seed, ("mAP", "clipped")]
        assert per_seed.loc[seed, ("mAP less clipped", "standardized")] == pytest.approx(gain)
    told = json.loads((swept / "out" / "table" / "table.json").read_text())
    clipped, standardized = told["rows"][:2]
    assert clipped[2] == ""
    assert "±" in standardized[2]
    assert "[" in standardized[2]


def test_profiles_of_a_data_set_are_compared_with_those_beside_them() -> None:
    scores = [("a", "baseline", 0, 0.3), ("a", "ComBat", 0, 0.5), ("a", "position only", 0, 0.9), ("b", "baseline", 0, 0.6)]
    scores += [("b", "ComBat", 0, 0.5), ("a", "baseline", 1, 0.2), ("a", "ComBat", 1, 0.1)]
    rows = [
        {
            "task": "t",
            "protocol": "p",
            "group": f"{row}: {name}",
            "metric": "m",
            "value": value,
            "low": 0.0,
            "high": 1.0,
            "chance": 0.1,
            "n": 3,
        }
        | {"seed": seed}
        for row, name, seed, value in scores
    ]
    found = differences(pd.DataFrame(rows), ["a", "b"], "baseline").set_index(["group", "seed"])
    assert set(found["metric"]) == {"m less baseline"}
    assert found["value"].to_dict() == pytest.approx({("a: ComBat", 0): 0.2, ("a: ComBat", 1): -0.1, ("b: ComBat", 0): -0.1})
    assert found[["low", "high", "chance"]].isna().all(axis=None)


def test_two_states_of_one_task_have_columns_of_their_own(swept: Path, tmp_path: Path) -> None:
    scored = "[[stage]]\nname = '{0}'\nverb = 'evaluate'\ntask = 'replicates'\nstate = '{0}'\nprofiles = ['{1}']\n"
    profiles = {"raw": swept / "out/sim/profiles.parquet", "clipped": swept / "out/rows/clipped/0/corrected/profiles.parquet"}
    columns = "".join(f"[[stage.column]]\nheader = '{state}'\nmetric = 'mAP'\nprotocol = '{state}'\n" for state in profiles)
    table = f"[[stage]]\nname = 'table'\nverb = 'table'\nresults = ['@raw', '@clipped']\n{columns}"
    (tmp_path / "states.toml").write_text("".join(scored.format(*one) for one in profiles.items()) + table)
    run_stages(recipes.read(tmp_path / "states.toml"), tmp_path / "out")
    for state in profiles:
        protocol = pd.read_csv(tmp_path / "out" / state / "results.csv")["protocol"]
        assert protocol.str.endswith(f"level=any, {state}").all()
    told = json.loads((tmp_path / "out" / "table" / "table.json").read_text())
    assert told["header"] == ["", "raw", "clipped"]
    assert told["rows"][0][1] != told["rows"][0][2]


def test_a_change_of_no_stage_is_a_sentence(swept: Path) -> None:
    with pytest.raises(InputError, match=r"'corected\.spare' names no stage and key .*did you mean 'corrected'"):
        recipes.read(swept / "row.toml").changed({"corected.spare": 0.1})


def test_rows_that_would_share_a_folder_are_refused(swept: Path, tmp_path: Path) -> None:
    (tmp_path / "row.toml").write_text(ROW)
    (tmp_path / "s.toml").write_text(SWEEP.replace('label = "standardized"', 'label = "clipped†"'))
    with pytest.raises(InputError, match="'clipped' and 'clipped†' of a sweep would share the folder clipped"):
        run_stages(recipes.read(tmp_path / "s.toml"), tmp_path / "out")


def test_the_command_lays_out_folders(swept: Path, tmp_path: Path) -> None:
    rows = swept / "out" / "rows"
    done = impasto("table", rows, "--out", tmp_path / "t", "--json")
    assert {cell["row"] for cell in json.loads(done.out)} >= {"clipped", "standardized"}
    assert "holds no results.csv" in impasto("table", swept, "--out", tmp_path / "u", code=2).err


def test_a_row_whose_weights_are_not_here_is_said_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    (tmp_path / "row.toml").write_text(ROW)
    text = SWEEP.replace('label = "standardized"\n', 'label = "standardized"\nweights = ["dinov2_s14"]\n').replace("[0, 1]", "[0]")
    text = text[: text.index('[[stage]]\nname = "table"')]
    (tmp_path / "sweep.toml").write_text(text)
    run_stages(recipes.read(tmp_path / "sweep.toml"), tmp_path / "out")
    said = " ".join("".join(capsys.readouterr()).split())
    assert "standardized: not run: needs impasto fetch dinov2_s14" in said
    groups = set(pd.read_csv(tmp_path / "out" / "rows" / "results.csv")["group"])
    assert "clipped" in groups
    assert "standardized" not in groups
    listed = pd.read_csv(tmp_path / "out" / "rows" / "rows.csv", keep_default_na=False).set_index("row")["needs"]
    assert (listed["clipped"], listed["standardized"]) == ("", "impasto fetch dinov2_s14")
    (tmp_path / "wrong.toml").write_text(text.replace("dinov2_s14", "dinov2_s15"))
    with pytest.raises(InputError, match=r"packaged weights 'dinov2_s15'.*did you mean 'dinov2_s14'"):
        run_stages(recipes.read(tmp_path / "wrong.toml"), tmp_path / "wrong")


TRAINED = """
[[stage]]
name = "model"
verb = "train"
profiles = "replaced.parquet"
[stage.method]
name = "two_towers"
perturbation = "molecule"
bits = 64
molecule_width = 8
width = 8
heads = 1
out = 4
depth = 1
minibatch = 4
split = { validation = 0.25, test = 0.25 }
[stage.loop]
epochs = 2
[[stage]]
name = "embedded"
verb = "embed"
run = "@model"
profiles = "replaced.parquet"
[[stage]]
name = "retrieval"
verb = "evaluate"
task = "cross-modal"
profiles = ["@embedded"]
"""
SEARCHED = """
[[stage]]
name = "sim"
verb = "simulate"
images = false
[stage.plan]
batches = 1
perturbations = 16
mechanisms = 4
[[stage]]
name = "rows"
verb = "sweep"
recipe = "row.toml"
seeds = [0, 1]
given = { "model.profiles" = "@sim/profiles.parquet", "embedded.profiles" = "@sim/profiles.parquet" }
search = { trials = 2, values = { "model.loop.optim.lr" = [1e-9, 1e-2] } }
[[stage.row]]
label = "needs a file"
needs = ["mine.parquet"]
set = { "model.profiles" = "mine.parquet", "embedded.profiles" = "mine.parquet" }
[[stage.row]]
label = "clip"
set = { "model.method.loss" = "clip" }
[[stage.row]]
label = "sigclip"
set = { "model.method.loss" = "sigclip" }
[[stage]]
name = "table"
verb = "table"
title = "Searched"
results = ["@rows"]
[[stage.column]]
header = "MRR"
metric = "MRR perturbation to profile"
[[stage.column]]
header = "parameters"
metric = "parameters (millions)"
[[stage.column]]
header = "minutes of training"
metric = "training minutes"
"""


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("searched")
    (folder / "row.toml").write_text(TRAINED)
    (folder / "sweep.toml").write_text(SEARCHED)
    run_stages(recipes.read(folder / "sweep.toml"), folder / "out")
    return folder


def test_every_row_has_the_same_trials_and_is_scored_with_what_validation_chose(searched: Path) -> None:
    rows = searched / "out" / "rows"
    trials = pd.read_csv(rows / "search.csv")
    assert trials.groupby(["row", "seed"]).size().to_dict() == {(row, seed): 2 for row in ("clip", "sigclip") for seed in (0, 1)}
    scores = pd.read_csv(rows / "per_seed.csv").set_index(["group", "seed", "metric"])["value"]
    for (row, seed), own in trials.groupby(["row", "seed"]):
        (chosen,) = own[own["chosen"]]["trial"]
        assert own.loc[own["trial"] == chosen, "validation"].item() == own["validation"].max()
        logs = [rows / row / str(seed) / f"trial_{n}" / "model" / "log.jsonl" for n in (0, 1)]
        best = [max(json.loads(line)["validation_score"] for line in log.read_text().splitlines()) for log in logs]
        assert own.sort_values("trial")["validation"].tolist() == pytest.approx(best)
        # Only the winner is scored on what is held out.
        for n in (0, 1):
            assert (rows / row / str(seed) / f"trial_{n}" / "retrieval").exists() == (n == chosen)
        result = pd.read_csv(rows / row / str(seed) / f"trial_{chosen}" / "retrieval" / "results.csv")
        own_score = result.loc[(result["metric"] == "MRR perturbation to profile") & (result["group"] == "profiles"), "value"].item()
        assert scores[row, seed, "MRR perturbation to profile"] == pytest.approx(own_score)


def test_a_row_without_its_file_stands_in_the_table_and_choices_below_it(searched: Path) -> None:
    told = json.loads((searched / "out" / "table" / "table.json").read_text())
    assert [row[0] for row in told["rows"]] == ["needs a file", "clip", "sigclip", "chance"]
    assert told["rows"][0][1].startswith("not run: needs ")
    assert told["rows"][0][1].endswith("mine.parquet")
    text = (searched / "out" / "table" / "table.md").read_text()
    assert "settings that validation chose" in text
    assert "| sigclip, seed 1 | 2 | " in text
    assert "| needs a file | not run: needs " in text


def test_the_row_runs_when_its_file_is_there(swept: Path, tmp_path: Path) -> None:
    (tmp_path / "row.toml").write_text(ROW)
    mine = 'label = "standardized"\nneeds = ["mine.parquet"]'
    (tmp_path / "s.toml").write_text(SWEEP.replace('label = "standardized"', mine).replace("seeds = [0, 1]", "seeds = [0]"))
    run_stages(recipes.read(tmp_path / "s.toml"), tmp_path / "out")
    told = json.loads((tmp_path / "out" / "table" / "table.json").read_text())["rows"]
    assert [row[0] for row in told[:2]] == ["clipped", "standardized"]
    assert told[0][2] == ""  # nothing to compare it with
    before = pd.read_csv(tmp_path / "out" / "rows" / "results.csv")
    assert "standardized" not in set(before["group"])
    (tmp_path / "mine.parquet").write_bytes((swept / "out" / "sim" / "profiles.parquet").read_bytes())
    run_stages(recipes.read(tmp_path / "s.toml"), tmp_path / "out")
    assert "standardized" in set(pd.read_csv(tmp_path / "out" / "rows" / "results.csv")["group"])


def test_a_table_of_which_no_row_could_be_run_names_them_all(tmp_path: Path) -> None:
    (tmp_path / "row.toml").write_text(ROW)
    sweep = SWEEP.replace('label = "standardized"', 'label = "b"\nneeds = ["b.parquet"]').replace(
        'label = "clipped"', 'label = "a"\nneeds = ["a.parquet"]'
    )
    (tmp_path / "s.toml").write_text(sweep.replace('reference = "clipped"\n', ""))
    run_stages(recipes.read(tmp_path / "s.toml"), tmp_path / "out")
    told = json.loads((tmp_path / "out" / "table" / "table.json").read_text())["rows"]
    assert [(row[0], row[1].rsplit("/")[-1]) for row in told] == [("a", "a.parquet"), ("b", "b.parquet")]


def test_sets_of_plates_are_the_units_where_each_seed_draws_its_own(swept: Path, tmp_path: Path) -> None:
    (tmp_path / "row.toml").write_text(ROW)
    (tmp_path / "s.toml").write_text(SWEEP.replace("seeds = [0, 1]", 'seeds = [0, 1]\nseed_draws = "plate set"'))
    run_stages(recipes.read(tmp_path / "s.toml"), tmp_path / "out")
    found = pd.read_csv(tmp_path / "out" / "rows" / "results.csv")
    own = found[(found["metric"] == "mAP less clipped") & (found["group"] == "standardized")].iloc[0]
    assert (own["unit"], own["clusters"], own["about"]) == ("plate set", 2, "other plate sets")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('label = "clipped"', 'label = "clipped"\nneeds = ["x.parquet"]'), "the reference 'clipped' of a sweep needs a file"),
        (("seeds = [0, 1]", 'seeds = [0, 1]\nsearch = { trials = 1, values = { "corrected.sparee" = [1] } }'), "sparee"),
    ],
)
def test_what_cannot_be_compared_or_searched_is_refused_before_anything_runs(change: tuple[str, str], said: str, tmp_path: Path) -> None:
    (tmp_path / "row.toml").write_text(ROW)
    (tmp_path / "s.toml").write_text(SWEEP.replace(*change))
    with pytest.raises(InputError, match=said):
        run_stages(recipes.read(tmp_path / "s.toml"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_weights_that_are_fetched_are_a_reason_to_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    (tmp_path / "row.toml").write_text(ROW)
    text = SWEEP.replace('label = "standardized"\n', 'label = "standardized"\nweights = ["dinov2_s14"]\n')
    (tmp_path / "sweep.toml").write_text(text)
    made = recipes.read(tmp_path / "sweep.toml")
    settings = next(chosen for stage, chosen in recipes.checked(made, out=tmp_path / "out") if stage.verb == "sweep")
    before = sweep.inputs(settings)
    record = weights.record_of("dinov2_s14")
    record.parent.mkdir(parents=True)
    record.write_text("x")
    assert set(sweep.inputs(settings)) - set(before) == {record}


def test_a_training_that_no_later_stage_reads_is_no_net_of_its_row(tmp_path: Path) -> None:
    (tmp_path / "read.toml").write_text('name = "row"\n' + TRAINED)
    (tmp_path / "unread.toml").write_text('name = "row"\n' + TRAINED.replace('"@model"', '"other.run"'))
    (tmp_path / "alone.toml").write_text('name = "row"\n' + TRAINED.split('[[stage]]\nname = "embedded"')[0])
    rows = {name: recipes.read(tmp_path / f"{name}.toml") for name in ("read", "unread", "alone")}
    assert {name: sweep._is_read(row, row.stages[0]) for name, row in rows.items()} == {"read": True, "unread": False, "alone": True}
