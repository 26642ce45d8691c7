from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import impasto as im
from impasto import recipe
from impasto.cells import array_run
from impasto.cells.array_run import ArrayRun
from impasto.cells.folder import Cells
from impasto.evaluation import subpopulations
from impasto.evaluation.result import Result
from impasto.schema import InputError
from impasto.simulate.populations import Kind, Population, Screen, screen
from impasto.stages.evaluate import EvaluateSettings

KINDS: tuple[Kind, ...] = ("inert",) * 5 + ("part",) * 4 + ("whole",) * 3
PLAN = Screen(plates=3, controls=12, cells=120, share=0.25, size=4.0, features=20)


def written(folder: Path, population: Population, width: int) -> Cells:
    return array_run.write(ArrayRun(population.wells, population.values, [f"Cells_AreaShape_F{i}" for i in range(width)]), folder)


@pytest.fixture(scope="module")
def population() -> Population:
    return screen(KINDS, PLAN, seed=1)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory, population: Population) -> Cells:
    return written(tmp_path_factory.mktemp("screen") / "cells", population, PLAN.features)


@pytest.fixture(scope="module")
def result(cells: Cells) -> Result:
    return im.tl.subpopulations(cells, layouts=299)


def test_parts_are_called_parts_and_inert_ones_are_not_called(result: Result) -> None:
    verdict = result.per_group.set_index("perturbation")["verdict"]
    assert verdict[[f"p{n:03d}" for n in range(5)]].eq("none").all()
    assert verdict[[f"p{n:03d}" for n in range(5, 9)]].isin(["part", "both"]).all()
    shares = result.per_group.set_index("perturbation").loc[[f"p{n:03d}" for n in range(5, 9)], "responding_share"]
    assert shares.between(0.05, 0.25).all()
    assert set(result.per_group["plates"]) == {3}


def test_scores_say_the_shares_of_the_table(result: Result) -> None:
    values = result.scores[result.scores["group"] == "profiles"].set_index("metric")["value"]
    per = result.per_group
    assert values["share called by the tail test"] == (per["q_tail"] <= 0.05).mean()
    assert values["share called by means"] == (per["q_mean"] <= 0.05).mean()
    for word in ("part", "whole", "both"):
        assert values[f"share with verdict {word}"] == (per["verdict"] == word).mean()
    count = result.scores[result.scores["group"] == "cell count"]
    assert count["value"].tolist() == [(per["q_count"] <= 0.05).mean()]
    assert set(result.scores["n"]) == {12}


def test_false_discovery_is_held_over_both_tests_at_once(result: Result) -> None:
    per = result.per_group
    p = np.concatenate([per["p_tail"], per["p_mean"]])
    order = np.argsort(p)
    q = np.empty(len(p))
    q[order] = np.minimum.accumulate((p[order] * len(p) / np.arange(1, len(p) + 1))[::-1])[::-1]
    np.testing.assert_allclose(np.concatenate([per["q_tail"], per["q_mean"]]), np.minimum(q, 1))


def test_responders_are_those_that_were_planted(result: Result, population: Population) -> None:
    table = result.tables["responders"]
    assert set(table["perturbation"]) == set(result.per_group.loc[result.per_group["verdict"].isin(["part", "both"]), "perturbation"])
    first = table[(table["perturbation"] == "p005") & (table["plate"] == "P1")]
    at = population.wells.index[(population.wells["perturbation"] == "p005") & (population.wells["plate"] == "P1")].item()
    assert first["object"].tolist() == list(range(1, len(population.values[at]) + 1))
    planted = population.responds[at]
    assert first["score"][planted].mean() > first["score"][~planted].mean() + 1
    assert first["responds"].to_numpy()[planted].mean() > 0.5
    assert first["responds"].to_numpy()[~planted].mean() < 0.15


def test_a_shift_of_the_whole_well_is_for_the_test_of_means(cells: Cells, population: Population, tmp_path: Path) -> None:
    moved = [v + 3 * (p == "p000") for v, p in zip(population.values, population.wells["perturbation"], strict=True)]
    other = array_run.write(ArrayRun(population.wells, moved, cells.features), tmp_path / "cells")
    row = subpopulations.evaluate(other, layouts=99).per_group.set_index("perturbation").loc["p000"]
    assert row["verdict"] == "whole"
    assert row["p_tail"] > 0.05


def test_one_well_beside_few_controls_has_a_p_and_no_q(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = Screen(plates=1, controls=10, cells=60, features=8)
    alone = written(tmp_path / "cells", screen(("inert",) * 4, plan, seed=3), 8)
    per = subpopulations.evaluate(alone).per_group
    assert per["q_tail"].isna().all()
    assert per["p_tail"].notna().all()
    assert per["q_mean"].notna().all()
    assert "4 of 4 perturbations have too few layouts of control wells (smallest p 0.091)" in capsys.readouterr().out


def test_what_cannot_be_tested_is_refused_or_counted(population: Population, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = population.wells.copy()
    of_controls = np.flatnonzero((few["plate"] == "P2") & (few["control_type"] == "negcon"))
    few.loc[of_controls[7:], "control_type"] = "trt"
    names = [f"Cells_AreaShape_F{i}" for i in range(PLAN.features)]
    with pytest.raises(InputError, match="plate P2 has 7 control wells with 20 kept cells, and subpopulations needs 8 a plate"):
        subpopulations.evaluate(array_run.write(ArrayRun(few, population.values, names), tmp_path / "few"))
    with pytest.raises(InputError, match="needs negative controls"):
        subpopulations.evaluate(
            array_run.write(ArrayRun(population.wells.assign(control_type="trt"), population.values, names), tmp_path / "no")
        )
    kept = subpopulations.evaluate(Cells(tmp_path / "few"), leave_out_plates=True, layouts=19)
    assert kept.per_group.set_index("perturbation").loc["p000", "wells"] == 2
    assert kept.tables["left_out"]["reason"].tolist() == ["plate P2: 7 of 8 control wells with 20 kept cells"]
    assert "left out: plate P2: 7 of 8 control wells" in capsys.readouterr().out
    short = [v[:10] if number == 12 else v for number, v in enumerate(population.values)]
    shorter = array_run.write(ArrayRun(population.wells, short, names), tmp_path / "short")
    tested = subpopulations.evaluate(shorter, layouts=19)
    assert tested.per_group.set_index("perturbation").loc["p000", "wells"] == 2
    assert "left out: 1 wells with fewer than 20 kept cells" in capsys.readouterr().out
    with pytest.raises(TypeError, match="takes cells, not DataFrame"):
        subpopulations.evaluate(pd.DataFrame())  # type: ignore[arg-type]
    with pytest.raises(InputError, match="holds no cells"):
        subpopulations.evaluate(tmp_path)


def test_the_stage_opens_cells_and_other_tasks_refuse_them(cells: Cells, result: Result, tmp_path: Path) -> None:
    values = {"task": "subpopulations", "profiles": [str(cells.folder)], "options": {"layouts": 299}}
    recipe.execute("evaluate", EvaluateSettings.read(values, where="test"), out=tmp_path / "out")
    per = pd.read_parquet(tmp_path / "out" / "per_group.parquet")
    pd.testing.assert_frame_equal(per, result.per_group)
    assert len(pd.read_parquet(tmp_path / "out" / "responders.parquet")) == len(result.tables["responders"])
    with pytest.raises(InputError, match=r"hits scores profiles, and .* holds cells; pool them first"):
        recipe.execute(
            "evaluate", EvaluateSettings.read({"task": "hits", "profiles": [str(cells.folder)]}, where="test"), out=tmp_path / "b"
        )
    with pytest.raises(InputError, match="--part test is for profiles"):
        recipe.execute("evaluate", EvaluateSettings.read({**values, "part": "test"}, where="test"), out=tmp_path / "c")
