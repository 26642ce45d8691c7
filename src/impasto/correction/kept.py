"""Fitted correctors on disk, so that what was learned on some plates is applied to others, months later, to the same numbers.

A folder: `steps.json` (method, settings and the shape of the state of each step, in order) and `state.safetensors` (its arrays, float64,
or float32 where the corrector holds them so). Large arrays are mapped and not read. A corrector is a dataclass of arrays, numbers, words,
and mappings or records of these; nothing is pickled.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from impasto import border, runs, safe_arrays, texts
from impasto.correction import CORRECTORS, kept_before
from impasto.correction.base import Corrector
from impasto.schema import InputError

STEPS, _STATE = "steps.json", "state.safetensors"
Arrays = dict[str, np.ndarray[Any, Any]]


def save(folder: Path, steps: Sequence[Corrector[Any]], /) -> None:
    """Write fitted steps, whole or not at all.

    Parameters
    ----------
    folder
        The folder to write.
    steps
        Fitted correctors, in order.

    """
    arrays: Arrays = {}
    written = [
        {"method": step.name, "settings": step.settings.model_dump(mode="json"), "state": _taken_apart(step, str(number), arrays)["record"]}
        for number, step in enumerate(steps)
    ]
    with runs.atomic(folder) as temporary:
        temporary.mkdir()
        safe_arrays.write(temporary / _STATE, arrays)
        texts.write(temporary / STEPS, json.dumps(written, indent=1) + "\n")


def load(folder: Path, /) -> list[Corrector[Any]]:
    """The fitted steps of a folder, in order.

    Parameters
    ----------
    folder
        What `save` left, in this version or in 0.1.0.

    Returns
    -------
    list[Corrector[Any]]
        At least one.

    Raises
    ------
    InputError
        The folder holds no fitted steps, or damaged ones.

    """
    leave_some = "leave some with: impasto correct P --method NAME --keep --out Q"
    if not (folder / STEPS).exists():
        raise InputError(f"{folder} holds no fitted corrections ({STEPS}); {leave_some}")
    try:
        written = json.loads(texts.read(folder / STEPS))
        arrays = safe_arrays.read(folder / _STATE) if written else {}
    except (OSError, ValueError) as error:
        raise InputError(f"{folder} holds fitted corrections that cannot be read ({error}); {leave_some}") from error
    if not isinstance(written, list) or not written:
        raise InputError(f"{folder / STEPS} lists no steps, so nothing would be corrected; {leave_some}")
    for name, values in arrays.items():
        if safe_arrays.has_nan(values):
            raise InputError(f"{folder}: {name!r} holds values that are not numbers, so these corrections are damaged; {leave_some}")
    with border.reading(folder, "folder of fitted corrections", remedy=leave_some):
        return [_step(record, arrays, where=str(folder / STEPS)) for record in written]


def _step(record: dict[str, Any], arrays: Arrays, *, where: str) -> Corrector[Any]:
    kind = CORRECTORS[record["method"]]
    settings = kind.settings_class.read(record["settings"], where=where)
    state = record["state"] if "method" in record["settings"] else kept_before.state(kind, settings, record["state"], arrays)
    step: Corrector[Any] = kind(settings=settings, **_fields(kind, state, arrays))  # type: ignore[call-arg]
    return step


def _taken_apart(value: Any, name: str, arrays: Arrays) -> dict[str, Any]:
    """A value as JSON; its arrays go into `arrays` under their path, which stands in their place."""
    if isinstance(value, np.ndarray):
        arrays[name] = value if value.dtype == np.float32 else value.astype(np.float64, copy=False)
        return {"array": name}
    if dataclasses.is_dataclass(value):
        fields = [f.name for f in dataclasses.fields(value) if f.name != "settings"]
        return {"record": {f: _taken_apart(getattr(value, f), f"{name}.{f}", arrays) for f in fields}}
    if isinstance(value, dict):
        return {"map": [[key, _taken_apart(member, f"{name}.{place}", arrays)] for place, (key, member) in enumerate(value.items())]}
    return {"value": value}


def _put_together(node: dict[str, Any], hint: Any, arrays: Arrays) -> Any:
    """The value of a node; `hint` is its declared type, which says of what class a record is."""
    if "array" in node:
        return arrays[node["array"]]
    if "record" in node:
        return hint(**_fields(hint, node["record"], arrays))
    if "map" in node:
        of_keys, of_members = get_args(hint)
        return {border.checked(key, of_keys, "a key"): _put_together(member, of_members, arrays) for key, member in node["map"]}
    value = node["value"]
    return border.checked(tuple(value) if get_origin(hint) is tuple else value, hint, "a value")


def _fields(kind: type, nodes: dict[str, Any], arrays: Arrays) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {name: _put_together(node, hints[name], arrays) for name, node in nodes.items()}
