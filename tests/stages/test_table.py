"""`impasto table`: what stands in results.csv stands in the table, in the order asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from impasto.schema import InputError
from impasto.stages.table import TableSettings, run
from impasto.verbs.table import command, show


@pytest.fixture
def results(tmp_path: Path) -> list[Path]:
    folders = []
    for task, metrics in (("mixing", ("silhouette batch", "batch score")), ("conservation", ("clusters NMI",))):
        rows = [
            {"task": task, "protocol": f"{task}, k=5", "group": g, "metric": m, "value": v, "low": v - 0.1, "high": v + 0.1, "chance": 0.2}
            for m in metrics
            for g, v in (("raw", 0.3), ("combat", 0.5))
        ]
        (tmp_path / task).mkdir()
        pd.DataFrame(rows).assign(n=9).to_csv(tmp_path / task / "results.csv", index=False)
        folders.append(tmp_path / task)
    return folders


def test_rows_and_columns_are_those_asked_for(results: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = {"clusters NMI": "NMI", "batch score": "Batch"}
    run(TableSettings(results=results, columns=columns, rows=["combat", "raw"], title="Table 1", note="Two labels."), tmp_path / "out")
    cells = pd.read_csv(tmp_path / "out/table.csv").set_index(["row", "column"])
    assert cells.loc[("raw", "Batch"), "low"] == pytest.approx(0.2)
    text = (tmp_path / "out/table.md").read_text()
    # Rows that were not scored on the same units carry no mark.
    assert "| combat | 0.500 [0.400, 0.600] | 0.500 [0.400, 0.600] |" in text
    assert "| chance | 0.200 | 0.200 |" in text
    assert "Two labels." in text
    assert "mixing: mixing, k=5" in text
    show(tmp_path / "out")
    printed = capsys.readouterr().out
    assert "Table 1" in printed
    assert "0.300" in printed
    assert "[0.200, 0.400]" in printed


def test_all_metrics_by_default_and_json(results: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(results=results, out=tmp_path / "out", as_json=True)
    cells = json.loads(capsys.readouterr().out)
    assert {(c["row"], c["value"]) for c in cells if c["column"].endswith("silhouette batch")} == {
        ("raw", 0.3),
        ("combat", 0.5),
        ("chance", 0.2),
    }


def test_what_is_not_there_is_a_sentence(results: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'clusters NNI' .*did you mean 'clusters NMI'"):
        run(TableSettings(results=results, columns={"clusters NNI": "x"}), tmp_path / "out")
    with pytest.raises(InputError, match="row 'harmony' is in no result"):
        run(TableSettings(results=results, rows=["harmony"]), tmp_path / "out")
    with pytest.raises(InputError, match=r"holds no results\.csv"):
        run(TableSettings(results=[tmp_path]), tmp_path / "out")
