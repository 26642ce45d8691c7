"""Named features and a second space, joined to the wells of an index by plate and well."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto.atlas import arrow_files, beside, consensus
from impasto.schema import InputError

OBS = pd.DataFrame({"plate": ["P1", "P1", "P2", "P2"], "well": ["A01", "A02", "A01", "A02"], "perturbation": ["a", "b", "a", "b"]})


def named() -> anndata.AnnData:
    """The same wells in another order, and one more."""
    order = [3, 0, 2, 1]
    obs = pd.concat([OBS.iloc[order], pd.DataFrame({"plate": ["P3"], "well": ["A01"]})], ignore_index=True)
    values = np.array([[3.0, 3], [0, 1], [2, 1], [1, 70_000], [9, 9]], dtype=np.float32)
    var = pd.DataFrame({"compartment": ["Cells", ""], "group": ["A", "B"], "channel": ["", "DNA"]}, index=["one", "two"])
    return anndata.AnnData(X=values, obs=obs.rename(index=str), var=var)


def test_a_second_space_is_of_the_same_wells() -> None:
    wells, perturbations = beside.vectors_of(named(), OBS, consensus.of_wells(OBS))
    values = np.array([[0, 1], [1, 70_000], [2, 1], [3, 3]], dtype=np.float64)
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    np.testing.assert_allclose(wells, unit, atol=1e-6)
    mean = (unit[0] + unit[2]) / 2
    np.testing.assert_allclose(perturbations[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_features_are_means_in_half_precision_within_its_range(tmp_path: Path) -> None:
    members = consensus.of_wells(OBS)
    beside.write(tmp_path, OBS, members.rows, members, named=named(), images=None, cells=None, hits=None)
    np.testing.assert_array_equal(np.load(tmp_path / "features.npy"), np.array([[1, 1], [2, 35_001.5]], dtype=np.float16))
    described = arrow_files.frame(arrow_files.read(tmp_path / "features.arrow"))
    assert described["name"].tolist() == ["one", "two"]
    assert described["channel"].tolist() == [None, "DNA"]


def test_features_without_names_are_not_kept(tmp_path: Path) -> None:
    plain = named()
    plain.var = pd.DataFrame({"compartment": "", "channel": ""}, index=plain.var_names)
    members = consensus.of_wells(OBS)
    said = beside.write(tmp_path, OBS, members.rows, members, named=plain, images=None, cells=None, hits=None)
    assert not list(tmp_path.iterdir())
    assert said.described == {"channels": [], "image_root": "", "warnings": []}


def test_wells_that_are_missing_or_doubled_are_refused() -> None:
    with pytest.raises(InputError, match="1 of 4 wells of the index have no row in the features"):
        beside.joined(named().obs.iloc[1:], OBS)
    with pytest.raises(InputError, match="the features hold 1 rows of a plate well that another row has too"):
        beside.joined(pd.concat([named().obs, named().obs.iloc[:1]]), OBS)
    with pytest.raises(InputError, match="joined to wells by plate and well"):
        beside.joined(named().obs.drop(columns="well"), OBS)
    holed = named()
    holed.X[0, 0] = np.nan
    with pytest.raises(InputError, match="hold missing or infinite values"):
        beside.vectors_of(holed, OBS, consensus.of_wells(OBS))
    members = consensus.of_wells(OBS)
    without = dataclasses.replace(members, members=[*members.members[:-1], np.empty(0, dtype=np.intp)])
    with pytest.raises(InputError, match="the index holds perturbations without wells, which have no features; leave --features out"):
        beside.vectors_of(named(), OBS, without)
