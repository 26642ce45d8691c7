"""A result: tidy scores, details, names of tables, files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from tests.evaluation.small import plates

from impasto.evaluation import replicates, tidy
from impasto.evaluation.result import Result, joined
from impasto.evaluation.tidy import Score


def result() -> Result:
    scores = [
        Score("toy", "as it is", "profiles", "mAP", 0.5, 0.25, 0.75, 0.125, 8),
        Score("toy", "as it is", "position only", "mAP", 0.25, None, None, None, 8),
    ]
    per = pd.DataFrame({"perturbation": ["a", "b"], "mAP": [0.25, 0.75], "profiles": "profiles"})
    return Result.of(scores, per_group=per, tables={"left_out": pd.DataFrame(), "curves": pd.DataFrame({"top": [1.0]})})


def test_scores_have_the_columns_of_the_contract_and_empty_tables_are_left_out() -> None:
    found = result()
    assert tuple(found.scores.columns) == tidy.COLUMNS
    assert list(found.details()) == ["per_group", "curves"]
    assert found.per_well.empty
    assert pd.isna(found.scores["low"].iloc[1])


def test_it_reads_as_a_table_and_names_its_detail() -> None:
    text = repr(result())
    assert "toy: as it is" in text
    assert "0.250 to 0.750" in text
    assert text.endswith("detail: per_group 2 x 3, curves 1 x 1")
    html = result()._repr_html_()
    assert "<table" in html
    assert "position only" in html
    assert repr(Result.of([])) == "detail: none"


def test_a_name_takes_the_place_of_profiles_and_of_nothing_else() -> None:
    named = result().called("corrected")
    assert named.scores["group"].tolist() == ["corrected", "position only"]
    assert named.per_group["profiles"].tolist() == ["corrected", "corrected"]
    assert named.tables["curves"]["top"].tolist() == [1.0]


def test_results_are_joined_table_by_table() -> None:
    both = joined([result().called("one"), Result.of([])])
    assert both.scores["group"].tolist() == ["one", "position only"]
    assert len(joined([result(), result()]).per_group) == 4
    assert len(joined([result(), result()]).tables["curves"]) == 2


def test_files_are_read_back_as_they_were(tmp_path: Path) -> None:
    found = replicates.evaluate(plates(), draws=9)
    found.to_csv(tmp_path / "new" / "scores")
    written = sorted(p.name for p in (tmp_path / "new" / "scores").iterdir())
    assert written == ["left_out.csv", "per_group.csv", "per_well.csv", "results.csv"]
    read = pd.read_csv(tmp_path / "new" / "scores" / "results.csv").fillna({"unit": "", "interval": "", "about": ""})
    pd.testing.assert_frame_equal(found.scores, read, check_dtype=False)
    assert len(pd.read_csv(tmp_path / "new" / "scores" / "per_well.csv")) == 24
