"""The layout of 0.1.0 becomes that of today: records of groups, stacked rounds, and a plate by its name only."""

from __future__ import annotations

import numpy as np

from impasto.correction import CORRECTORS, kept_before
from impasto.correction.harmony import Harmony
from impasto.correction.select import Select
from impasto.correction.sphering import Sphering
from impasto.correction.standardize import Standardize


def array(name: str) -> dict[str, str]:
    return {"array": name}


def test_mappings_of_one_thing_a_group_become_one_mapping_of_records() -> None:
    old = {
        "centre": {"map": [["P1", array("c1")], ["P2", array("c2")]]},
        "spread": {"map": [["P1", array("s1")], ["P2", array("s2")]]},
        "grand": array("g"),
    }
    settings = Standardize.settings_class.read({}, where="test")
    new = kept_before.state(Standardize, settings, old, {})
    assert new == {
        "keys": {"value": ["plate"]},
        "grand": array("g"),
        "learned": {
            "map": [
                ["P1", {"record": {"centre": array("c1"), "spread": array("s1")}}],
                ["P2", {"record": {"centre": array("c2"), "spread": array("s2")}}],
            ]
        },
    }


def test_what_has_no_groups_stays_and_sphering_keeps_its_whitenings() -> None:
    old = {"kept": {"value": ["a"]}}
    settings = CORRECTORS["select"].settings_class.read({}, where="test")
    assert kept_before.state(Select, settings, old, {}) is old
    whitenings = {"map": [["", {"record": {}}]]}
    settings = CORRECTORS["sphering"].settings_class.read({}, where="test")
    new = kept_before.state(Sphering, settings, {"whitenings": whitenings}, {})
    by = getattr(settings, "by", "plate")
    assert new == {"keys": {"value": [] if by is None else [by]}, "learned": whitenings}


def test_rounds_of_harmony_are_stacked_in_order_for_every_group() -> None:
    rounds = []
    arrays = {}
    for number in (0, 1, 2):
        fields: dict[str, object] = {"centroids": array(f"z{number}"), "intercepts": array(f"i{number}")}
        for name in ("weights", "shifts"):
            of_groups = []
            for place, group in enumerate(("B1", "B2")):
                path = f"{name}/{number}/{group}"
                arrays[path] = np.full((2,), 10.0 * number + place + (100.0 if name == "shifts" else 0.0))
                of_groups.append([group, array(path)])
            fields[name] = {"map": of_groups}
        rounds.append([number, {"record": fields}])
    settings = Harmony.settings_class.read({"by": "batch"}, where="test")
    new = kept_before.state(Harmony, settings, {"rounds": {"map": rounds}}, arrays)
    assert new["keys"] == {"value": ["batch"]}
    assert new["rounds"]["map"][2] == [2, {"record": {"centroids": array("z2"), "intercepts": array("i2")}}]
    (first, _), (second, record) = new["learned"]["map"]
    assert (first, second) == ("B1", "B2")
    np.testing.assert_array_equal(arrays[record["record"]["weights"]["array"]], [[1.0, 1.0], [11.0, 11.0], [21.0, 21.0]])
    np.testing.assert_array_equal(arrays[record["record"]["shifts"]["array"]], [[101.0] * 2, [111.0] * 2, [121.0] * 2])
