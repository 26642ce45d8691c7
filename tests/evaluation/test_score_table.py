"""Rows of the table of scores hold Python's own numbers, its columns NumPy's, and what is cut from it is such a table again."""

import json

import numpy as np
import pandas as pd

from impasto.evaluation import result, tidy
from impasto.evaluation.score_table import ScoreTable
from impasto.statistics import interval


def scores() -> list[tidy.Score]:
    around = interval.around(0.5, 0.01, df=9, unit="compound", clusters=10, method="jackknife", share=True)
    none = interval.none(unit="compound", clusters=3, method="jackknife", why="3 units")
    return [
        tidy.score("t", "p", "profiles", "mAP", 0.5, around, chance=0.1, n=7),
        tidy.score("t", "p", "profiles", "R", np.float64(0.25), none, chance=None, n=np.int64(3)),
    ]


def test_a_row_holds_plain_numbers_however_it_is_taken() -> None:
    table = result.Result.of(scores()).scores
    filtered = table[table["metric"].str.contains("AP")]
    for row in (
        table.iloc[0],
        table.loc[0],
        filtered.iloc[0],
        next(table.iterrows())[1],
        table.squeeze().iloc[0],
        table.sort_index().iloc[0],
    ):
        assert {type(row[c]) for c in ("value", "low", "high", "chance", "df")} == {float}
        assert type(row["n"]) is int
        assert (row["low"] <= row["chance"] <= row["high"]) is False
        assert row["value"] == 0.5
        assert json.loads(json.dumps(row.to_dict()))["n"] == 7
    assert np.isnan(table.iloc[1]["low"])
    assert type(table.iloc[1]["value"]) is float
    assert type(table.iloc[1]["n"]) is int


def test_columns_are_as_pandas_has_them() -> None:
    table, plain = tidy.frame(scores()), pd.DataFrame(tidy.frame(scores()))
    assert table["value"].dtype == np.float64
    assert table["n"].dtype == np.int64
    assert isinstance(table["value"].iloc[0], np.float64)
    for column in plain:
        pd.testing.assert_series_equal(table[column], plain[column])
    assert [str(row) for row in table.to_dict("records")] == [str(row) for row in plain.to_dict("records")]


def test_it_stays_such_a_table_when_cut_joined_or_renamed() -> None:
    one = result.Result.of(scores())
    both = result.joined([one, one]).called("mine").in_state("standardized")
    for table in (
        one.scores,
        both.scores,
        one.scores.query("value > .3"),
        one.scores.assign(x=1),
        one.scores.merge(one.scores[["metric"]]),
    ):
        assert isinstance(table, ScoreTable)
        assert type(table.iloc[0]["value"]) is float
    assert isinstance(one.scores["value"], pd.Series)


def test_an_empty_table_and_a_copy_work() -> None:
    assert tidy.frame([]).empty
    table = tidy.frame(scores())
    row = table.iloc[0]
    row["value"] = 9.0
    assert table["value"].tolist() == [0.5, 0.25]
    assert [float(v) for v in table.groupby("metric")["value"].mean()] == [0.25, 0.5]
    assert table.apply(lambda own: type(own["n"]) is int, axis=1).all()
