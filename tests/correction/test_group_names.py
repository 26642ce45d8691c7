"""Groups of rows: the column that says them, their names in a folder of plates, and groups that share nothing with the others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.correction.plated import plates

from impasto import dataset, wells
from impasto.correction.clip import ClipSettings
from impasto.correction.group_names import codes_of_fit, column_of_groups, groups_of, places_of, refuse_confounded
from impasto.correction.sphering import SpheringSettings
from impasto.correction.standardize import StandardizeSettings
from impasto.schema import InputError


def test_the_settings_say_the_column() -> None:
    said = (StandardizeSettings(by="batch"), StandardizeSettings(by="all"), SpheringSettings(), ClipSettings())
    assert [column_of_groups(settings) for settings in said] == ["batch", None, None, "plate"]


@pytest.mark.parametrize("by", ["plate", "batch", "source"])
def test_a_plate_of_sums_has_the_group_that_its_rows_have(by: str) -> None:
    data = plates(plates=3)
    data.obs["source"] = np.where(data.obs["plate"] == "P2", "S2", "S1")
    data.obs["plate"] = "P"  # of one name in three batches
    tables = [plate.obs for plate in dataset.plates_of(data)]
    codes, names = wells.groups(data.obs, by)
    first = [codes[data.obs.index.get_loc(table.index[0])] for table in tables]
    assert groups_of(places_of(tables), by) == [names[code] for code in first]


def test_names_are_those_of_the_fit_unless_two_would_be_one() -> None:
    obs = pd.DataFrame({"batch": ["B1", "B2"], "plate": ["P", "Q"]})
    codes, names = codes_of_fit(obs, "plate", ("plate",), task="test")
    assert [names[code] for code in codes] == ["P", "Q"]
    codes, names = codes_of_fit(obs, "plate", ("batch", "plate"), task="test")
    assert [names[code] for code in codes] == ["B1/P", "B2/Q"]
    with pytest.raises(InputError, match="names a plate by plate only, and here B1/P and B2/P would be one"):
        codes_of_fit(obs.assign(plate="P"), "plate", ("plate",), task="test")


def test_a_group_that_shares_nothing_is_confounded_unless_it_is_alone_or_accepted() -> None:
    data = plates(plates=3)
    refuse_confounded(data.obs, "plate", task="test")
    own = (data.obs["plate"] == "P1").to_numpy()
    data.obs["perturbation"] = np.where(own, "only here", data.obs["perturbation"])
    with pytest.raises(InputError, match="test: plate 'B1/P1' shares no perturbation or control with the others"):
        refuse_confounded(data.obs, "plate", task="test")
    refuse_confounded(data.obs, None, task="test")
    refuse_confounded(data.obs[own], "plate", task="test")


def test_wells_that_nobody_named_do_not_link_plates() -> None:
    data = plates(plates=2)
    data.obs["perturbation"] = [f"{p} {w}" for p, w in zip(data.obs["plate"], data.obs["perturbation"], strict=True)]
    data.obs.iloc[[25, 65], data.obs.columns.get_loc("perturbation")] = None
    with pytest.raises(InputError, match="shares no perturbation"):
        refuse_confounded(data.obs, "plate", task="test")
    data.obs.iloc[[26, 66], data.obs.columns.get_loc("perturbation")] = "no idea"
    data.obs.iloc[[26, 66], data.obs.columns.get_loc("control_type")] = "unknown"
    with pytest.raises(InputError, match="shares no perturbation"):
        refuse_confounded(data.obs, "plate", task="test")
    data.obs.iloc[[3, 43], data.obs.columns.get_loc("perturbation")] = None  # controls without a name are the same control
    refuse_confounded(data.obs, "plate", task="test")
    data.obs["control_type"] = "trt"
    data.obs["perturbation"] = None
    refuse_confounded(data.obs, "plate", task="test")  # nobody named anything: nothing to say


def test_one_molecule_of_two_names_links_plates() -> None:
    obs = pd.DataFrame({"plate": ["P", "Q"], "perturbation": ["aspirin", "BRD-1"], "inchikey": ["BSYN", "BSYN"]})
    refuse_confounded(obs, "plate", task="test")
    with pytest.raises(InputError, match="shares no perturbation"):
        refuse_confounded(obs.assign(inchikey=["BSYN", "other"]), "plate", task="test")
