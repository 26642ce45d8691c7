"""mantispy's schema: what a feature's name says in its columns, units of concentrations, and what a row is."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto import profiles
from impasto.export import mantispy
from impasto.schema import InputError

NAMES = [
    "Cells_Texture_Contrast_DNA_3_01_256",
    "Nuclei_AreaShape_Area",
    "Cells_RadialDistribution_FracAtD_ER_2of4",
    "Cells_Granularity_5_Mito",
    "emb_DNA_0001",
    "odd",
]


def table(**columns: list[object]) -> anndata.AnnData:
    obs = pd.DataFrame({"plate": ["P1", "P1"], "well": ["A01", "A02"], **columns}, index=["x", "y"])
    return anndata.AnnData(X=np.arange(12, dtype=np.float32).reshape(2, 6), obs=obs, var=profiles.describe_features(NAMES))


def test_names_of_features_are_taken_apart() -> None:
    var = mantispy.features(NAMES)
    texture = var.loc[NAMES[0]]
    assert (texture["object"], texture["feature_group"], texture["feature"], texture["channel"]) == ("Cells", "Texture", "Contrast", "DNA")
    assert (texture["scale"], texture["angle"], texture["gray_levels"], texture["params"]) == (3.0, 1.0, 256.0, "3_01_256")
    radial = var.loc[NAMES[2]]
    assert (radial["feature"], radial["radial_bin"], radial["channel"]) == ("FracAtD", "2of4", "ER")
    granularity = var.loc[NAMES[3]]
    assert (granularity["feature"], granularity["scale"]) == ("Granularity", 5.0)
    assert np.isnan(granularity["angle"])
    assert var["feature_kind"].tolist() == ["measurement"] * 4 + ["embedding", "derived"]
    assert var["is_feature"].all()


def test_rows_are_wells_or_aggregates_and_controls_are_flagged() -> None:
    stamped = mantispy.stamped(table(perturbation=["a", "DMSO"], control_type=["trt", "negcon"]))
    stamp = stamped.uns["mantispy"]
    assert stamp == {
        "schema_version": "2.0",
        "resolution": "well",
        "grouped_by": ["Metadata_Plate", "Metadata_Well"],
        "perturbation": {"column": "Metadata_Perturbation", "control_column": "Metadata_Control_Type"},
    }
    assert stamped.obs["Metadata_Control"].tolist() == [False, True]
    assert stamped.obs["Metadata_Control_Type"].astype(str).tolist() == ["treatment", "negcon"]
    assert list(stamped.obs_names) == ["0", "1"]
    of_site = mantispy.stamped(table(site=["1", "2"]))
    assert of_site.uns["mantispy"]["grouped_by"] == ["Metadata_Plate", "Metadata_Well", "Metadata_Site"]
    aggregate = table(perturbation=["a", "b"])
    del aggregate.obs["plate"], aggregate.obs["well"]
    assert mantispy.stamped(aggregate).uns["mantispy"]["resolution"] == "aggregate"
    del aggregate.obs["perturbation"]
    with pytest.raises(InputError, match="mantispy needs rows named by plate and well"):
        mantispy.stamped(aggregate)


def test_concentrations_are_numbers_with_a_unit() -> None:
    data = table(concentration=["1.5", ""])
    with pytest.raises(InputError, match="say which it is with --concentration-unit uM"):
        mantispy.stamped(data)
    obs = mantispy.stamped(data, concentration_unit="uM").obs
    assert obs["Metadata_Concentration"].iloc[0] == 1.5
    assert np.isnan(obs["Metadata_Concentration"].iloc[1])
    assert obs["Metadata_ConcentrationUnit"].astype(str).tolist() == ["uM", "uM"]
    with pytest.raises(InputError, match="1 concentrations are not numbers \\(first 'high'\\)"):
        mantispy.stamped(table(concentration=["high", "2"]), concentration_unit="uM")
