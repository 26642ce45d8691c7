"""What the page begins with: counts, columns, plates, windows, colours, and what is absent with the command that makes it."""

from __future__ import annotations

import dataclasses

import pytest

from impasto.explorer import about, structure
from impasto.explorer.contents import Contents


def test_an_index_is_described_by_its_own_numbers(contents: Contents) -> None:
    said = about.about(contents, questions=[])
    assert said["title"] == "A small assay"
    assert said["counts"] == {"wells": 48, "perturbations": 5, "doses": 16, "plates": 2, "images": 10}
    assert (said["dose_unit"], said["pixel_um"], said["channels"], said["spaces"]) == ("µM", 0.6, ["DNA", "ER"], ["profiles"])
    assert said["hits"] == {"hits": 2, "tested": 16, "rate": 0.05, "downloads": []}
    assert said["plates"] == [
        {"plate": "P1", "batch": "B1", "source": "", "wells": 24, "negcon": 8, "imaged": 4},
        {"plate": "P2", "batch": "B1", "source": "", "wells": 24, "negcon": 8, "imaged": 1},
    ]
    assert said["features"] is True
    assert said["digest"] == contents.digest


def test_windows_are_a_range_a_channel_and_those_of_floats_are_of_what_is_sent(contents: Contents) -> None:
    windows = about.about(contents, questions=[])["windows"]
    kept = contents.tables["windows"].set_index(["plate", "channel"])
    low, high = kept.loc[("P1", "DNA"), "low"], kept.loc[("P1", "DNA"), "high"]
    assert windows["P1"][0] == [low, high]
    assert windows["P2"][1] == [0.0, 65535.0]


def test_colours_are_the_commonest_names_ties_by_name(contents: Contents) -> None:
    colours = contents.facts["colours"]
    assert colours["perturbation"] == ["DMSO", "id-0", "id-1", "id-2", "id-3"]
    assert colours["control_type"] == ["trt", "negcon"]
    assert colours["moa"] == ["kinase"]
    assert "well" not in colours


def test_columns_have_a_kind_and_doses_their_unit(contents: Contents) -> None:
    wells = {column["name"]: column for column in about.columns(contents, "wells")}
    assert wells["concentration"] == {"name": "concentration", "kind": "number", "unit": "µM"}
    assert wells["moa"] == {"name": "moa", "kind": "category", "label": "mechanism"}
    assert wells["spared"]["kind"] == "category"
    assert list(wells)[:5] == ["plate", "well", "batch", "perturbation", "name"]
    others = {column["name"]: column["kind"] for column in about.columns(contents, "perturbations")}
    assert (others["hit"], others["p"], others["n_wells"]) == ("category", "number", "number")


def test_what_is_absent_names_its_command(contents: Contents, monkeypatch: pytest.MonkeyPatch) -> None:
    assert about.missing(contents) == {}
    without = about.missing(dataclasses.replace(contents, tables={}))
    assert "--images INGESTED" in without["cells"]
    assert "impasto evaluate hits" in without["hits"]
    monkeypatch.setattr(structure, "can_draw", lambda: False)
    assert about.missing(contents) == {"structures": "structures need RDKit; install it: pip install 'impasto[chem]'"}


def test_a_plate_without_control_images_is_warned_of(contents: Contents) -> None:
    warnings = about.about(contents, questions=[])["warnings"]
    assert "Plate P2 has no image of a negative control; its brightness is set by all its wells." in warnings
