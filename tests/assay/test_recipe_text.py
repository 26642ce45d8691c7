"""What is written is read back as the same values, whatever a path or a title holds."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impasto import recipe
from impasto.assay import recipe_text

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(_TEXT.filter(lambda key: key != "stage"), _VALUES, max_size=4))
def test_any_value_survives(table: dict[str, Any]) -> None:
    text = recipe_text.text([("a comment", table)], name="n", seed=3, head="first\nsecond")
    read = tomllib.loads(text)
    assert read["stage"] == [table]
    assert (read["name"], read["seed"]) == ("n", 3)


def stages(**changes: Any) -> list[recipe_text.Stage]:
    asked = {"kind": "images", "encoder": "efficientnet_lite0", "dose_unit": "uM", "noted": ["one"], **changes}
    return recipe_text.stages({"sources": ["/plates"], "platemap": ["/map.xlsx"]}, **asked)


@pytest.mark.parametrize(
    ("kind", "more", "names"),
    [
        ("images", {}, ["images", "design", "quality", "wells", "corrected", "replicates", "hits", "index", "report"]),
        ("profiles", {}, ["profiles", "design", "corrected", "replicates", "hits", "index", "report"]),
        (
            "images",
            {"segmented": True},
            ["images", "design", "quality", "cells", "wells", "corrected", "replicates", "hits", "subpopulations", "index", "report"],
        ),
        ("cells", {}, ["cells", "design", "wells", "corrected", "replicates", "hits", "subpopulations", "index", "report"]),
        ("cells", {"responding": False}, ["cells", "design", "wells", "corrected", "replicates", "hits", "index", "report"]),
    ],
)
def test_every_stage_is_checked_by_its_verb(kind: str, more: dict[str, bool], names: list[str], tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(recipe_text.text(stages(kind=kind, **more), name="a", seed=0, head=""))
    made = {stage.name: settings for stage, settings in recipe.checked(recipe.read(tmp_path / "recipe.toml"), out=tmp_path / "out")}
    assert list(made) == names
    corrected = made["corrected"].model_dump()
    assert corrected["spare"] == 0.5
    assert [step["method"] if isinstance(step, dict) else step.name for step in made["corrected"].steps] == [
        "select",
        "standardize",
        "clip",
    ]
    raw = "stages/profiles/profiles.parquet" if kind == "profiles" else "stages/wells/profiles.parquet"
    assert corrected["profiles"] == (tmp_path / "out" / raw).resolve()
    if "subpopulations" in names:
        cells = (tmp_path / "out" / "stages" / "cells").resolve()
        assert made["cells"].check
        assert made["subpopulations"].profiles == [cells]
        assert made["wells"].model_dump()["images" if kind == "cells" else "cells"] == cells


def test_where_results_lie(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(recipe_text.text(stages(), name="a", seed=0, head=""))
    read = recipe.read(tmp_path / "recipe.toml")
    places = {stage.name: recipe.result_of(tmp_path, stage).relative_to(tmp_path).as_posix() for stage in read.stages}
    assert places["report"] == "report.html"
    assert places["index"] == "index"
    assert places["corrected"] == "stages/corrected/profiles.parquet"
    assert places["hits"] == "stages/hits"


def test_without_replicates_none_are_scored() -> None:
    assert [table["name"] for _, table in stages(replicated=False)] == [
        "images",
        "design",
        "quality",
        "wells",
        "corrected",
        "hits",
        "index",
        "report",
    ]
