"""Every case of this folder: its commands are run as a user gives them, and the values that come out are compared (README.md)."""

from __future__ import annotations

import shutil
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from impasto import cli, profiles, wells
from impasto.plates.sites import Sites

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/case.toml"))
PLACE = ("source", "batch", "plate", "well", "site")
TEXTS = ("about", "origin", "step")
Result = tuple[pd.DataFrame, pd.DataFrame, Any]
"""Planes (empty where there are none), annotation (a row a well of images, a row of profiles), profiles or None."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.filterwarnings("default")  # a case may warn, as a user's command may
def test_case(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    expected = tomllib.loads((case / "case.toml").read_text())
    assert set(expected) <= set(TEXTS), f"unknown keys in {case}/case.toml"
    shutil.copytree(case / "in", tmp_path / "in")
    monkeypatch.chdir(tmp_path)
    for step in expected["step"]:
        code, printed = run(step["command"], monkeypatch, capsys)
        assert code == step.get("exit", 0), printed
        compare(step, printed)


def run(command: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code of `impasto COMMAND...` and all it prints, as one line."""
    monkeypatch.setattr(sys, "argv", ["impasto", *command])
    capsys.readouterr()
    code = 0
    try:
        cli.main()
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = capsys.readouterr()
    return code, " ".join((out + err).split())


def compare(step: dict[str, Any], printed: str) -> None:
    """Every key of a step against what was printed and what was written."""
    for text in listed(step.get("sentence", [])):
        assert " ".join(text.split()) in printed, f"not printed: {text}\nprinted: {printed}"
    for text in listed(step.get("never", [])):
        assert text not in printed, printed
    for text in step.get("left_out", []):
        assert text in printed, f"{text} is not named as left out\nprinted: {printed}"
    values = {key: step[key] for key in step if key not in ("command", "exit", "sentence", "never", "left_out")}
    if not values:
        return
    folder = Path(step["command"][step["command"].index("--out") + 1])
    if "quarantined" in values:
        bad = pd.read_csv(folder / "quarantine.csv", dtype=str, keep_default_na=False)
        same(sorted(named(bad)), values.pop("quarantined"), "quarantined")
    result = read(folder) if values else None
    for key, value in values.items():
        CHECKS[key](result, value)


def listed(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def read(folder: Path) -> Result:
    """What lies at a result's path."""
    if (folder / "images.parquet").exists():
        planes = pd.read_parquet(folder / "images.parquet")
        return planes, pd.read_parquet(folder / "wells.parquet"), None
    table = profiles.read(folder / "profiles.parquet" if (folder / "profiles.parquet").exists() else folder)
    return pd.DataFrame(), table.obs, table


def named(frame: pd.DataFrame, words: Sequence[str] = ("well", "site")) -> list[str]:
    """`BATCH/PLATE WELL SITE` of every row; what is blank or missing is left out."""

    def column(word: str) -> pd.Series:
        return frame[word].astype("string").fillna("") if word in frame else pd.Series("", index=frame.index)

    plates = column("source").str.cat([column("batch"), column("plate")], sep="/").str.replace("//", "/").str.strip("/")
    return [" ".join(filter(None, row)) for row in zip(plates, *(column(word) for word in words), strict=True)]


def same(found: Sequence[str], expected: Sequence[str] | int, what: str) -> None:
    """A number is how many, a list is all of them."""
    if isinstance(expected, int):
        assert len(found) == expected, f"{what}: {list(found)[:20]}"
    else:
        assert list(found) == list(expected), what


def where(result: Result) -> pd.DataFrame:
    """The frame that says where its rows stand."""
    planes, annotation, _ = result
    return annotation if planes.empty else planes


def unique(values: Sequence[str]) -> list[str]:
    return sorted(set(values))


def check_wells(result: Result, expected: Sequence[str] | int) -> None:
    frame = where(result)
    same(unique(named(frame, ("well",)) if isinstance(expected, int) else frame["well"].astype(str)), expected, "wells")


def check_channels(result: Result, expected: Sequence[str]) -> None:
    planes, _, table = result
    same(unique((planes if table is None else table.var)["channel"].astype(str)), expected, "channels")


def check_pixels(result: Result, expected: dict[str, float]) -> None:
    """Each plane through the reader that every later stage uses."""
    planes, annotation, _ = result
    sites = Sites(planes, annotation, folder=Path("out"))
    numbers = {name: number for number, name in enumerate(named(sites.table))}
    for name, mean in expected.items():
        place, _, channel = name.rpartition(" ")
        assert float(sites.image(numbers[place], [channel]).mean(dtype=np.float64)) == pytest.approx(mean, rel=1e-6), name


def check_means(result: Result, expected: dict[str, float]) -> None:
    values = result[2].to_df()
    for feature, mean in expected.items():
        assert float(values[feature].astype(float).mean()) == pytest.approx(mean, rel=1e-6), feature


def check_obs(result: Result, expected: dict[str, Sequence[str]]) -> None:
    for column, values in expected.items():
        same(unique(result[1][column].dropna().astype(str)), values, column)


def check_kinds(result: Result, expected: dict[str, int]) -> None:
    assert wells.counts_of_kinds(result[1]) == expected


def check_perturbations(result: Result, expected: Sequence[str] | int) -> None:
    column = result[1].get("perturbation", pd.Series(dtype="string"))
    same(unique(column.dropna().astype(str)), expected, "perturbations")


def check_rows(result: Result, expected: int) -> None:
    assert len(result[1]) == expected


CHECKS: dict[str, Callable[[Result, Any], None]] = {
    "plates": lambda result, expected: same(unique(named(where(result), ())), expected, "plates"),
    "wells": check_wells,
    "sites": lambda result, expected: same(unique(named(where(result))), expected, "sites"),
    "planes": lambda result, expected: same(list(result[0].index), expected, "planes"),
    "channels": check_channels,
    "features": lambda result, expected: same(list(result[2].var_names), expected, "features"),
    "rows": check_rows,
    "kinds": check_kinds,
    "perturbations": check_perturbations,
    "obs": check_obs,
    "pixels": check_pixels,
    "means": check_means,
}
