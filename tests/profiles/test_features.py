"""Features by name, and blocks of them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.profiles.tables import table

from impasto import profiles
from impasto.schema import InputError


def test_blocks_are_the_features_of_each_channel_and_say_where_there_are_any() -> None:
    whole = profiles.from_frame(table(), where="t")
    mito, area, correlation = profiles.dense(whole).T
    values, mask, names = profiles.blocks(whole)
    assert names == ["AGP", "DNA", "Mito", "shape"]
    np.testing.assert_array_equal(values[:, :, 0].T, [correlation, correlation, mito, area])
    assert mask.tolist() == [[True]] * 4
    values, mask, names = profiles.blocks(whole, by="compartment", among=["Nuclei", "Cells"])
    np.testing.assert_array_equal(values[:, 1].T, [mito, correlation])
    assert not values[:, 0, 1].any()
    assert mask.tolist() == [[True, False], [True, True]]
    with pytest.raises(InputError, match="no feature of channel 'ER'; they have AGP, DNA, Mito, shape"):
        profiles.blocks(whole, among=["ER"])
    with pytest.raises(InputError, match="unknown kind of block 'plate'"):
        profiles.blocks(whole, by="plate")


def test_features_of_a_run_are_taken_by_name_in_its_order() -> None:
    whole = profiles.from_frame(table(), where="t")
    wanted = [whole.var_names[2], whole.var_names[0]]
    found = profiles.with_features(whole, wanted)
    assert list(found.var_names) == wanted
    np.testing.assert_array_equal(profiles.dense(found), profiles.dense(whole)[:, [2, 0]])
    with pytest.raises(InputError, match=r"1 of the 2 features this run was trained on are not in the profiles \(first: 'x'\)"):
        profiles.with_features(whole, ["x", wanted[0]])
