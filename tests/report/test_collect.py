"""The stages of a run by their records: oldest first, finished only, and the panels of a sweep's first seed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from impasto import records
from impasto.report import collect
from impasto.schema import InputError


def record(path: Path, verb: str, started: str, *, state: str = records.FINISHED) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"verb": verb, "key": "k", "state": state, "started": started, "files": {}}))


def panels(folder: Path, caption: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    figure = {"method": "PCA", "caption": caption, "title": f"title of {caption}", "file": "pca"}
    (folder / collect.FIGURES).write_text(json.dumps([figure]))
    (folder / "pca.svg").write_text(f"<svg>{caption}</svg>")
    (folder / "pca.png").write_bytes(caption.encode())


@pytest.fixture
def run(tmp_path: Path) -> Path:
    record(tmp_path / "scored" / "run.json", "evaluate", "2026-01-03")
    record(tmp_path / "profiles" / "run.json", "ingest", "2026-01-01")
    record(tmp_path / "corrected.parquet.run.json", "correct", "2026-01-02")
    record(tmp_path / "tables" / "raw.parquet.run.json", "profile", "2026-01-02")
    record(tmp_path / "unfinished" / "run.json", "train", "2026-01-04", state=records.STARTED)
    record(tmp_path / "page.html.run.json", "report", "2026-01-05")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "run.json").write_text('{"verb": 3}')
    return tmp_path


def test_stages_are_the_finished_ones_oldest_first(run: Path) -> None:
    found = collect.stages(run)
    assert [(stage.name, stage.verb, stage.result.relative_to(run).as_posix()) for stage in found] == [
        ("profiles", "ingest", "profiles"),
        ("corrected.parquet", "correct", "corrected.parquet"),
        ("tables", "profile", "tables/raw.parquet"),
        ("scored", "evaluate", "scored"),
    ]
    assert found[1].record_path == run / "corrected.parquet.run.json"
    assert found[0].record["started"] == "2026-01-01"
    assert [stage.name for stage in collect.of_verb(found, "evaluate", "ingest")] == ["profiles", "scored"]


def test_a_result_alone_is_a_run_of_one_stage_and_nothing_is_a_sentence(run: Path) -> None:
    (stage,) = collect.stages(run / "scored")
    assert (stage.name, stage.verb, stage.result) == ("scored", "evaluate", run / "scored")
    with pytest.raises(InputError, match=r"unfinished holds no finished stages \(no run\.json\)"):
        collect.stages(run / "unfinished")


def test_panels_are_those_of_their_stage_and_of_the_first_seed_of_each_row(run: Path) -> None:
    record(run / "maps" / "run.json", "panels", "2026-01-06")
    panels(run / "maps", "one run")
    record(run / "rows" / "run.json", "sweep", "2026-01-07")
    for row, seeds in (("b", ("10", "9")), ("a", ("0", "3"))):
        for seed in seeds:
            record(run / "rows" / row / seed / "maps" / "run.json", "panels", "2026-01-07")
            panels(run / "rows" / row / seed / "maps", f"{row} {seed}")
    (run / "rows" / "per_seed.csv").touch()
    found = collect.panels(collect.stages(run))
    assert [name for name, _ in found] == ["maps", "a: maps", "b: maps"]
    assert [figures[0]["caption"] for _, figures in found] == ["one run", "a 0", "b 9"]
    drawing = found[0][1][0]["svg"]
    assert (found[0][1][0]["method"], drawing.title, drawing.svg, drawing.png()) == (
        *("PCA", "title of one run", "<svg>one run</svg>"),
        b"one run",
    )
    (run / "maps" / collect.FIGURES).unlink()
    with pytest.raises(InputError, match=r"maps holds no figures\.json: an earlier impasto drew these panels"):
        collect.panels(collect.stages(run))
