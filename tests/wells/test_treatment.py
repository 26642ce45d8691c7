"""Replicates, doses and compounds, beside answers written by hand."""

from __future__ import annotations

import pandas as pd
import pytest
from tests.wells.tables import table

from impasto import wells
from impasto.schema import InputError


def test_dose_is_part_of_a_replicate_only_where_a_perturbation_has_several() -> None:
    obs = table(perturbation=["a", "a", "b", "b", "DMSO", None]).assign(concentration=[1.0, 10.0, 3.0, 3.0, 0.0, 1.0])
    assert wells.replicates(obs).fillna("-").tolist() == ["a@1", "a@10", "b", "b", "DMSO", "-"]
    assert wells.replicates(obs, pool_doses=True).fillna("-").tolist() == ["a", "a", "b", "b", "DMSO", "-"]


def test_the_dose_of_another_perturbation_does_not_matter_and_a_missing_one_stays_apart() -> None:
    obs = table(perturbation=["a", "a", "a"]).assign(concentration=[0.04, 1.1, None])
    assert wells.replicates(obs).tolist() == ["a@0.04", "a@1.1", "a"]
    assert wells.has_doses(obs)
    assert not wells.has_doses(obs.assign(concentration=[1.0, 1.0, 1.0]))
    assert not wells.has_doses(obs.drop(columns="concentration"))
    # The dose of a control is no dose of a treatment.
    controls = table(perturbation=["a", "DMSO"], control_type=["trt", "negcon"]).assign(concentration=[1.0, 0.0])
    assert not wells.has_doses(controls)


def test_an_inchikey_never_overrides_the_name_that_the_user_gave() -> None:
    obs = table(perturbation=["a_1uM", "a_10uM"], inchikey=["K", "K"])
    assert wells.replicates(obs).tolist() == ["a_1uM", "a_10uM"]
    assert wells.shared_inchikeys(obs) == 1
    assert wells.shared_inchikeys(obs.assign(perturbation="a")) == 0
    assert wells.shared_inchikeys(obs.drop(columns="inchikey")) == 0


def test_a_compound_is_one_at_all_its_doses_and_under_all_its_names() -> None:
    obs = table(
        perturbation=["AZ138@3uM", "AZ138@0.3 uM", "AZ138", "B1", "B2", "B3", None, "x@y"],
        inchikey=[None, None, None, "K", "K", "", "K", None],
    )
    assert wells.compounds(obs).fillna("-").tolist() == ["AZ138", "AZ138", "AZ138", "B1", "B1", "B3", "-", "x@y"]


def test_compounds_are_linked_through_several_keys() -> None:
    # a and b share K, b and c share L: all three are one molecule.
    obs = table(perturbation=["c", "b", "b", "a", "d"], inchikey=["L", "L", "K", "K", "M"])
    assert wells.compounds(obs).tolist() == ["a", "a", "a", "a", "d"]


def test_merging_by_inchikey_names_what_it_merged() -> None:
    obs = table(perturbation=["b", "a", "c", None, "a"], inchikey=["K", "K", "L", "K", None])
    names, merged = wells.merge_by_inchikey(obs)
    assert names.fillna("-").tolist() == ["a", "a", "c", "-", "a"]
    assert merged == {"a": ["a", "b"]}
    with pytest.raises(InputError, match="needs the column 'inchikey'"):
        wells.merge_by_inchikey(table(perturbation=["a"]))


def test_pooled_doses_are_one_where_the_name_holds_the_dose() -> None:
    obs = table(perturbation=["AZ138@3uM", "AZ138@0.1uM", "b", None])
    assert wells.replicates(obs).tolist()[:3] == ["AZ138@3uM", "AZ138@0.1uM", "b"]
    assert wells.replicates(obs, pool_doses=True).tolist()[:3] == ["AZ138", "AZ138", "b"]
    assert wells.replicates(obs, pool_doses=True).isna().tolist() == [False, False, False, True]


def test_a_compound_is_known_again_by_its_names_and_its_key() -> None:
    obs = table(perturbation=["AZ138@3uM", "B2", "B1", None], inchikey=["K", "L", "L", None])
    written = [alias.fillna("-").tolist() for alias in wells.aliases(obs)]
    assert written == [["AZ138@3uM", "B2", "B1", "-"], ["AZ138", "B2", "B1", "-"], ["AZ138", "B1", "B1", "-"], ["K", "L", "L", "-"]]
    assert len(wells.aliases(obs.drop(columns="inchikey"))) == 3


def test_groups_that_share_a_compound_are_one_and_a_row_without_a_group_goes_with_its_compound() -> None:
    obs = table(perturbation=["a", "a@1uM", "b", "c", None])
    groups = pd.Series(["s2", "s1", None, "s3", None], dtype="string")
    assert wells.with_whole_compounds(groups, obs).fillna("-").tolist() == ["s1", "s1", "b", "s3", "-"]


def test_a_well_without_a_name_stays_without_one_at_any_dose() -> None:
    obs = table(perturbation=["a", "a", None, None]).assign(concentration=[1.0, 2.0, 1.0, 2.0])
    assert wells.replicates(obs).fillna("-").tolist() == ["a@1", "a@2", "-", "-"]
