"""The plugin of examples/plugin, installed: each part by its name from the command line and in Python, each as an object."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from tests import terminal
from tests.correction.plated import control_rows, plates

from impasto import correction, evaluation, identity, losses, profiling
from impasto import profiles as tables
from impasto.correction import kept
from impasto.correction.steps import correct
from impasto.evaluation import several
from impasto.families import Family
from impasto.plates import readers
from impasto.plates.sites import Sites
from impasto.profiling.settings import EncoderSettings
from impasto.schema import InputError

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "examples" / "plugin"
FAMILIES: dict[str, tuple[Family, str]] = {
    "encoders": (profiling.ENCODERS, "brightness_grid"),
    "readers": (readers.FURTHER, "equals"),
    "correctors": (correction.CORRECTORS, "trimmed_centre"),
    "losses": (losses.LOSSES, "margin"),
    "tasks": (evaluation.TASKS, "beyond-controls"),
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the plugin is installed in: by pip, or by hand where its build backend is too old to build a wheel alone."""
    target, source = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("source") / "plugin"
    shutil.copytree(PLUGIN, source, ignore=shutil.ignore_patterns("__pycache__"))
    if _setuptools_builds_wheels():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
        done = subprocess.run([*command, "--target", str(target), str(source)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    else:
        _install_by_hand(source, target)
    return target


def _setuptools_builds_wheels() -> bool:
    try:
        import pip  # noqa: F401

        return int(version("setuptools").partition(".")[0]) >= 77
    except ImportError:
        return False


def _install_by_hand(source: Path, target: Path) -> None:
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    shutil.copytree(source / "impasto_example", target / "impasto_example")
    information = target / f"impasto_example-{project['version']}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    lines = [line for group, points in groups for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))]
    (information / "entry_points.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def named(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin on the path of this process, and families that look for plugins again."""
    monkeypatch.syspath_prepend(str(installed))
    for family, _ in FAMILIES.values():
        monkeypatch.setattr(family, "_outside", None)


@pytest.fixture
def impasto(named: None) -> Callable[..., str]:
    """The command line in this process: arguments -> what it prints."""

    def run(*arguments: object, code: int = 0) -> str:
        done = terminal.impasto(*arguments, code=code)
        return done.out if code == 0 else done.err

    return run


def in_its_own_process(installed: Path, *arguments: object) -> str:
    """What a command prints where the plugin is installed, as a user starts it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), str(ROOT / "src")]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "impasto", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def trimmed(column: np.ndarray, share: float) -> float:
    """The mean without the lowest and the highest share of values."""
    ordered = sorted(float(value) for value in column)
    cut = int(share * len(ordered))
    inner = ordered[cut : len(ordered) - cut]
    return sum(inner) / len(inner)


def centred(values: np.ndarray, data, share: float) -> np.ndarray:
    out = values.astype(np.float64)
    for plate in data.obs["plate"].unique():
        rows, controls = (data.obs["plate"] == plate).to_numpy(), control_rows(data, plate)
        for feature in range(values.shape[1]):
            out[rows, feature] -= trimmed(values[controls, feature], share)
    return out


# ---------------------------------------------------------------- names
@pytest.mark.parametrize("group", FAMILIES)
def test_each_part_has_its_name_beside_those_of_the_package(named: None, group: str) -> None:
    family, name = FAMILIES[group]
    assert name in family.names()
    assert group == "readers" or len(family.names()) > 1
    module, _, attribute = _entry_points()[f"impasto.{group}"][name].partition(":")
    assert family[name] is getattr(importlib.import_module(module), attribute)


def test_the_entry_points_are_of_families_that_exist() -> None:
    assert set(_entry_points()) == {family.group for family, _ in FAMILIES.values()}


def _entry_points() -> dict[str, dict[str, str]]:
    return tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]["entry-points"]


def test_what_it_adds_is_listed_for_the_next_misspelling(named: None) -> None:
    with pytest.raises(InputError, match=r"did you mean 'trimmed_centre'\?\); allowed: .*tvn"):
        correction.CORRECTORS["trimed_centre"]


# ---------------------------------------------------------------- the corrector
def test_the_corrector_from_the_command_line(impasto, installed: Path, tmp_path: Path) -> None:
    data = plates()
    tables.write(data, tmp_path / "p.parquet")
    arguments = ["--method", "trimmed_centre", "--set", "share=0.2", "--spare", "0", "--keep", "--out", tmp_path / "c.parquet", "--json"]
    receipt = json.loads(in_its_own_process(installed, "correct", tmp_path / "p.parquet", *arguments))
    assert receipt["methods"] == [{"method": "trimmed_centre", "by": "plate", "on": "controls", "share": 0.2}]
    corrected = tables.read(tmp_path / "c.parquet")
    np.testing.assert_allclose(corrected.X, centred(data.X, data, 0.2), atol=1e-5)
    impasto("correct", tmp_path / "p.parquet", "--fitted", tmp_path / "c.parquet.fitted", "--out", tmp_path / "again.parquet")
    np.testing.assert_array_equal(tables.read(tmp_path / "again.parquet").X, corrected.X)


def test_a_misspelt_setting_of_the_corrector_is_refused(impasto, tmp_path: Path) -> None:
    tables.write(plates(), tmp_path / "p.parquet")
    arguments = ["--method", "trimmed_centre", "--set", "shar=0.2", "--out", tmp_path / "c.parquet"]
    sentence = impasto("correct", tmp_path / "p.parquet", *arguments, code=2)
    for part in ("trimmed_centre", "'shar'", "did you mean 'share'", "by, on, share"):
        assert part in " ".join(sentence.split())
    assert not (tmp_path / "c.parquet").exists()


def test_the_corrector_by_name_by_table_and_as_a_class(named: None) -> None:
    from impasto_example.trimmed_centre import TrimmedCentre

    data = plates()
    for step in ("trimmed_centre", {"method": "trimmed_centre", "share": 0.1}, TrimmedCentre, {"method": TrimmedCentre, "share": 0.1}):
        corrected, _, receipt = correct(data, [step])
        np.testing.assert_allclose(corrected.X, centred(data.X, data, 0.1), atol=1e-5)
        assert receipt["methods"][0]["method"] == "trimmed_centre"


def test_the_corrector_never_learns_from_spared_controls(named: None) -> None:
    data = plates()
    corrected, _, _ = correct(data, ["trimmed_centre"], spare=0.5)
    spared = corrected.obs["spared"].to_numpy(dtype=bool)
    assert spared.any()
    known = data[~spared].copy()
    np.testing.assert_allclose(corrected.X[~spared], centred(known.X, known, 0.1), atol=1e-5)


def test_the_corrector_is_a_function_of_pp(named: None) -> None:
    import impasto as im

    data = plates()
    np.testing.assert_allclose(im.pp.trimmed_centre(data, share=0.3, copy=True).X, centred(data.X, data, 0.3), atol=1e-5)


def test_fitted_steps_of_the_plugin_are_kept(named: None, tmp_path: Path) -> None:
    data = plates()
    corrected, fitted, _ = correct(data, ["trimmed_centre"])
    kept.save(tmp_path / "kept", fitted)
    np.testing.assert_array_equal(correct(data, fitted=tmp_path / "kept")[0].X, corrected.X)


# ---------------------------------------------------------------- the reader
@pytest.mark.parametrize("source", ["plates", "plates/P1"])
def test_the_reader_reads_one_plate_and_a_folder_of_plates(impasto, source: str, tmp_path: Path) -> None:
    values = {("P1", "A01", "1", "DNA"): 3, ("P1", "A01", "1", "ER"): 5, ("P2", "B02", "2", "DNA"): 7, ("P2", "B02", "2", "ER"): 9}
    for (plate, well, site, channel), value in values.items():
        path = tmp_path / "plates" / plate / channel / f"{well}={site}.tif"
        path.parent.mkdir(parents=True)
        tifffile.imwrite(path, np.full((8, 8), value, dtype=np.uint16))
    impasto("ingest", tmp_path / source, "--out", tmp_path / "sites")
    sites = Sites.read(tmp_path / "sites")
    assert sites.channels == ["DNA", "ER"]
    for number, row in enumerate(sites.table[["plate", "well", "site"]].itertuples(index=False)):
        expected = [values[(*row, channel)] for channel in sites.channels]
        assert sites.image(number).mean(axis=(1, 2)).tolist() == expected
    assert len(sites) == (2 if source == "plates" else 1)


# ---------------------------------------------------------------- the encoder
def test_the_encoder_from_the_command_line(impasto, tmp_path: Path) -> None:
    plan = ["batches=1", "plates=1", "perturbations=1", "mechanisms=1", "controls=1", "pixels=33", "cells=2"]
    impasto("simulate", "--out", tmp_path / "painted", *(word for change in plan for word in ("--set", change)))
    impasto("ingest", tmp_path / "painted" / "images", "--platemap", tmp_path / "painted" / "platemap.csv", "--out", tmp_path / "sites")
    impasto("profile", tmp_path / "sites", "--encoder", "brightness_grid", "--out", tmp_path / "p.parquet")
    profiles, sites = tables.read(tmp_path / "p.parquet"), Sites.read(tmp_path / "sites")
    assert profiles.n_obs == len(sites) == 2
    assert profiles.n_vars == 16 * len(sites.channels)
    assert identity.of(profiles).encoder["name"] == "brightness_grid"
    for number in range(len(sites)):
        (row,) = profiles.obs.index[profiles.obs["well"] == sites.table["well"].iloc[number]]
        pixels = sites.image(number)
        for plane, channel in zip(pixels, sites.channels, strict=True):
            for r, (top, bottom) in enumerate(EDGES):
                for c, (left, right) in enumerate(EDGES):
                    patch = [int(plane[y, x]) for y in range(top, bottom) for x in range(left, right)]
                    name = f"Image_Brightness_row{r + 1}col{c + 1}_{channel}"
                    assert profiles[row, name].X.item() == pytest.approx(sum(patch) / len(patch), rel=1e-6)
    sentence = impasto("profile", tmp_path / "sites", "--encoder", "brightnes_grid", "--out", tmp_path / "q.parquet", code=2)
    assert "did you mean 'brightness_grid'" in " ".join(sentence.split())


EDGES = ((0, 9), (9, 17), (17, 25), (25, 33))
"""33 pixels in four bands: the first has one more."""


def test_the_encoder_as_an_object(named: None) -> None:
    from impasto_example.brightness_grid import BrightnessGrid

    opened = profiling.ENCODERS["brightness_grid"](EncoderSettings(encoder="brightness_grid"))
    assert isinstance(opened, BrightnessGrid)
    site = np.arange(2 * 8 * 8, dtype=np.uint16).reshape(2, 8, 8)
    (row,) = opened([opened.prepare(site)])
    assert dict(zip(opened.features(["DNA", "ER"]), row, strict=True))["Image_Brightness_row2col3_ER"] == np.mean([84, 85, 92, 93])
    with pytest.raises(InputError, match="4 x 4 pixels or more, and one has 8 x 3"):
        opened.prepare(site[:, :, :3])


# ---------------------------------------------------------------- the loss
def margin_by_hand(p: np.ndarray, q: np.ndarray, width: float) -> float:
    total, pairs = 0.0, len(p)
    for i in range(pairs):
        for j in range(pairs):
            if j != i:
                total += max(0.0, width - p[i] @ q[i] + p[i] @ q[j]) + max(0.0, width - p[i] @ q[i] + p[j] @ q[i])
    return total / (2 * pairs * (pairs - 1))


def unit_rows(seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(5, 3))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_loss_in_settings_and_as_an_object(named: None) -> None:
    import torch
    from impasto_example.margin import MARGIN, margin

    from impasto.joint.objective import Objective
    from impasto.joint.settings import LossSettings

    p, q = torch.from_numpy(unit_rows(0)), torch.from_numpy(unit_rows(1))
    expected = margin_by_hand(p.numpy(), q.numpy(), 0.2)
    assert expected > 0.1
    by_name = Objective(LossSettings(loss="margin"))
    for objective in (by_name, Objective(LossSettings(), loss=MARGIN), Objective(LossSettings(), loss=lambda a, b, _: margin(a, b))):
        assert float(objective(p, q, p[:, None].expand(-1, 2, -1))[0]) == pytest.approx(expected)
    assert not by_name.log_scale.requires_grad
    assert torch.autograd.gradcheck(margin, (p.requires_grad_(), q.requires_grad_()))
    with pytest.raises(InputError, match="did you mean 'margin'"):
        LossSettings.read({"loss": "margn"}, where="test")


RECIPE = """
[[stage]]
name = "model"
verb = "train"
profiles = "{profiles}"
[stage.method]
name = "two_towers"
perturbation = "molecule"
loss = "{loss}"
width = 16
out = 8
depth = 1
heads = 2
minibatch = 8
molecule_width = 16
bits = 256
[stage.loop]
epochs = 2
"""


def test_the_loss_in_a_recipe(impasto, tmp_path: Path) -> None:
    pytest.importorskip("rdkit", reason="molecules need rdkit: pip install 'impasto[chem]'")
    impasto("simulate", "--out", tmp_path / "simulated", "--no-images", "--set", "plates=1", "--set", "perturbations=24")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.format(profiles=tmp_path / "simulated" / "profiles.parquet", loss="margn"))
    assert "did you mean 'margin'" in " ".join(impasto("run", recipe, "--out", tmp_path / "out", code=2).split())
    recipe.write_text(RECIPE.format(profiles=tmp_path / "simulated" / "profiles.parquet", loss="margin"))
    impasto("run", recipe, "--out", tmp_path / "out")
    described = json.loads((tmp_path / "out" / "model" / "model.json").read_text())
    assert described["method"]["loss"] == "margin"
    # Two unit rows of one pair are at most 2 apart in cosine, so no pair costs more than the margin and 2.
    values = [json.loads(line) for line in (tmp_path / "out" / "model" / "log.jsonl").read_text().splitlines()]
    assert all(0 < value["loss"] < 2.2 for value in values if "loss" in value)


# ---------------------------------------------------------------- the task
def shares(data, quantile: float) -> dict[str, float]:
    """Perturbation -> share of its wells beyond the controls of their plate, well by well."""
    beyond: dict[str, list[bool]] = {}
    for plate in data.obs["plate"].unique():
        controls = [data.X[i].astype(np.float64) for i in np.flatnonzero(control_rows(data, plate))]
        centre = sum(controls) / len(controls)
        limit = np.quantile([np.sqrt(((row - centre) ** 2).sum()) for row in controls], quantile)
        for i in np.flatnonzero(((data.obs["plate"] == plate) & (data.obs["control_type"] == "trt")).to_numpy()):
            distance = np.sqrt(((data.X[i].astype(np.float64) - centre) ** 2).sum())
            beyond.setdefault(data.obs["perturbation"].iloc[i], []).append(bool(distance > limit))
    return {name: sum(hits) / len(hits) for name, hits in beyond.items()}


def shifted():
    """Plates on which every second perturbation lies far out."""
    data = plates()
    far = data.obs["perturbation"].isin([f"c{well}" for well in range(20, 40, 2)]).to_numpy()
    data.X[far] += 6.0
    return data


def test_the_task_from_the_command_line(impasto, tmp_path: Path) -> None:
    data = shifted()
    tables.write(data, tmp_path / "p.parquet")
    arguments = ["--set", "quantile=0.9", "--out", tmp_path / "scores", "--json"]
    (row,) = json.loads(impasto("evaluate", "beyond-controls", tmp_path / "p.parquet", *arguments))
    expected = shares(data, 0.9)
    assert 0.3 < np.mean(list(expected.values())) < 0.9
    assert row["value"] == pytest.approx(np.mean(list(expected.values())))
    assert (row["task"], row["metric"], row["n"]) == ("beyond-controls", "share beyond", len(expected))
    assert row["chance"] == pytest.approx(0.1)
    per_group = pd.read_parquet(tmp_path / "scores" / "per_group.parquet").set_index("perturbation")["share"]
    assert per_group.to_dict() == pytest.approx(expected)


def test_a_misspelt_setting_of_the_task_is_refused(impasto, tmp_path: Path) -> None:
    tables.write(shifted(), tmp_path / "p.parquet")
    sentence = impasto("evaluate", "beyond-controls", tmp_path / "p.parquet", "--set", "quantil=0.9", "--out", tmp_path / "s", code=2)
    assert "did you mean 'quantile'" in " ".join(sentence.split())


def test_the_task_by_name_and_as_a_function(named: None) -> None:
    from impasto_example.beyond_controls import evaluate

    data = shifted()
    by_name = several.evaluate("beyond-controls", [("raw", data)], settings={"quantile": 0.8})
    by_function = several.evaluate(evaluate, [("raw", data)], settings={"quantile": 0.8})
    pd.testing.assert_frame_equal(by_name.scores, by_function.scores)
    pd.testing.assert_frame_equal(by_name.per_group, by_function.per_group)
    assert by_name.scores["value"].item() == pytest.approx(np.mean(list(shares(data, 0.8).values())))
    with pytest.raises(InputError, match="quantile"):
        several.evaluate(evaluate, [("raw", data)], settings={"quantile": 1.5})


def test_two_plates_of_one_name_are_two(named: None) -> None:
    from impasto_example.beyond_controls import evaluate

    data = shifted()
    expected = evaluate(data).scores
    data.obs["plate"] = "P"
    pd.testing.assert_frame_equal(evaluate(data).scores, expected)


def test_the_task_needs_controls_on_every_plate(named: None) -> None:
    from impasto_example.beyond_controls import evaluate

    data = shifted()
    with pytest.raises(InputError, match="plate B1/P1 has no negative controls"):
        evaluate(data[~control_rows(data, "P1")].copy())
    unnamed = data.copy()
    del unnamed.obs["perturbation"]
    with pytest.raises(InputError, match="perturbation"):
        evaluate(unnamed)
    with pytest.raises(InputError, match="needs treated wells"):
        evaluate(data[control_rows(data)].copy())
