"""`impasto correct`: the command fits, keeps, applies and reports what `correction.steps.correct` does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.correction.plated import plates
from tests.terminal import impasto

from impasto import identity
from impasto import profiles as tables
from impasto.correction.steps import correct
from impasto.schema import InputError
from impasto.verbs.correct import Flags, steps


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("profiles") / "plates.parquet"
    tables.write(plates(plates=3), path)
    return path


def test_the_command_does_what_steps_correct_does(table: Path, tmp_path: Path) -> None:
    chosen = ("--method", "standardize", "--method", "sphering", "--by", "plate", "--set", "sphering.regulariser=1", "--set", "on=controls")
    done = impasto("correct", table, *chosen, "--spare", 0.5, "--seed", 3, "--out", tmp_path / "c.parquet", "--json")
    steps = [{"method": "standardize", "by": "plate"}, {"method": "sphering", "by": "plate", "regulariser": 1.0}]
    expected, _, receipt = correct(tables.read(table), steps, spare=0.5, seed=3)
    written = tables.read(tmp_path / "c.parquet")
    np.testing.assert_array_equal(written.X, expected.X)
    assert (written.obs["spared"].astype(bool).to_numpy() == expected.obs["spared"].to_numpy()).all()
    assert list(identity.of(written).steps) == receipt["methods"]
    assert json.loads(done.out) == json.loads(json.dumps(receipt))
    assert json.loads((tmp_path / "c.parquet.receipt.json").read_text()) == json.loads(json.dumps(receipt))


def test_kept_steps_are_applied_to_new_plates_which_are_named(table: Path, tmp_path: Path) -> None:
    data = tables.read(table)
    old = data[(data.obs["plate"] != "P2").to_numpy()].copy()
    tables.write(old, tmp_path / "old.parquet")
    impasto("correct", tmp_path / "old.parquet", "--method", "standardize", "--spare", 0, "--keep", "--out", tmp_path / "c.parquet")
    done = impasto("correct", table, "--fitted", tmp_path / "c.parquet.fitted", "--spare", 0, "--out", tmp_path / "later.parquet")
    assert "standardize had not seen B2/P2 in its fit: corrected by what their own rows say" in done.out.replace("\n", " ")
    np.testing.assert_array_equal(tables.read(tmp_path / "later.parquet").X, correct(data, ["standardize"])[0].X)


def test_an_empty_list_of_fitted_steps_and_both_kinds_are_refused(table: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "steps.json").write_text("[]")
    from safetensors.numpy import save_file

    save_file({}, tmp_path / "none" / "state.safetensors")
    done = impasto("correct", table, "--fitted", tmp_path / "none", "--out", tmp_path / "x.parquet", code=2)
    assert "lists no steps, so nothing would be corrected" in done.err.replace("\n", " ")
    done = impasto("correct", table, "--out", tmp_path / "x.parquet", code=2)
    assert "either steps to fit (--method) or a folder of fitted ones (--fitted)" in done.err.replace("\n", " ")
    assert not (tmp_path / "x.parquet").exists()


def test_half_of_the_controls_are_spared_unless_told_otherwise(table: Path, tmp_path: Path) -> None:
    controls = int((tables.read(table).obs["control_type"] == "negcon").sum())
    for given, expected in (
        ((), controls // 2),
        (("--spare", "auto"), controls // 2),
        (("--spare", 0), 0),
        (("--spare", 0.25), controls // 4),
    ):
        done = impasto("correct", table, "--method", "clip", *given, "--out", tmp_path / "c.parquet", "--json")
        obs = tables.read(tmp_path / "c.parquet").obs
        assert (int(obs["spared"].astype(bool).sum()) if "spared" in obs else 0) == expected
        json.loads(done.out)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"method": ["select", "clip"], "by": "batch"}, "--by batch: none of select, clip reads it; leave it out, or use it with"),
        ({"method": ["select"], "by": "batch"}, "--by batch: select does not read it"),
        ({"method": ["select", "clip"], "changes": ["limt=3"]}, "--set limt: none of select, clip has this setting"),
    ],
)
def test_what_no_method_reads_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        steps(Flags.read({"out": "c.parquet", **given}, where="test"))
    assert steps(Flags.read({"out": "c.parquet", "method": ["clip", "combat"], "by": "batch", "changes": ["limit=3"]}, where="test")) == [
        {"method": "clip", "limit": 3},
        {"method": "combat", "by": "batch"},
    ]
