"""Fitted steps come back from disk, those of 0.1.0 too; damaged folders are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tests.correction.plated import EXTRAS, plates

from impasto.correction import CORRECTORS, kept
from impasto.correction.clip import Clip
from impasto.correction.standardize import Standardize
from impasto.correction.steps import correct
from impasto.schema import InputError

OLD = Path(__file__).with_name("kept_0.1.0")
"""What 0.1.0 kept of each corrector, fitted on plates P0 and P1 of `plates(wells=24, controls=12)`, and what it made of them."""
ARMS = Path(__file__).with_name("arms.csv")
QUICK: dict[str, dict[str, Any]] = {"cellpaintr": {"width": 8, "depth": 1, "epochs": [1, 0, 0]}, "arm": {"arms": str(ARMS), "least": 1}}


@pytest.mark.parametrize("name", CORRECTORS.names())
def test_fitted_steps_come_back_from_disk_to_the_same_bytes(name: str, tmp_path: Path) -> None:
    if name in EXTRAS:
        pytest.importorskip(name, reason=f"the extra {name}")
    data = plates()
    kind = CORRECTORS[name]
    fitted = kind.fit(data, kind.settings_class.read(QUICK.get(name, {}), where="test"))
    kept.save(tmp_path / "fitted", [fitted])
    (again,) = kept.load(tmp_path / "fitted")
    np.testing.assert_array_equal(again.transform(data).X, fitted.transform(data).X)
    assert again.settings == fitted.settings
    assert again.seen_in_fit() == fitted.seen_in_fit()


@pytest.mark.parametrize("name", sorted(folder.name for folder in OLD.iterdir() if folder.is_dir()))
def test_what_an_earlier_version_kept_gives_its_numbers(name: str) -> None:
    data = plates(wells=24, controls=12)
    (fitted,) = kept.load(OLD / name)
    known = data[(data.obs["plate"] != "P2").to_numpy()].copy()
    expected = load_file(OLD / "expected.safetensors")[name]
    np.testing.assert_allclose(fitted.transform(known).X, expected, rtol=1e-5, atol=1e-5)
    if name not in ("clip", "select", "sphering", "cellpaintr"):
        assert fitted.seen_in_fit() == ("P0", "P1")
        wider, _, receipt = correct(data, fitted=[fitted])
        np.testing.assert_allclose(wider.X[: len(expected)], expected, rtol=1e-5, atol=1e-5)
        assert receipt["methods"][0]["learned_anew"] == ["P2"]


def test_steps_keep_their_order_and_settings(tmp_path: Path) -> None:
    data = plates()
    _, fitted, _ = correct(data, ["standardize", {"method": "clip", "limit": 2.0}, "standardize"])
    kept.save(tmp_path / "fitted", fitted)
    again = kept.load(tmp_path / "fitted")
    assert [step.name for step in again] == ["standardize", "clip", "standardize"]
    assert again[1].settings.limit == 2.0
    written = json.loads((tmp_path / "fitted" / "steps.json").read_text())
    assert written[1]["settings"] == {"method": "clip", "limit": 2.0}


def test_a_folder_without_fitted_steps_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no fitted corrections"):
        kept.load(tmp_path)


def test_damaged_folders_are_sentences(tmp_path: Path) -> None:
    data = plates()
    kept.save(tmp_path / "fitted", [Clip.fit(data), Standardize.fit(data)])
    state = tmp_path / "fitted" / "state.safetensors"
    whole = state.read_bytes()
    state.write_bytes(whole[:-100])
    with pytest.raises(InputError, match="cannot be read"):
        kept.load(tmp_path / "fitted")
    state.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        kept.load(tmp_path / "fitted")
    state.write_bytes(whole)
    arrays = load_file(state)
    name = next(iter(arrays))
    arrays[name][0] = np.nan
    save_file(arrays, state)
    with pytest.raises(InputError, match="are not numbers, so these corrections are damaged"):
        kept.load(tmp_path / "fitted")
    save_file({f"x{key}" if key == name else key: values for key, values in load_file(state).items() if key != name}, state)
    with pytest.raises(InputError, match=rf"cannot be read as a folder of fitted corrections \({name} is missing\); leave some"):
        kept.load(tmp_path / "fitted")
    (tmp_path / "fitted" / "steps.json").write_text("[{")
    with pytest.raises(InputError, match="cannot be read"):
        kept.load(tmp_path / "fitted")


@pytest.mark.parametrize("steps", ["[]", "{}"])
def test_a_folder_whose_list_of_steps_is_empty_corrects_nothing_and_is_refused(steps: str, tmp_path: Path) -> None:
    (tmp_path / "steps.json").write_text(steps)
    with pytest.raises(InputError, match=r"steps\.json lists no steps, so nothing would be corrected; leave some with: impasto correct"):
        kept.load(tmp_path)


@pytest.mark.parametrize("value", [[1.5], [["Cells_Area"]], 3, [{"a": 1}], None])
def test_a_value_of_another_form_is_refused_before_anything_is_corrected(value: object, tmp_path: Path) -> None:
    kept.save(tmp_path / "fitted", [Standardize.fit(plates(wells=12, controls=6))])
    written = json.loads((tmp_path / "fitted" / kept.STEPS).read_text())
    assert "value" in written[0]["state"]["feature_names"]
    written[0]["state"]["feature_names"] = {"value": value}
    (tmp_path / "fitted" / kept.STEPS).write_text(json.dumps(written))
    with pytest.raises(InputError, match=r"cannot be read as a folder of fitted corrections .* leave some with"):
        kept.load(tmp_path / "fitted")
