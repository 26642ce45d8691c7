"""Where an export is written, which options are whose, and scores for copairs only."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from impasto.schema import InputError
from impasto.stages import export
from impasto.stages.export import ExportSettings


def settings(**values: object) -> ExportSettings:
    return ExportSettings.read({"profiles": "p.parquet", "to": "copairs", **values}, where="test")


def test_the_file_of_a_folder_is_that_of_the_program_or_of_the_settings() -> None:
    assert export._target(settings(), Path("out")) == Path("out/profiles.parquet")
    assert export._target(settings(to="mantispy"), Path("out")) == Path("out/profiles.h5ad")
    assert export._target(settings(file="mine.csv"), Path("out")) == Path("out/mine.csv")
    assert export._target(settings(to="cellprofiler"), Path("out")) == Path("out")
    assert export._target(settings(file="mine.csv"), Path("out.csv")) == Path("out.csv")


def test_an_option_of_another_program_is_refused() -> None:
    assert export._options(settings(to="pycytominer", feature_prefix="Cells_x_")) == {"feature_prefix": "Cells_x_"}
    assert export._options(settings()) == {}
    with pytest.raises(InputError, match="--feature-prefix is of --to pycytominer, and this is --to copairs"):
        export._options(settings(feature_prefix="Cells_x_"))


def test_scores_are_written_under_the_names_of_copairs_and_for_nobody_else(tmp_path: Path) -> None:
    detail = pd.DataFrame({"average_precision": [0.6], "chance": [0.2], "positives": [1], "negatives": [3]})
    path = tmp_path / "per_well.parquet"
    detail.to_parquet(path)
    export.run(settings(profiles=path), tmp_path / "out.csv")
    assert pd.read_csv(tmp_path / "out.csv")["normalized_average_precision"].tolist() == pytest.approx([0.5])
    with pytest.raises(InputError, match="holds the scores of an evaluation, not profiles"):
        export.run(settings(profiles=path, to="pycytominer"), tmp_path / "x.csv")
    with pytest.raises(InputError, match=r"name the file \.parquet or \.csv"):
        export.run(settings(profiles=path), tmp_path / "x.h5ad")
