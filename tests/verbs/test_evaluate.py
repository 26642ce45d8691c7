"""`impasto evaluate`: files in, files out; doses, InChIKeys, equal stems and what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.evaluation.small import plates
from typer.testing import CliRunner, Result

from impasto import profiles as tables
from impasto.cli import app
from impasto.schema import InputError


def ran(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def written(data: anndata.AnnData, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    tables.write(data, path)
    return path


def test_equal_stems_are_both_scored(tmp_path: Path) -> None:
    one, two = written(plates(), tmp_path / "a" / "x.parquet"), written(plates(seed=1), tmp_path / "b" / "x.parquet")
    result = ran("replicates", one, two, "--set", "draws=9", "--out", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    means = [row["group"] for row in json.loads(result.stdout) if row["metric"] == "mAP"]
    assert means == ["a/x", "position only", "shuffled labels", "b/x"]
    assert set(pd.read_parquet(tmp_path / "out" / "per_group.parquet")["profiles"]) == {"a/x", "b/x"}
    again = ran("replicates", one, one, "--set", "draws=9", "--out", tmp_path / "twice")
    assert isinstance(again.exception, InputError)
    assert "would both be called" in str(again.exception)


def test_only_some_rows_are_scored_and_all_other_words_are_the_tasks(tmp_path: Path) -> None:
    data = plates()
    path, plate = written(data, tmp_path / "x.parquet"), str(data.obs["plate"].iloc[0])
    on_plate = written(data[(data.obs["plate"].astype(str) == plate).to_numpy()].copy(), tmp_path / "part.parquet")
    whole, part, by_hand = (
        ran("replicates", table, *words, "--set", "draws=9", "--out", tmp_path / name)
        for name, table, words in (
            ("whole", path, ()),
            ("some", path, ("--set", f'only.plate=["{plate}"]')),
            ("hand", on_plate, ()),
        )
    )
    assert [result.exit_code for result in (whole, part, by_hand)] == [0, 0, 0], part.output
    values = {name: pd.read_csv(tmp_path / name / "results.csv")["value"].tolist() for name in ("whole", "some", "hand")}
    assert values["some"] == values["hand"] != values["whole"]
    wrong = ran("replicates", path, "--set", 'only.plate=["P9"]', "--out", tmp_path / "wrong")
    assert "unknown plate 'P9'" in str(wrong.exception)


def test_two_tables_of_the_same_wells_are_compared_pair_by_pair(tmp_path: Path) -> None:
    raw = plates()
    blurred = raw.copy()
    blurred.X = blurred.X + np.random.default_rng(0).normal(scale=2, size=raw.shape).astype(np.float32)
    one, two = written(raw, tmp_path / "raw.parquet"), written(blurred, tmp_path / "blurred.parquet")
    result = ran("replicates", one, two, "--set", "draws=9", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    rows = pd.read_csv(tmp_path / "out" / "differences.csv").query("base == 'nothing' and column.str.endswith('mAP')")
    scores = pd.read_csv(tmp_path / "out" / "results.csv").query("metric == 'mAP'").set_index("group")["value"]
    assert rows["row"].tolist() == ["blurred"]
    assert rows["value"].iloc[0] == pytest.approx(scores["blurred"] - scores["raw"])
    assert rows["sentence"].iloc[0] in " ".join(result.output.split())


def test_tables_of_two_protocols_are_scored_and_not_compared(tmp_path: Path) -> None:
    """The second table alone knows another dose, so its protocol says more; both have the same baselines."""
    one, two = written(plates(), tmp_path / "one.parquet"), written(plates(doses=True), tmp_path / "two.parquet")
    result = ran("replicates", one, two, "--set", "draws=9", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    scores = pd.read_csv(tmp_path / "out" / "results.csv").query("metric == 'mAP'")
    assert set(scores["protocol"]) == {"plate-controls, level=any", "plate-controls, level=any, doses apart"}
    assert {"one", "two"} <= set(scores["group"])
    assert "not compared pair by pair" in result.output


@pytest.mark.parametrize(("flag", "words", "n"), [([], "doses apart", 8), (["--pool-doses"], "doses pooled", 4)])
def test_doses_are_pooled_by_a_flag(flag: list[str], words: str, n: int, tmp_path: Path) -> None:
    path = written(plates(doses=True), tmp_path / "x.parquet")
    result = ran("replicates", path, "--set", "draws=9", "--out", tmp_path / "out", "--json", *flag)
    row = json.loads(result.stdout)[0]
    assert (row["protocol"], row["n"]) == (f"plate-controls, level=any, {words}", n)


def test_names_merged_by_inchikey_are_printed(tmp_path: Path) -> None:
    data = plates()
    data.obs["inchikey"] = data.obs["perturbation"].map({"a": "K1", "b": "K1", "c": "K2", "d": "K3"})
    path = written(data, tmp_path / "x.parquet")
    result = ran("replicates", path, "--set", "draws=9", "--same-as", "inchikey", "--out", tmp_path / "out")
    assert "one InChIKey, scored as a: a, b" in result.stdout
    assert len(pd.read_parquet(tmp_path / "out" / "per_group.parquet")) == 3
    plain = ran("replicates", path, "--set", "draws=9", "--out", tmp_path / "plain")
    assert "InChIKey" not in plain.stdout
    wrong = ran("replicates", path, "--same-as", "smiles", "--out", tmp_path / "wrong")
    assert isinstance(wrong.exception, InputError)


def test_levels_that_cannot_be_ranked_are_printed(tmp_path: Path) -> None:
    path = written(plates(), tmp_path / "x.parquet")
    result = ran("replicates", path, "--level", "all", "--set", "draws=9", "--out", tmp_path / "out")
    assert "left out, profiles: plate-controls, level=source" in result.stdout


def test_a_task_that_pools_nothing_refuses_the_flag(tmp_path: Path) -> None:
    path = written(plates(), tmp_path / "x.parquet")
    result = ran("cross-modal", path, "--pool-doses", "--out", tmp_path / "out")
    assert isinstance(result.exception, InputError)
    assert "cross-modal takes no option 'pool_doses'" in str(result.exception)
