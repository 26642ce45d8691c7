"""What a table may conclude: best sets, and every row less the best and less doing nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from impasto.evaluation import tidy
from impasto.report import differences, paired, table
from impasto.report.table import Column
from impasto.statistics import jackknife

RNG = np.random.default_rng(1)
COMMON = RNG.normal(0.5, 0.05, 30)
OF = {
    "raw": COMMON,
    "harmony": COMMON + 0.1 + RNG.normal(0, 0.02, 30),
    "ranks": COMMON + 0.1 + RNG.normal(0, 0.02, 30),
    "position only": COMMON + 0.4,
}
COLUMNS = [Column(header="mAP", metric="mAP"), Column(header="error", metric="error", lowest=True)]
Shown = tuple[pd.DataFrame, paired.Evidence]


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    scores = []
    for group, values in OF.items():
        for metric, sign, base in (("mAP", 1, 0), ("error", -1, 1)):
            left = jackknife.leave_out(lambda keep, v=base + sign * values: float(v[keep].mean()), 30, seed=0, pairs=False)
            made = jackknife.of_score(left, unit="compound")
            scores.append(tidy.score("t", "p", group, metric, left.whole, made, chance=0.1, n=30, parts=[left], units="a"))
    tidy.left_out(scores).to_parquet(tmp_path / "left_out.parquet")
    frame = tidy.frame(scores)
    return table.lay_out(frame, COLUMNS), paired.read([tmp_path])


def sets(shown: Shown) -> dict[str, list[differences.Compared]]:
    return differences.compared(shown[0], COLUMNS, shown[1])


def test_the_best_are_those_that_no_other_is_shown_to_beat(shown: Shown) -> None:
    # A baseline takes no part, however high it scores; small errors are good.
    marks = {"raw": "", "harmony": "·", "ranks": "·"}
    assert differences.marks(sets(shown), COLUMNS) == {"mAP": marks, "error": marks}


def test_rows_less_the_best_and_less_doing_nothing(shown: Shown) -> None:
    made = differences.frame(sets(shown), COLUMNS, nothing="raw")
    means = {name: values.mean() for name, values in OF.items()}
    first = "harmony" if means["harmony"] > means["ranks"] else "ranks"
    other = {"harmony": "ranks", "ranks": "harmony"}[first]
    of_map = made[made["column"] == "mAP"].set_index(["row", "less"])
    assert set(of_map.index) == {("raw", first), (other, first), ("harmony", "raw"), ("ranks", "raw")}
    assert of_map.loc[("harmony", "raw"), "value"] == pytest.approx(means["harmony"] - means["raw"])
    assert of_map.loc[("harmony", "raw"), "sentence"].startswith("harmony is above raw by .")
    assert "not shown to differ" in of_map.loc[(other, first), "sentence"]
    words = differences.text(made, COLUMNS, "nothing")
    assert words is not None
    header, rows = words
    assert header == ["", "mAP less raw", "error less raw"]
    low, high = of_map.loc[("harmony", "raw"), ["low", "high"]]
    assert rows[0][:2] == ["harmony", f"{means['harmony'] - means['raw']:.3f} [{low:.3f}, {high:.3f}]"]
    assert rows[0][2].startswith("-0.")


def test_without_a_row_that_does_nothing_there_is_no_such_table(shown: Shown) -> None:
    made = differences.frame(sets(shown), COLUMNS, nothing=None)
    assert set(made["base"]) == {"best"}
    assert differences.text(made, COLUMNS, "nothing") is None


def test_rows_of_two_data_sets_are_compared_within_each(tmp_path: Path) -> None:
    scores = []
    for units, lead in (("CPJUMP1", 0.1), ("BBBC021", -0.1)):
        values = {"baseline": COMMON, "harmony": COMMON + lead + RNG.normal(0, 0.01, 30)}
        for name, of in values.items():
            left = jackknife.leave_out(lambda keep, of=of: float(of[keep].mean()), 30, seed=0, pairs=False)
            made = jackknife.of_score(left, unit="compound")
            scores.append(tidy.score("t", "p", f"{units}: {name}", "mAP", left.whole, made, chance=0.1, n=30, parts=[left], units=units))
    tidy.left_out(scores).to_parquet(tmp_path / "left_out.parquet")
    frame, columns = tidy.frame(scores), COLUMNS[:1]
    apart = differences.compared(table.lay_out(frame, columns), columns, paired.read([tmp_path]))
    assert [of.names for of in apart["mAP"]] == [["CPJUMP1: baseline", "CPJUMP1: harmony"], ["BBBC021: baseline", "BBBC021: harmony"]]
    marks = differences.marks(apart, columns)["mAP"]
    assert {name for name, mark in marks.items() if mark == "**"} == {"CPJUMP1: harmony", "BBBC021: baseline"}
    made = differences.frame(apart, columns, nothing="baseline")
    idle = made[made["base"] == "nothing"].set_index("row")["less"].to_dict()
    assert idle == {"CPJUMP1: harmony": "CPJUMP1: baseline", "BBBC021: harmony": "BBBC021: baseline"}
    words = differences.text(made, columns, "nothing")
    assert words is not None
    assert words[1][0][1].endswith("] less CPJUMP1: baseline")
