"""The report of an assay: what it says equals what was computed, it reads without scripts, and no name is markup or a formula."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.report import assays

from impasto import tables
from impasto.report import collect, hits_files, hits_rows, opening, verdicts


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return assays.run(tmp_path_factory.mktemp("assay"), plates=3, compounds=24, controls=48)


def test_planted_actives_are_hits_and_stand_first(out: Path) -> None:
    rows = pd.read_csv(out / "hits.csv")
    called = set(rows.loc[rows["hit"] == "yes", "id"])
    assert {f"C{i:02d}" for i in range(10)} - called == set()
    assert len(called - {f"C{i:02d}" for i in range(10)}) <= 1
    assert (rows["hit"].iloc[: len(called)] == "yes").all()
    assert rows["p"].iloc[: len(called)].is_monotonic_increasing


def test_every_number_of_a_row_is_that_of_the_stage(out: Path) -> None:
    rows = pd.read_csv(out / "hits.csv").set_index("id")
    per = pd.read_parquet(out / "stages/hits/per_group.parquet").set_index("perturbation")
    assert set(rows.index) == set(per.index)
    for column, theirs in (("p", "p"), ("corrected_p", "q"), ("wells", "wells"), ("plates", "plates")):
        assert np.allclose(rows[column], per.loc[rows.index, theirs])
    assert ((rows["hit"] == "yes") == per.loc[rows.index, "hit"]).all()
    assert (rows["distance"] > 1.5 * rows["by_chance"])[[f"C{i:02d}" for i in range(10)]].all()
    assert np.isclose(rows.loc["C01", "cell_count_share"], 0.4)
    assert rows["toxic"].value_counts().to_dict() == {"no": 23, "yes": 1}
    assert rows.loc["C03", "address"] == "#sel=p:C03"


def test_what_a_spreadsheet_would_run_is_text(out: Path) -> None:
    assert pd.read_csv(out / "hits.csv").set_index("id").loc["C00", "mechanism"] == "'=evil()"
    sheet, _ = tables.read(out / "hits.xlsx", sheet="hits")
    assert sheet.set_index("id").loc["C00", "mechanism"] == "=evil()"
    assert [len(tables.read(out / "hits.xlsx", sheet=name)[0]) for name in ("hits", "wells")] == [24, 3 * 72]
    design, _ = tables.read(out / "hits.xlsx", sheet="design")
    assert design["what"].str.startswith("plate ").sum() == 3


def test_the_page_reads_without_scripts(out: Path) -> None:
    html = re.sub(r"<script.*?</script>", "", (out / "report.html").read_text(), flags=re.DOTALL)
    assert "<h1>P1, P2, P3: assay report</h1>" in html
    said = verdicts.of(collect.stages(out))
    assert said.hits is not None
    assert f"<b>{said.hits.count} of {said.hits.of}</b>" in html
    assert html.index("Compounds and doses") < html.index("<h2>Plates</h2>") < html.index("Provenance") < html.index("Appendix: methods")
    warnings = verdicts.warnings_of(collect.stages(out), said)
    assert html.count('class="warn"') == len(warnings) > 0
    assert "=evil()" in html


def test_the_downloads_are_the_files(out: Path) -> None:
    html = (out / "report.html").read_text()
    for name in hits_files.FILES:
        carried = re.search(rf'download="{name}" href="data:[^;]+;base64,([^"]+)"', html)
        assert carried is not None
        assert base64.b64decode(carried[1]) == (out / name).read_bytes()


def test_the_policy_fits_the_page(out: Path) -> None:
    html = (out / "report.html").read_text()
    allowed = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert allowed is not None
    for script in re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL) + re.findall(r"<style>(.*?)</style>", html, flags=re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert digest in allowed[1].replace("&#43;", "+")
    assert not re.search(r"<[^>]*\sstyle=", html.split("<body>")[1].split("<script")[0])
    assert "unsafe" not in allowed[1]
    assert not re.findall(r'(?:src|href)="(?!data:|#)', html)


def test_addresses() -> None:
    assert hits_rows.address("A B/é@1", 0.3) == "sel=p:A+B%2F%C3%A9%401@0.3"
    assert hits_rows.address("x") == "sel=p:x"
    assert hits_rows.address("x", float("nan")) == "sel=p:x"


def test_what_made_it(out: Path) -> None:
    about = opening.about(collect.stages(out))
    assert about["program"] == "impasto"
    assert any(key.startswith("profiles reads profiles.csv") for key in about)
