"""Spelling: a lab's columns are told apart as it meant them, and what is not understood is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from impasto import schema, spelling
from impasto.schema import InputError


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Metadata_Plate": ["P1", "P1", "P2"],
            "Metadata_Well": ["a1", "A2", "B03"],
            "Metadata_broad_sample": ["BRD-1", "BRD-2", "DMSO"],
            "Metadata_control_type": [np.nan, "poscon_cp", "negcon"],
            "Nuclei_AreaShape_Area": [1.0, 2.0, 3.0],
            "Cells_Texture_Contrast_Mito_3_00_256": [0.0, -1.0, 4.0],
        }
    )


def test_words_are_found_by_spelling() -> None:
    found = spelling.sort(table(), where="t")
    assert set(found.obs) == {schema.PLATE, schema.WELL, schema.PERTURBATION, schema.CONTROL_TYPE, "control_type_original"}
    assert found.obs[schema.WELL].tolist() == ["A01", "A02", "B03"]
    assert found.obs[schema.CONTROL_TYPE].tolist() == ["trt", "poscon", "negcon"]
    assert found.obs["control_type_original"].tolist()[1] == "poscon_cp"
    assert found.taken[schema.PERTURBATION] == "Metadata_broad_sample"
    assert found.features == ["Nuclei_AreaShape_Area", "Cells_Texture_Contrast_Mito_3_00_256"]


def test_a_column_can_be_named_by_hand() -> None:
    frame = table().rename(columns={"Metadata_Well": "Metadata_Position"})
    assert spelling.sort(frame, where="t", chosen={"well": "Position"}).obs[schema.WELL].iloc[0] == "A01"
    with pytest.raises(InputError, match=r"no column 'Positoin' for 'well' \(did you mean"):
        spelling.sort(frame.rename(columns={"Metadata_Position": "Position"}), where="t", chosen={"well": "Positoin"})


def test_bookkeeping_columns_are_neither_features_nor_annotation() -> None:
    frame = table().assign(Cells_Location_Center_X=1.0, Cells_Number_Object_Number=2.0, Nuclei_Parent_Cells=1.0)
    found = spelling.sort(frame, where="t")
    assert len(found.features) == 2
    assert found.left_out == ["Cells_Location_Center_X", "Cells_Number_Object_Number", "Nuclei_Parent_Cells"]
    assert not set(found.left_out) & set(found.obs)


def test_features_can_be_named_by_an_expression() -> None:
    assert spelling.sort(table(), where="t", features="^Nuclei_").features == ["Nuclei_AreaShape_Area"]
    with pytest.raises(InputError, match="feature 'Metadata_Plate' is not numeric"):
        spelling.sort(table(), where="t", features="Plate")


def test_a_measurement_that_came_as_text_is_refused_with_its_row() -> None:
    frame = table().astype({"Nuclei_AreaShape_Area": object})
    frame.loc[1, "Nuclei_AreaShape_Area"] = "oops"
    with pytest.raises(InputError, match=r"t\.csv: feature 'Nuclei_AreaShape_Area' is not numeric: row 1 holds 'oops'"):
        spelling.sort(frame, where="t.csv")


def test_no_features_is_a_sentence() -> None:
    with pytest.raises(InputError, match="no feature columns"):
        spelling.sort(table()[["Metadata_Plate", "Metadata_Well"]], where="t")


def test_two_columns_of_one_meaning_are_refused_with_a_way_out() -> None:
    with pytest.raises(InputError, match=r"two columns mean .plate.; say which one with --set columns\.plate=NAME"):
        spelling.sort(table().assign(plate="P1"), where="t")


def test_a_table_of_annotation_alone_comes_in_our_words() -> None:
    found = spelling.annotation(pd.DataFrame({"Metadata_Well": ["a1"], "broad_sample": ["BRD-1"], "note": ["x"]}), where="map.csv")
    assert found.to_dict("list") == {schema.WELL: ["A01"], schema.PERTURBATION: ["BRD-1"], "note": ["x"]}
    with pytest.raises(InputError, match=r"map\.csv: "):
        spelling.annotation(pd.DataFrame({"well": ["nowhere"]}), where="map.csv")
