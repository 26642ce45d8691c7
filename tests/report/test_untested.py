"""Planned tests of which no well is left, from hand-written wells."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from tests.assay.layouts import assay

from impasto.report import untested
from impasto.report.collect import Ran


def stages(folder: Path, tested: list[str]) -> list[Ran]:
    wells = assay(compounds=3, doses=(0.1, 3.0))
    wells.to_parquet(folder / "wells.parquet")
    pd.DataFrame({"perturbation": tested}).to_parquet(folder / "per_group.parquet")

    def ran(verb: str, **settings: str) -> Ran:
        return Ran(verb, verb, {"settings": settings}, folder, folder / "run.json")

    return [ran("design", wells=str(folder / "wells.parquet")), ran("evaluate", task="hits")]


def test_a_planned_test_that_was_not_made_is_named(tmp_path: Path) -> None:
    made = stages(tmp_path, ["C00@0.1", "C00@3", "C01@3", "C02@0.1"])
    assert untested.tests(made) == ["C01@0.1", "C02@3"]
    assert untested.tests(made[:1]) == []  # no hits yet
    assert untested.tests(made[1:]) == []  # no assay


def test_all_tests_were_made(tmp_path: Path) -> None:
    assert untested.tests(stages(tmp_path, [f"C{number:02d}@{dose:g}" for number in range(3) for dose in (0.1, 3)])) == []


def test_the_first_of_many_are_named() -> None:
    assert untested.sentence([]) == ""
    assert untested.sentence(["a"]).startswith("1 planned test could not be made, since all wells were left out for their quality: a. ")
    assert ": a, b, c, d, e, .... A strong effect" in untested.sentence(list("abcdef"))
