"""Fitted correctors on disk, so that what was learned on some plates is applied to others, months later, to the same numbers.

A folder: `steps.json` (method, settings and the shape of the state of each step, in order) and `state.safetensors` (its arrays,
float64). A corrector is a dataclass of arrays, numbers, words, and mappings or records of these; nothing is pickled.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
from safetensors.numpy import load_file, save_file

from impasto import correction, runs
from impasto.correction.fitted import Corrector
from impasto.schema import InputError

_STEPS, _STATE = "steps.json", "state.safetensors"


def save(folder: Path, steps: Sequence[Corrector], /) -> None:
    """Write fitted steps at `folder`, whole or not at all."""
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    told = [
        {"method": step.name, "settings": step.settings.model_dump(mode="json"), "state": _taken_apart(step, str(number), arrays)["record"]}
        for number, step in enumerate(steps)
    ]
    with runs.atomic(folder) as temporary:
        temporary.mkdir()
        save_file(arrays, temporary / _STATE)
        (temporary / _STEPS).write_text(json.dumps(told, indent=1) + "\n")


def load(folder: Path, /) -> list[Corrector]:
    """The fitted steps of a folder. Raises InputError where it is not one."""
    if not (folder / _STEPS).exists():
        raise InputError(
            f"{folder} holds no fitted corrections ({_STEPS}); leave some with: impasto correct P --method NAME --keep --out Q"
        )
    steps = json.loads((folder / _STEPS).read_text())
    if not isinstance(steps, list) or not steps:
        raise InputError(
            f"{folder / _STEPS} lists no steps, so nothing would be corrected; leave some with: "
            "impasto correct P --method NAME --keep --out Q"
        )
    arrays = load_file(folder / _STATE)
    found: list[Corrector] = []
    for step in steps:
        kind = correction.corrector(step["method"])
        settings = kind.settings_class.read(step["settings"], where=str(folder / _STEPS))
        found.append(kind(settings=settings, **_fields(kind, step["state"], arrays)))  # type: ignore[call-arg]
    return found


def _taken_apart(value: Any, name: str, arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    """A value as JSON; its arrays go into `arrays` under their path, which stands in their place."""
    if isinstance(value, np.ndarray):
        # safetensors writes the memory as it lies: a transposed view would come back turned.
        arrays[name] = np.array(value, dtype=np.float64, order="C")
        return {"array": name}
    if dataclasses.is_dataclass(value):
        fields = [f.name for f in dataclasses.fields(value) if f.name != "settings"]
        return {"record": {f: _taken_apart(getattr(value, f), f"{name}.{f}", arrays) for f in fields}}
    if isinstance(value, dict):
        return {"map": [[key, _taken_apart(member, f"{name}.{place}", arrays)] for place, (key, member) in enumerate(value.items())]}
    return {"value": value}


def _put_together(node: dict[str, Any], hint: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    """The value of a node; `hint` is its declared type, which says of what class a record is."""
    if "array" in node:
        return arrays[node["array"]]
    if "record" in node:
        return hint(**_fields(hint, node["record"], arrays))
    if "map" in node:
        return {key: _put_together(member, get_args(hint)[1], arrays) for key, member in node["map"]}
    return tuple(node["value"]) if get_origin(hint) is tuple else node["value"]


def _fields(kind: type, nodes: dict[str, Any], arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {name: _put_together(node, hints[name], arrays) for name, node in nodes.items()}
