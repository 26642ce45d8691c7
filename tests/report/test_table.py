"""Tables laid out from tidy numbers: what stands where, what is refused, and means over seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from impasto.report import table
from impasto.report.table import Column
from impasto.schema import InputError


def tidy() -> pd.DataFrame:
    rows = []
    for group, value in (("raw", 0.3), ("corrected", 0.5), ("position only", 0.9)):
        for level in ("any", "position"):
            told = {"task": "replicates", "protocol": f"plate-controls, level={level}", "group": group, "metric": "mAP"}
            rows.append({**told, "value": value + 0.01 * (level == "any"), "low": value - 0.1, "high": value + 0.1, "chance": 0.2, "n": 7})
    return pd.DataFrame(rows)


COLUMNS = [
    Column(header="any", level="mAP", metric="mAP", protocol="level=any", percent=True),
    Column(header="position", level="mAP", metric="mAP", protocol="level=position"),
    Column(header="mean", mean_of=["mAP: any", "mAP: position"]),
]


def test_rows_columns_best_chance_and_means() -> None:
    laid = table.lay_out(tidy(), COLUMNS)
    header, lines = table.text(laid, COLUMNS)
    assert header == ["", "any", "position", "mean"]
    assert [line[0] for line in lines] == ["raw", "corrected", "position only", "chance"]
    assert lines[0] == ["raw", "31.0 [20.0, 40.0]", "0.300 [0.200, 0.400]", "0.305"]
    # The best of the profiles is bold; a baseline never is, however high it scores.
    assert lines[1][1:] == ["**51.0** [40.0, 60.0]", "**0.500** [0.400, 0.600]", "**0.505**"]
    assert lines[2][2] == "0.900 [0.800, 1.000]"
    assert lines[3] == ["chance", "20.0", "0.200", "0.200"]
    assert "| corrected | **51.0** [40.0, 60.0]" in table.markdown(laid, COLUMNS, title="t", note="n")


def test_rows_are_ordered_as_asked_and_every_column_is_the_default() -> None:
    laid = table.lay_out(tidy(), table.every_column(tidy()), rows=["corrected", "raw"])
    assert list(dict.fromkeys(laid["row"])) == ["corrected", "raw", "position only", "chance"]
    assert laid["column"].nunique() == 2


@pytest.mark.parametrize(
    ("columns", "rows", "said"),
    [
        ([Column(header="x", metric="mAPP")], None, r"which no result has; did you mean 'mAP'\?|metrics there are: mAP"),
        ([Column(header="x", metric="mAP")], None, "fits more than one score of 'raw'"),
        (COLUMNS, ["corected"], "the table's row 'corected' is in no result"),
        ([*COLUMNS[:1], Column(header="m", mean_of=["nothing"])], None, "averages 'nothing', which is no earlier column"),
    ],
)
def test_what_does_not_fit_is_a_sentence(columns: list[Column], rows: list[str] | None, said: str) -> None:
    with pytest.raises(InputError, match=said):
        table.lay_out(tidy(), columns, rows=rows)


def test_a_folder_without_results_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no results\.csv"):
        table.read([tmp_path])


def test_seeds_are_joined_with_a_t_interval() -> None:
    per_seed = pd.concat([tidy().assign(seed=s, value=lambda f, s=s: f["value"] + 0.1 * s) for s in range(3)])
    joined = table.seeds_joined(per_seed)
    first = joined[(joined["group"] == "raw") & joined["protocol"].str.endswith("any")].iloc[0]
    values = np.array([0.31, 0.41, 0.51])
    low, high = stats.t.interval(0.95, 2, loc=values.mean(), scale=stats.sem(values))
    assert (first["value"], first["sd"], first["seeds"]) == (pytest.approx(0.41), pytest.approx(0.1), 3)
    assert (first["low"], first["high"]) == (pytest.approx(low), pytest.approx(high))
    _, lines = table.text(table.lay_out(joined, COLUMNS), COLUMNS)
    assert lines[0][1] == "41.0 ± 10.0"
    one = table.seeds_joined(tidy().assign(seed=0))
    assert one["low"].tolist() == tidy()["low"].tolist()
