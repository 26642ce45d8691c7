"""Which columns are features, told by where the table comes from."""

from __future__ import annotations

import pandas as pd
import pytest

from impasto import feature_columns
from impasto.schema import InputError


def tell(columns: dict[str, object], **options: object) -> feature_columns.Features:
    return feature_columns.tell(pd.DataFrame(columns), where="t.csv", **{"annotation": (), "pattern": None, **options})  # type: ignore[arg-type]


BOOKKEEPING = [
    "Unnamed: 0", "ImageNumber", "ObjectNumber", "Image_ExecutionTime_01LoadData", "Image_Count_Cells",
    "Image_Threshold_FinalThreshold_Cells",
    "Image_Width_OrigDNA", "Image_Group_Index", "Image_ImageNumber", "Image_Scaling_OrigDNA", "Image_ModuleError_01LoadData",
    "Cells_AreaShape_Center_X", "Cells_AreaShape_BoundingBoxMinimum_Y", "Nuclei_Neighbors_FirstClosestObjectNumber_2",
    "Cells_TrackObjects_Label_50", "Cells_Location_Center_X", "Nuclei_Number_Object_Number", "Cells_Parent_Nuclei", "index", "bbox-0",
    "centroid-1", "label", "x_1" , "Position X [µm]",
]  # fmt: skip


@pytest.mark.parametrize("name", BOOKKEEPING)
def test_bookkeeping_is_left_out_and_listed(name: str) -> None:
    found = tell({name: [1.0], "Cells_AreaShape_Area": [2.0]})
    assert found.names == ["Cells_AreaShape_Area"]
    assert found.left_out == [name]


@pytest.mark.parametrize(
    ("names", "how"),
    [
        (["FilteredNuclei_AreaShape_Area", "Spots_Intensity_MeanIntensity_DNA"], "CellProfiler's names"),
        (["emb_DNA_0000", "emb_DNA_0001"], "embeddings"),
        (["efficientnet_0", "efficientnet_1"], "embeddings"),
        (["0", "1", "2", "3"], "columns numbered in a row"),
        (["X_1", "X_2", "X_3", "X_4", "X_5"], "embeddings"),
        (["Image_Granularity_1_DNA", "Nuclei_Texture_Contrast_Mito_3_00_256"], "CellProfiler's names"),
    ],
)
def test_features_by_form(names: list[str], how: str) -> None:
    found = tell({name: [0.5] for name in names})
    assert (found.names, found.left_out, found.how) == (names, [], how)


def test_a_few_numbered_letters_are_positions_and_a_gap_ends_a_run() -> None:
    found = tell({name: [1.0] for name in ("x_0", "y_0", "x_1", "y_1", "emb_0", "emb_1")})
    assert (found.names, found.left_out) == (["emb_0", "emb_1"], ["x_0", "y_0", "x_1", "y_1"])
    found = tell({name: [1.0] for name in ("x_0", "x_1", "x_2", "x_9", "emb_0")})
    assert (found.names, found.left_out) == (["emb_0"], ["x_0", "x_1", "x_2", "x_9"])


def test_harmonys_features_hold_a_dash_and_its_other_numbers_are_left_out() -> None:
    names = [
        "Row",
        "Column",
        "Plane",
        "Timepoint",
        "Height [µm]",
        "Number of Analyzed Fields",
        "Nuclei - Area [µm²]",
        "Nuclei - Number of Objects",
    ]
    found = tell({name: [1.0] for name in names})
    assert found.names == names[-2:]
    assert set(found.left_out) == set(names[:-2])


def test_columns_of_no_form_are_refused_until_the_user_says_what_they_are() -> None:
    columns = {"a": [1.0], "b": [2.0], "c": [3.0], "Cells_AreaShape_Area": [4.0]}
    sentence = (
        r"t\.csv: 3 numeric columns follow no form that is known \(a, b, c\); features: --features rest \(or a regular expression\); "
        r"annotation: --annotation a,b,c"
    )
    with pytest.raises(InputError, match=sentence):
        tell(columns)
    assert tell(columns, pattern="rest").names == list(columns)
    assert tell(columns, pattern="^[ab]$").names == ["a", "b"]
    assert tell(columns, pattern="^[ab]$").left_out == ["c", "Cells_AreaShape_Area"]
    assert tell(columns, annotation=("a", "b", "c")).names == ["Cells_AreaShape_Area"]
    assert tell(columns, leave_out=("a", "b", "c")).left_out == ["a", "b", "c"]
    with pytest.raises(InputError, match="no column 'd' to leave out"):
        tell(columns, leave_out=("d",))


def test_a_prefix_tells_in_a_table_with_few_of_cellprofilers_names() -> None:
    found = tell(
        {"Metadata_A": ["x"], "Metadata_B": ["y"], "speed": [1.0], "size": [2.0]}, annotation=("Metadata_A", "Metadata_B"), prefixed=2
    )
    assert (found.names, found.how) == (["speed", "size"], "every numeric column without Metadata_")


def test_text_in_a_feature_is_refused_with_its_row() -> None:
    sentence = r"t\.csv: feature 'b' holds text \(first: 'n\.d\.', row 4\); mend it or --leave-out b"
    columns = {"b": ["1", "2", "n.d.", "3"], "Cells_AreaShape_Area": [1.0, 2.0, 3.0, 4.0]}
    with pytest.raises(InputError, match=sentence):
        tell(columns)
    with pytest.raises(InputError, match=sentence):
        tell(columns, pattern="rest")
    with pytest.raises(InputError, match=sentence):
        tell(columns, pattern="^b$")
    assert tell(columns, leave_out=("b",)).names == ["Cells_AreaShape_Area"]
    with pytest.raises(InputError, match=r"feature 'Cells_AreaShape_Area' holds no number"):
        tell({"Cells_AreaShape_Area": [None, None], "emb_0000": [1.0, 2.0]})


def test_what_we_wrote_is_taken_to_the_last() -> None:
    found = tell({"Cells_AreaShape_Center_X": [1.0], "odd": [2.0]}, known=("odd", "Cells_AreaShape_Center_X"), ours=True)
    assert found.names == ["Cells_AreaShape_Center_X", "odd"]
