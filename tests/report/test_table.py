"""Tables laid out from tidy numbers: what stands where, what is refused, and means over seeds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

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
    header, lines = table.text(laid, COLUMNS, marks={"mAP: any": {"corrected": "**"}, "mAP: position": {"raw": "·", "corrected": "·"}})
    assert header == ["", "any", "position", "mean"]
    assert [line[0] for line in lines] == ["raw", "corrected", "position only", "chance"]
    assert lines[0] == ["raw", "31.0 [20.0, 40.0]", "0.300 · [0.200, 0.400]", "0.305"]
    # The best is bold where it stands alone; all that are not shown to differ from it carry a dot.
    assert lines[1][1:] == ["**51.0** [40.0, 60.0]", "0.500 · [0.400, 0.600]", "0.505"]
    assert lines[2][2] == "0.900 [0.800, 1.000]"
    assert lines[3] == ["chance", "20.0", "0.200", "0.200"]
    assert "| corrected | **51.0** [40.0, 60.0]" in table.markdown(header, lines, title="t", note="n")


def test_without_a_comparison_nothing_is_marked() -> None:
    _, lines = table.text(table.lay_out(tidy(), COLUMNS), COLUMNS)
    assert not any("**" in cell or "·" in cell for line in lines for cell in line)


def test_chance_levels_of_their_own_stand_in_each_row() -> None:
    two_sets = tidy()
    two_sets["chance"] = two_sets["group"].map({"raw": 0.089, "corrected": 0.121, "position only": 0.5})
    _, lines = table.text(table.lay_out(two_sets, COLUMNS), COLUMNS)
    assert [line[0] for line in lines] == ["raw", "corrected", "position only"]
    assert lines[0][1:3] == ["31.0 [20.0, 40.0] (chance 8.9)", "0.300 [0.200, 0.400] (chance 0.089)"]
    assert lines[1][1].endswith("(chance 12.1)")
    # What differs by rounding only is one row; a baseline's own chance does not count.
    two_sets["chance"] = two_sets["group"].map({"raw": 0.2000, "corrected": 0.2004, "position only": 0.5})
    _, lines = table.text(table.lay_out(two_sets, COLUMNS), COLUMNS)
    assert lines[-1][:2] == ["chance", "20.0"]


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


def test_a_protocol_in_full_is_that_protocol_and_no_longer_one() -> None:
    longer = tidy().assign(protocol=lambda f: f["protocol"] + ", doses apart", value=0.7)
    both = pd.concat([tidy(), longer], ignore_index=True)
    columns = table.every_column(both)
    laid = table.lay_out(both, columns)
    assert laid["column"].nunique() == 4
    own = laid[(laid["row"] == "raw") & (laid["column"] == columns[0].name)]
    assert own["value"].tolist() == [0.31]
    with pytest.raises(InputError, match="fits more than one score of 'raw'"):
        table.lay_out(both, [Column(header="x", metric="mAP", protocol="level=any")])


def test_a_baseline_of_the_same_wells_stands_once_and_one_of_other_wells_is_named(tmp_path: Path) -> None:
    rows = tidy()
    own = rows["group"] == "raw"
    same = rows.assign(group=rows["group"].where(~own, "yours"))
    other = same.assign(value=same["value"] + (0.05 * ~own), group=same["group"].where(~own, "theirs"))
    for name, scores in (("rows", rows), ("given", same[same["group"] != "corrected"]), ("late", other[other["group"] != "corrected"])):
        (tmp_path / name).mkdir()
        scores.to_csv(tmp_path / name / "results.csv", index=False)
    read = table.read([tmp_path / name for name in ("rows", "given", "late")])
    level = read[read["protocol"].str.endswith("=any")].set_index("group")["value"]
    assert level.round(3).to_dict() == {
        "raw": 0.31,
        "corrected": 0.51,
        "position only": 0.91,
        "yours": 0.31,
        "theirs": 0.31,
        "late: position only": 0.96,
    }
    _, lines = table.text(table.lay_out(read, COLUMNS), COLUMNS)
    assert [line[0] for line in lines][-3:] == ["position only", "late: position only", "chance"]


def test_a_folder_without_results_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no results\.csv"):
        table.read([tmp_path])
