"""The description of a run: what is damaged is one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from impasto.schema import InputError
from impasto.training import model_json

WHOLE: dict[str, Any] = {"method": {"name": "wsl"}, "facts": {"split": {}}, "seed": 0}


def written(folder: Path, content: object) -> Path:
    (folder / model_json.FILE).write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_a_whole_one_is_read_as_it_is(tmp_path: Path) -> None:
    assert not model_json.is_run(tmp_path)
    with pytest.raises(InputError, match=r"is not a trained run \(it has no model\.json\); train one with"):
        model_json.read(tmp_path)
    assert model_json.read(written(tmp_path, WHOLE)) == WHOLE
    assert model_json.is_run(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([WHOLE], "it holds a list"),
        ({"facts": {}}, "method is missing"),
        ({**WHOLE, "facts": None}, "facts is a NoneType, not an object"),
        ({**WHOLE, "method": "wsl"}, "method is a str, not an object"),
        ({**WHOLE, "method": {}}, "name is missing"),
        ({**WHOLE, "method": {"name": 3}}, "its method has no name"),
        ({**WHOLE, "facts": {"split": {"test": 3}}}, "split is \"{'test': 3}\", and not dict"),
        ({**WHOLE, "facts": {"features": "Cells_Area"}}, "features is "),
        ({**WHOLE, "facts": {"mean": [0.5, None]}}, "mean is "),
        ({**WHOLE, "facts": {"sites": 2.5}}, "sites is "),
        ({**WHOLE, "facts": {"identity": []}}, "identity is "),
    ],
)
def test_a_damaged_one_is_one_sentence(content: object, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"model\.json cannot be read as a trained run \({said}.*\); make it again: impasto train"):
        model_json.read(written(tmp_path, content))
