"""The closing sentences of an assay, from hand-written results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.assay.layouts import assay

from impasto.assay.check import check
from impasto.report import verdicts
from impasto.report.collect import Ran


def stage(folder: Path, name: str, verb: str, **settings: object) -> Ran:
    (folder / name).mkdir()
    return Ran(name, verb, {"settings": settings, "version": "0", "started": "", "inputs": {}}, folder / name, folder / name / "run.json")


def hits(folder: Path, *, called: int, of: int, spared: float, calibrated: bool = True) -> Ran:
    made = stage(folder, "hits", "evaluate", task="hits")
    per = pd.DataFrame({"perturbation": [f"C{i}" for i in range(of)], "hit": [i < called for i in range(of)]})
    (per if calibrated else per.drop(columns="hit")).to_parquet(made.result / "per_group.parquet")
    rows = [{"group": "spared positions", "metric": "share with p <= 0.05", "value": spared, "n": 12}]
    pd.DataFrame(rows).to_csv(made.result / "results.csv", index=False)
    return made


def design(folder: Path, **layout: int) -> Ran:
    made = stage(folder, "design", "design")
    check(assay(**layout), dose_unit="uM").write(made.result / "design.json")
    return made


def test_hits_with_their_calibration_beside(tmp_path: Path) -> None:
    said = verdicts.of([design(tmp_path, plates=3), hits(tmp_path, called=0, of=72, spared=1 / 12)])
    # Wilson by hand: 0 of 72 -> 0 to z²/(72 + z²); 1 of 12 -> .0043 (Poisson, as counts are few) to .3539
    z = 1.959963984540054
    assert said.hits is not None
    assert np.isclose(said.hits.high, z**2 / (72 + z**2))
    assert said.sentences()[0] == (
        "0 of 72 tests differ from their plates' controls (false discovery 5%; share 0 to 5 %); 1 of 12 spared control positions pass "
        "p <= .05 (0 to 35 %; 5 % expected)"
    )


def test_a_run_that_is_not_calibrated_has_no_verdict_and_says_so_first(tmp_path: Path) -> None:
    stages = [design(tmp_path, plates=3), hits(tmp_path, called=5, of=72, spared=0.5, calibrated=False)]
    said = verdicts.of(stages)
    assert said.hits is None
    assert "NOT CALIBRATED" in said.sentences()[0]
    assert verdicts.warnings_of(stages, said)[0].startswith("No hit was called. The same test calls too many")


def test_a_design_that_cannot_yield_a_hit_has_no_share(tmp_path: Path) -> None:
    stages = [design(tmp_path, plates=1, compounds=72), hits(tmp_path, called=0, of=72, spared=0.0)]
    said = verdicts.of(stages)
    assert said.hits is None
    assert said.sentences()[0].startswith("no hit could be called: This design cannot yield a hit")
    assert sum("cannot yield" in line for line in verdicts.warnings_of(stages, said)) == 1


def test_replicates_beside_position(tmp_path: Path) -> None:
    made = stage(tmp_path, "replicates", "evaluate", task="replicates")
    groups = {"profiles": 0.4, "position only": 0.9, "shuffled labels": 0.1}
    rows = [{"protocol": "p", "group": g, "metric": "mAP", "value": v, "chance": 0.2} for g, v in groups.items()]
    pd.DataFrame(rows).to_csv(made.result / "results.csv", index=False)
    said = verdicts.of([made])
    assert said.of_replicates() == "replicate mAP profiles 0.400, position only 0.900, shuffled labels 0.100, chance 0.200"
    assert verdicts.of_design([made]) is None


@pytest.mark.parametrize(("bad", "warned"), [(1, False), (3, True)])
def test_sites_left_out_are_counted_once_a_plate(tmp_path: Path, bad: int, warned: bool) -> None:
    made = stage(tmp_path, "quality", "check")
    pd.DataFrame({"plate": ["P1", "P1", "P2"], "channel": ["DNA", "ER", "DNA"], "sites": [10, 10, 12]}).to_parquet(
        made.result / "plates.parquet"
    )
    pd.DataFrame({"plate": "P1", "well": [f"A{i:02d}" for i in range(1, bad + 1)], "reason": "empty"}).to_csv(
        made.result / "quarantine.csv", index=False
    )
    said = verdicts.of([made])
    assert said.sites is not None
    assert (said.sites.count, said.sites.of) == (bad, 22)
    assert bool(verdicts.warnings_of([made], said)) is warned


def test_benchmark_doses_are_those_of_curves(tmp_path: Path) -> None:
    made = hits(tmp_path, called=1, of=4, spared=0.0)
    table = {
        "p_value": [0.01, 0.02, 0.9, np.nan],
        "curve": [True, True, False, False],
        "benchmark_concentration": [0.3, 4.0, np.nan, np.nan],
    }
    pd.DataFrame(table).to_parquet(made.result / "dose_response.parquet")
    said = verdicts.of([design(tmp_path), made])
    assert said.of_doses() == "2 of 3 compounds with several doses have a dose curve; benchmark doses 0.3 to 4 µM"


def test_planned_tests_without_a_well_are_named(tmp_path: Path) -> None:
    wells = assay(compounds=3, doses=(0.1, 3.0))
    wells.to_parquet(tmp_path / "wells.parquet")
    planned = stage(tmp_path, "design", "design", wells=str(tmp_path / "wells.parquet"))
    check(wells, dose_unit="uM").write(planned.result / "design.json")
    names = [f"C{number:02d}@{dose:g}" for number in range(3) for dose in (0.1, 3.0)]
    checked = stage(tmp_path, "quality", "check")
    pd.DataFrame({"plate": ["P1"], "channel": ["DNA"], "sites": [10]}).to_parquet(checked.result / "plates.parquet")
    pd.DataFrame({"plate": ["P1"], "well": ["A01"], "reason": ["empty"]}).to_csv(checked.result / "quarantine.csv", index=False)
    made = hits(tmp_path, called=0, of=0, spared=0.0)
    pd.DataFrame({"perturbation": names[1:-1], "hit": False}).to_parquet(made.result / "per_group.parquet")
    said = verdicts.of([planned, checked, made])
    assert said.untested == [names[0], names[-1]]
    assert said.sentences()[0] == f"1 of 10 sites were left out for their quality, and with them 2 planned tests ({names[0]}, {names[-1]})"
    assert sum("2 planned tests could not be made" in line for line in verdicts.warnings_of([planned, checked, made], said)) == 1
    pd.DataFrame({"perturbation": names, "hit": False}).to_parquet(made.result / "per_group.parquet")
    whole = verdicts.of([planned, checked, made])
    assert whole.untested == []
    assert not any("planned" in line for line in (*whole.sentences(), *verdicts.warnings_of([planned, checked, made], whole)))
