from __future__ import annotations

import numpy as np
import pytest

from impasto.cells import columns


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("Cells_AreaShape_Area", True),
        ("Cells_Intensity_MeanIntensity_DNA", True),
        ("Cells_Neighbors_NumberOfNeighbors_5", True),
        ("FilteredNuclei_Texture_Contrast_DNA_3_00_256", True),
        ("Cells_Location_Center_X", False),
        ("Cells_Number_Object_Number", False),
        ("Cells_Parent_Nuclei", False),
        ("Cells_Children_Foci_Count", False),
        ("Cells_AreaShape_Center_X", False),
        ("Cells_AreaShape_BoundingBoxMinimum_X", False),
        ("Cells_Neighbors_FirstClosestObjectNumber_5", False),
        ("Cells_ImageNumber", False),
        ("Cells_ObjectNumber", False),
        ("Cells_Metadata_Well", False),
    ],
)
def test_what_is_a_feature(name: str, is_one: bool) -> None:
    assert columns.is_feature(name) == is_one


def test_a_clump_is_a_note_and_any_other_bit_leaves_a_cell_out() -> None:
    bits = np.array([0, *columns.BIT.values(), 1 | 2], dtype=np.uint16)
    assert columns.are_kept(bits).tolist() == [True, False, True, False, False, False, False, False]
    assert list(columns.BIT.values()) == [1, 2, 4, 8, 16, 32]


def test_a_measure_is_that_of_the_nuclei_where_they_have_it() -> None:
    names = ["Cells_AreaShape_Area", "Nuclei_AreaShape_Area", "Nuclei_Intensity_IntegratedIntensity_Hoechst", "Cells_AreaShape_AreaBox"]
    assert columns.of_measure(names, group="AreaShape", measure="Area") == "Nuclei_AreaShape_Area"
    assert columns.of_measure(names[:1], group="AreaShape", measure="Area") == "Cells_AreaShape_Area"
    assert columns.of_measure(names, group="Intensity", measure="IntegratedIntensity", channel="DNA") == names[2]
    assert columns.of_measure(names, group="AreaShape", measure="Solidity") is None


def test_names_of_centres_boxes_and_partners() -> None:
    assert columns.center_of(["AreaShape_Center_X", "AreaShape_Center_Y"]) == ["AreaShape_Center_X", "AreaShape_Center_Y"]
    assert columns.center_of(["Location_Center_X"]) == []
    assert columns.box_of(["AreaShape_BoundingBoxMinimum_X"]) == []
    assert columns.object_column("Nuclei") == "Metadata_Object_Nuclei"
    assert columns.in_our_words("Metadata_Box_X0") == "box_x0"
