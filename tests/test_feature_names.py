"""Features' names: CellProfiler's parts, embeddings, and names of no form we know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impasto import feature_names
from impasto.feature_names import FeatureName


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Nuclei_AreaShape_Area", ("Nuclei", "AreaShape", "Area", "")),
        ("Cells_Texture_Contrast_Mito_3_00_256", ("Cells", "Texture", "Contrast", "Mito")),
        ("Cells_Correlation_Correlation_AGP_DNA", ("Cells", "Correlation", "Correlation", "AGP|DNA")),
        ("Cytoplasm_Intensity_MeanIntensity_CorrER", ("Cytoplasm", "Intensity", "MeanIntensity", "ER")),
        ("Nuclei_Correlation_Correlation_DNA_DNA", ("Nuclei", "Correlation", "Correlation", "DNA")),  # a channel is named once
        ("Cells_Neighbors_NumberOfNeighbors_Nuclei", ("Cells", "Neighbors", "NumberOfNeighbors", "")),  # an object, not a stain
        ("Cells_RadialDistribution_FracAtD_Nuclei_1of4", ("Cells", "RadialDistribution", "FracAtD", "")),
        ("emb_DNA_0012", ("", "embedding", "", "DNA")),
        ("emb_0012", ("", "embedding", "", "")),
        ("Cells_dinov2_emb_ER_0000", ("", "embedding", "", "ER")),
        ("emb_DNA_12", ("", "", "", "")),  # an embedding's number has three digits or more
        ("Area", ("", "", "", "")),
        ("FilteredNuclei_AreaShape_Area", ("FilteredNuclei", "AreaShape", "Area", "")),
        ("My_Spots_Intensity_MeanIntensity_CorrER", ("My_Spots", "Intensity", "MeanIntensity", "ER")),
        ("Plate_Size_Area", ("", "", "", "")),
    ],
)
def test_a_name_is_its_parts(name: str, parts: tuple[str, str, str, str]) -> None:
    found = feature_names.parse(name)
    assert found == FeatureName(*parts)
    assert found.known == any(parts)


@given(st.text())
def test_no_name_fails(name: str) -> None:
    assert isinstance(feature_names.parse(name), FeatureName)


@pytest.mark.parametrize("channel", ["DNA", "my_stain", ""])
def test_names_of_an_embedding_are_read_back_and_sort_as_they_count(channel: str) -> None:
    names = feature_names.embedding_names(channel, 1200)
    assert sorted(names) == names
    assert len(set(names)) == 1200
    assert {feature_names.parse(name) for name in names} == {FeatureName("", "embedding", "", channel)}
