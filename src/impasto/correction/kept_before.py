"""Fitted correctors that version 0.1.0 wrote, in the layout of today.

It wrote one mapping of groups for each thing that a group learned (`centre`, `spread`); today there is one mapping, `learned`, to records
of these. It named a plate by its own name only, whatever its batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from impasto.correction.base import Corrector
from impasto.correction.group_names import column_of_groups
from impasto.correction.per_group import PerGroup
from impasto.settings import Settings

Node = dict[str, Any]


def state(kind: type[Corrector[Any]], settings: Settings, old: Node, arrays: dict[str, np.ndarray[Any, Any]], /) -> Node:
    """The state of a step as it is written now.

    Parameters
    ----------
    kind
        The class of the corrector.
    settings
        Its settings.
    old
        Its state as 0.1.0 wrote it.
    arrays
        The arrays of the folder. Harmony's, which were one a round, are stacked and added; sorted values are turned.

    Returns
    -------
    Node
        The state as `kept.save` writes it now.

    """
    if not issubclass(kind, PerGroup):
        return old
    by = column_of_groups(settings)
    keys = {"value": [] if by is None else [by]}
    if kind.name == "harmony":
        return {"keys": keys, **_harmony(old, arrays)}
    if kind.name == "sphering":
        return {"keys": keys, "learned": old["whitenings"]}
    if kind.name == "inverse_normal":
        for _, node in old["ordered"]["map"]:  # (n, features)
            arrays[node["array"]] = np.ascontiguousarray(arrays[node["array"]].T, dtype=np.float32)
        old = {"lines": old["ordered"]}
    of_groups = {name: dict(node["map"]) for name, node in old.items() if "map" in node}
    shared = {name: node for name, node in old.items() if "map" not in node}
    groups = next(iter(of_groups.values()))
    learned = [[group, {"record": {name: nodes[group] for name, nodes in of_groups.items()}}] for group in groups]
    return {"keys": keys, **shared, "learned": {"map": learned}}


def _harmony(old: Node, arrays: dict[str, np.ndarray[Any, Any]]) -> Node:
    rounds = {number: node["record"] for number, node in old["rounds"]["map"]}
    learned = []
    for group, _ in next(iter(rounds.values()))["shifts"]["map"]:
        record = {}
        for name in ("weights", "shifts"):
            of_group = [dict(fields[name]["map"])[group]["array"] for fields in rounds.values()]
            stacked = f"{name} of {group}"
            arrays[stacked] = np.stack([arrays[path] for path in of_group])
            record[name] = {"array": stacked}
        learned.append([group, {"record": record}])
    shared = [[n, {"record": {name: fields[name] for name in ("centroids", "intercepts")}}] for n, fields in rounds.items()]
    return {"rounds": {"map": shared}, "learned": {"map": learned}}
