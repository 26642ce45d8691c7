"""Tables in any of their spellings become the same AnnData."""

from __future__ import annotations

import pytest
from tests.profiles.tables import table

from impasto import profiles, schema, wells
from impasto.profile_sources import Source
from impasto.schema import InputError


def test_features_are_described_by_their_names() -> None:
    found = profiles.from_frame(table(), where="t")
    assert found.var[schema.CHANNEL].tolist() == ["Mito", "", "AGP|DNA"]
    assert found.var[schema.COMPARTMENT].tolist() == ["Cells", "Nuclei", "Cells"]
    assert found.uns["columns"][schema.PERTURBATION] == "Metadata_broad_sample"


def test_what_was_inferred_is_told() -> None:
    found = profiles.from_frame(table().assign(Cells_AreaShape_Center_X=1.0), where="t")
    assert found.uns["columns_left_out"] == ["Cells_AreaShape_Center_X"]
    assert found.uns["features_from"] == "CellProfiler's names"
    strange = profiles.from_frame(table().assign(Metadata_control_type="ctl_x"), where="t")
    assert strange.uns["unknown_words"] == {"control_type": {"ctl_x": 6}}
    assert wells.unknown(strange.obs).all()
    assert not wells.treated(strange.obs).any()


@pytest.mark.parametrize("wrong", ["x", "½", [1, 2]])
def test_a_feature_that_is_no_number_is_named_where_the_file_says_what_its_features_are(wrong: object) -> None:
    frame = table()
    name = profiles.from_frame(frame, where="t").var_names[1]
    known = list(profiles.from_frame(frame, where="t").var_names)
    frame[name] = [wrong] * len(frame)
    with pytest.raises(InputError, match=rf"t: feature '{name}' holds text \(first: .*, row 2\); mend it or --leave-out {name}"):
        profiles.from_frame(frame, where="t", source=Source(frame, known=known, ours=True))
