"""The table of a sweep: groups by the name of their row, minutes, joined seeds, differences, scores without groups of units."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from impasto.stages import sweep_scores

TIDY = {"task": "replicates", "protocol": "p", "metric": "mAP", "low": 0.1, "high": 0.9, "chance": 0.2, "n": 3}


def result(folder: Path, groups: dict[str, float], *, left_out: bool = False) -> Path:
    folder.mkdir()
    scored = pd.DataFrame([{**TIDY, "group": group, "value": value} for group, value in groups.items()])
    scored.to_csv(folder / "results.csv", index=False)
    if left_out:
        parts = [scored.assign(part=0, without=part, value=scored["value"] + part) for part in (0, 1)]
        pd.concat(parts).sort_values("group", kind="stable").to_parquet(folder / "left_out.parquet")
    return folder


def rows(table: pd.DataFrame, metric: str = "mAP") -> dict[str, float]:
    chosen = table[table["metric"] == metric]
    return dict(zip(chosen["group"], chosen["value"], strict=True))


def test_profiles_are_named_after_their_row_and_baselines_stay(tmp_path: Path) -> None:
    one = result(tmp_path / "one", {"profiles": 0.5, "position only": 0.3})
    assert rows(sweep_scores.of_results(one, "clipped")) == {"clipped": 0.5, "position only": 0.3}


def test_what_is_done_to_the_profiles_is_named_after_the_row_too(tmp_path: Path) -> None:
    one = result(tmp_path / "one", {"profiles": 0.5, "profiles, kernel PCA": 0.6, "as given": 0.4, "profiles2": 0.1})
    assert rows(sweep_scores.of_results(one, "CLIP")) == {"CLIP": 0.5, "CLIP, kernel PCA": 0.6, "as given": 0.4, "profiles2": 0.1}


def test_several_named_profiles_are_a_data_set_with_its_baselines(tmp_path: Path) -> None:
    two = result(tmp_path / "two", {"raw": 0.4, "ComBat": 0.6, "position only": 0.3})
    assert rows(sweep_scores.of_results(two, "JUMP")) == {
        "JUMP: raw": 0.4,
        "JUMP: ComBat": 0.6,
        "JUMP: position only": 0.3,
    }
    one = result(tmp_path / "one", {"profiles": 0.4, "other": 0.6})
    assert rows(sweep_scores.of_results(one, "JUMP")) == {"JUMP": 0.4, "other": 0.6}
    lone = result(tmp_path / "lone", {"raw": 0.4, "position only": 0.3})
    assert rows(sweep_scores.of_results(lone, "JUMP")) == {"raw": 0.4, "position only": 0.3}


def test_a_sweep_of_which_no_row_was_run_leaves_tables_without_rows(tmp_path: Path) -> None:
    sweep_scores.write([], [], tmp_path, labels=["a"], reference=None)
    assert {"task", "protocol", "group", "metric", "value"} <= set(pd.read_csv(tmp_path / "results.csv").columns)
    assert len(pd.read_csv(tmp_path / "results.csv")) == len(pd.read_csv(tmp_path / "per_seed.csv")) == 0


def per_seed(values: dict[tuple[str, int], float]) -> pd.DataFrame:
    return pd.DataFrame([{**TIDY, "group": group, "seed": seed, "value": value} for (group, seed), value in values.items()])


def test_seeds_are_joined_and_a_baseline_of_all_rows_is_kept_once(tmp_path: Path) -> None:
    first = per_seed({("a", 0): 0.2, ("a", 1): 0.4, ("position only", 0): 0.1, ("position only", 1): 0.3})
    second = per_seed({("b", 0): 0.5, ("b", 1): 0.6, ("position only", 0): 0.1, ("position only", 1): 0.3})
    sweep_scores.write([first, second], [], tmp_path, labels=["a", "b"], reference="a")
    written = pd.read_csv(tmp_path / "per_seed.csv")
    assert len(written[written["group"] == "position only"]) == 2
    less = written[written["metric"] == "mAP less a"].set_index(["group", "seed"])["value"].to_dict()
    assert less == pytest.approx({("b", 0): 0.3, ("b", 1): 0.2})
    joined = pd.read_csv(tmp_path / "results.csv")
    assert rows(joined) == pytest.approx({"a": 0.3, "position only": 0.2, "b": 0.55})
    assert rows(joined, "mAP less a") == pytest.approx({"b": 0.25})
    assert not (tmp_path / "left_out.parquet").exists()


def test_scores_without_groups_are_kept_where_there_is_one_seed(tmp_path: Path) -> None:
    folder = result(tmp_path / "one", {"profiles": 0.5, "position only": 0.3}, left_out=True)
    nothing = sweep_scores.left_out([result(tmp_path / "none", {"profiles": 0.5})], "a")
    assert nothing.empty
    left = sweep_scores.left_out([folder], "a")
    assert left["group"].tolist() == ["position only", "position only", "a", "a"]
    for name, seeds, kept in (("one seed", (0,), True), ("two seeds", (0, 1), False)):
        (tmp_path / name).mkdir()
        frames = [per_seed({("a", seed): 0.5 for seed in seeds})]
        sweep_scores.write(frames, [left, left, nothing], tmp_path / name, labels=["a"], reference=None)
        assert (tmp_path / name / "left_out.parquet").exists() == kept
    assert len(pd.read_parquet(tmp_path / "one seed" / "left_out.parquet")) == 4, "the same score of two rows is kept once"
    assert set(pd.read_csv(tmp_path / "two seeds" / "per_seed.csv")["metric"]) == {"mAP"}


def test_a_reference_within_rows_is_that_of_the_same_row() -> None:
    values = {("r: raw", 0): 0.2, ("r: ComBat", 0): 0.5, ("r: position only", 0): 0.9, ("s: raw", 0): 0.4, ("s: ComBat", 0): 0.3}
    found = sweep_scores.differences(per_seed(values), ["r", "s"], "raw")
    assert found.set_index("group")["value"].to_dict() == pytest.approx({"r: ComBat": 0.3, "s: ComBat": -0.1})
    assert set(found["metric"]) == {"mAP less raw"}
    assert found[["low", "high", "chance", "p_chance"]].isna().all(axis=None)


def test_the_account_of_a_training_is_compared_with_nobody() -> None:
    both = pd.concat(
        [per_seed({("a", 0): 0.2, ("b", 0): 0.5}), per_seed({("a", 0): 9.0, ("b", 0): 7.0}).assign(task="training", metric="steps")]
    )
    assert sweep_scores.differences(both, ["a", "b"], "a")["metric"].tolist() == ["mAP less a"]
