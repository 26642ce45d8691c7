"""Splits hold whole perturbations back, do not depend on order, and refuse leaks."""

from __future__ import annotations

import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sampling.tables import wells

from impasto.sampling import bags
from impasto.sampling.settings import SplitSettings
from impasto.sampling.splits import described, digest, parts_of, refuse_leaks, split, with_controls, write
from impasto.schema import InputError


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.randoms())
def test_a_split_does_not_depend_on_the_order_of_rows(seed: int, random: object) -> None:
    obs = wells()
    order = np.random.default_rng(seed).permutation(len(obs))
    whole = split(obs, SplitSettings(), seed=seed)
    shuffled = split(obs.iloc[order].reset_index(drop=True), SplitSettings(), seed=seed)
    np.testing.assert_array_equal(shuffled, whole[order])
    assert {p: len(set(obs.loc[whole == p, "perturbation"])) for p in ("train", "validation", "test")} == {
        "train": 21,
        "validation": 3,
        "test": 6,
    }


def test_adding_rows_of_a_known_perturbation_moves_nothing() -> None:
    obs = wells()
    before = dict(zip(obs["perturbation"], split(obs, SplitSettings(), seed=1), strict=True))
    more = pd.concat([obs, obs[obs["perturbation"] == "c3"]], ignore_index=True)
    assert dict(zip(more["perturbation"], split(more, SplitSettings(), seed=1), strict=True)) == before


def test_one_compound_under_two_names_is_one_compound() -> None:
    obs = wells().assign(inchikey=lambda d: d["perturbation"].str[:2])
    parts = split(obs, SplitSettings(), seed=0)
    assert obs.assign(part=parts).groupby("inchikey")["part"].nunique().max() == 1
    assert set(bags.groups(obs, by=["perturbation"])) == set(obs["perturbation"])  # what the user named stays a bag of its own


def test_scaffolds_stay_together() -> None:
    obs = wells()
    parts = split(obs, SplitSettings(by="scaffold", validation=0.0, test=0.5), seed=0)
    assert len(set(parts)) == 2
    assert obs.assign(part=parts, ring=obs["smiles"].str[:2]).groupby("ring")["part"].nunique().max() == 1


def test_leaks_and_bad_shares_stop() -> None:
    obs = wells()
    parts = np.where(obs["plate"] == "P0", "test", "train")
    with pytest.raises(InputError, match="30 of 30 compounds stand in train and in a held-out part"):
        refuse_leaks(obs, parts)
    with pytest.raises(InputError, match="must be 0 or more and together below 1"):
        split(obs, SplitSettings(test=0.95), seed=0)
    with pytest.raises(InputError, match="too few for a validation share"):
        split(wells(compounds=4), SplitSettings(), seed=0)
    with pytest.raises(InputError, match="cannot split by 'plat'"):
        split(obs, SplitSettings(by="plat"), seed=0)


def test_the_file_of_a_split_names_its_rule_and_digest(tmp_path: Path) -> None:
    obs = wells()
    parts = split(obs, SplitSettings(), seed=5)
    digest = write(tmp_path / "split.json", obs, parts, settings=SplitSettings(), seed=5)
    told = json.loads((tmp_path / "split.json").read_text())
    assert told["digest"] == digest
    assert len(told["test"]) == 6


def test_parts_that_a_table_has_are_taken_as_they_are_and_checked() -> None:
    obs = pd.DataFrame({"perturbation": ["a", "a", "b", "c"], "split": ["train", "train", "validation", "test"]})
    assert split(obs, SplitSettings(by="split"), seed=0).tolist() == obs["split"].tolist()
    with pytest.raises(InputError, match="stand in train and in a held-out part"):
        split(obs.assign(split=["train", "test", "test", "test"]), SplitSettings(by="split"), seed=0)
    with pytest.raises(InputError, match="holds 'tset'"):
        split(obs.assign(split=["train", "train", "tset", "test"]), SplitSettings(by="split"), seed=0)
    with pytest.raises(InputError, match="leaves nothing to train on"):
        split(obs.assign(split="test"), SplitSettings(by="split"), seed=0)
    with pytest.raises(InputError, match="no column 'split'"):
        split(obs.drop(columns="split"), SplitSettings(by="split"), seed=0)


def test_all_doses_and_all_names_of_a_compound_are_in_one_part() -> None:
    rows = [(f"c{c}@{dose}uM" if c % 2 else f"c{c}", dose, f"K{c % 9}") for c in range(18) for dose in (1, 3, 10)]
    obs = pd.DataFrame(rows, columns=["perturbation", "concentration", "inchikey"])
    for seed in range(20):
        parts = split(obs, SplitSettings(validation=0.2, test=0.3), seed=seed)
        # The oracle: a name without its dose, and the key that it shares, are one compound.
        plain = obs["perturbation"].str.split("@").str[0]
        assert pd.Series(parts).groupby(plain).nunique().max() == 1
        assert pd.Series(parts).groupby(obs["inchikey"]).nunique().max() == 1
        assert {p: int(pd.Series(parts).eq(p).sum()) for p in ("train", "validation", "test")} == {
            "train": 24,
            "validation": 12,
            "test": 18,
        }
    leaky = np.where(obs["concentration"] == 10, "test", "train")
    with pytest.raises(InputError, match="9 of 9 compounds stand in train"):
        refuse_leaks(obs, leaky)


def test_a_property_that_cuts_through_a_compound_is_joined() -> None:
    names = [f"n{i}" for i in range(12)]
    obs = pd.DataFrame({"perturbation": names, "inchikey": [f"K{i // 2}" for i in range(12)], "moa": [*"abcdefgghhii"]})
    for seed in range(10):
        parts = split(obs, SplitSettings(by="moa", validation=0.0, test=0.34), seed=seed)
        assert len(set(parts)) == 2
        assert pd.Series(parts).groupby(obs["inchikey"]).nunique().max() == 1  # a and b are one compound, so one part
    unnamed = pd.DataFrame({"perturbation": ["a", None, "b", "c"]})
    with pytest.raises(InputError, match="1 of 4 rows have no perturbation"):
        split(unnamed, SplitSettings(validation=0.0, test=0.4), seed=0)


def test_wells_without_a_name_train_and_leak_nothing() -> None:
    obs = pd.DataFrame({"perturbation": [*"abcdef", None, None], "plate": list("ppppqqqq")}, index=list("01234567"))
    parts = with_controls(anndata.AnnData(obs=obs), SplitSettings(validation=0.0, test=0.5), seed=0)
    assert parts[6:].tolist() == ["train", "train"]
    assert sorted(parts[:6]) == ["test"] * 3 + ["train"] * 3
    refuse_leaks(obs, np.where(np.arange(8) < 7, "train", "test"))


def test_plates_of_one_name_in_two_batches_are_held_out_apart() -> None:
    obs = pd.DataFrame({"perturbation": list("abcd") * 4, "batch": list("xxxxyyyyxxxxyyyy"), "plate": list("1111111122222222")})
    seen = set()
    for seed in range(40):
        parts = with_controls(anndata.AnnData(obs=obs.rename(index=str)), SplitSettings(by="plate", validation=0.0, test=0.25), seed=seed)
        assert (parts == "test").sum() == 4
        seen.add(tuple(obs.loc[parts == "test", ["batch", "plate"]].iloc[0]))
        assert obs.loc[parts == "test"].groupby(["batch", "plate"]).ngroups == 1
    assert seen == {("x", "1"), ("x", "2"), ("y", "1"), ("y", "2")}


def with_controls_of(by: str, **shares: float) -> pd.DataFrame:
    obs = wells(compounds=12).assign(control_type="trt", batch=lambda d: "B" + d["plate"].str[1])
    controls = pd.DataFrame({"perturbation": "DMSO", "plate": ["P0", "P1", "P2", "P3"], "control_type": "negcon"})
    obs = pd.concat([obs, controls.assign(batch=lambda d: "B" + d["plate"].str[1])], ignore_index=True)
    table = anndata.AnnData(obs=obs.rename(index=str))
    return table.obs.assign(part=with_controls(table, SplitSettings(by=by, **shares), seed=0))


def test_controls_train_where_perturbations_are_held_out_and_go_with_a_held_out_plate() -> None:
    found = with_controls_of("perturbation", validation=0.0, test=0.25)
    assert set(found.loc[found["control_type"] == "negcon", "part"]) == {"train"}
    assert found[found["part"] == "test"]["perturbation"].nunique() == 3
    found = with_controls_of("plate", validation=0.25, test=0.25)
    assert found.groupby("plate")["part"].agg(["nunique", "size"]).to_numpy().tolist() == [[1, 13]] * 4
    assert sorted(found.groupby("plate")["part"].first()) == ["test", "train", "train", "validation"]
    assert set(with_controls_of("perturbation", validation=0.0, test=0.0)["part"]) == {"train"}


def test_a_run_knows_again_what_it_has_seen_by_name_or_by_what_it_is() -> None:
    obs = pd.DataFrame({"perturbation": ["a", "b", "c"], "inchikey": ["KA", "KB", None]})
    facts = described(obs, np.array(["train", "validation", "test"]))
    assert facts["split"] == {"train": ["a"], "validation": ["b"], "test": ["c"]}
    assert facts["split_identities"] == {"train": ["KA", "a"], "validation": ["KB", "b"], "test": ["c"]}
    assert facts["split_digest"] == digest({"test": ["c"], "train": ["a"], "validation": ["b"]}) != digest({"train": ["a"]})
    seen = pd.DataFrame({"perturbation": ["other name", "b", "new", "c"], "inchikey": ["KA", None, "KN", None]})
    assert parts_of(seen, facts).tolist() == ["train", "validation", "test", "test"]
