"""What every corrector refuses and keeps: settings and tables of the right kind, rows and features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from tests.correction.plated import plates

from impasto import profiles as tables
from impasto.correction.base import new_features, with_values
from impasto.correction.clip import Clip, ClipSettings
from impasto.correction.sphering import SpheringSettings
from impasto.correction.standardize import Standardize
from impasto.schema import InputError


@pytest.mark.parametrize("settings", [{"limit": 3.0}, 3.0, SpheringSettings(), "clip"])
def test_settings_of_another_kind_are_a_sentence(settings: object) -> None:
    kind = type(settings).__name__
    with pytest.raises(InputError, match=rf"clip takes settings of class ClipSettings, not {kind}; write ClipSettings\(name=value"):
        Clip.fit(plates(), settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [np.zeros((3, 2)), "plates.parquet", None, [1, 2]])
def test_a_table_of_another_kind_is_a_sentence(given: object) -> None:
    for call in (Clip.fit, Clip.fit(plates()).transform, Clip.fit(plates()).extended):
        with pytest.raises(
            TypeError, match=f"clip takes an AnnData or a DataFrame with Metadata_ columns, not {type(given).__name__}; read"
        ):
            call(given)  # type: ignore[arg-type]


def test_frames_sparse_values_and_prefixed_columns_are_read_alike() -> None:
    data = plates()
    expected = Standardize.fit(data).transform(data).X
    frame = tables.to_frame(data)
    prefixed = data.copy()
    prefixed.obs = prefixed.obs.rename(columns=lambda c: f"Metadata_{c}")
    thin = data.copy()
    thin.X = sparse.csr_matrix(data.X)
    shuffled = frame.set_index(pd.Index(range(len(frame))[::-1]))
    for given in (frame, prefixed, thin, shuffled):
        np.testing.assert_array_equal(Standardize.fit(given).transform(given).X, expected)


def test_empty_tables_and_features_of_one_name_are_sentences() -> None:
    data = plates(plates=1)
    with pytest.raises(InputError, match="clip needs rows and features, and the table has 0 rows of 6 features"):
        Clip.fit(data[:0].copy())
    data.var_names = ["a", "b", "c", "a", "d", "e"]
    with pytest.raises(InputError, match="clip: two features are named 'a'"):
        Clip.fit(data)


def test_other_values_keep_rows_features_and_what_is_said_of_them() -> None:
    data = plates(plates=1)
    data.uns["correction"] = ["clip"]
    other = with_values(data, np.zeros(data.shape))
    assert other.X.dtype == np.float32
    assert other.obs.equals(data.obs)
    assert other.var.equals(data.var)
    assert other.uns == data.uns
    other.obs["plate"] = "other"
    assert set(data.obs["plate"]) == {"P0"}
    var = new_features("tvn", 2)
    assert with_values(data, np.zeros((40, 2)), var=var).var_names.tolist() == ["tvn_0000", "tvn_0001"]
    assert set(var["group"]) == {"embedding"}


def test_a_corrector_without_groups_has_seen_none() -> None:
    clip = Clip.fit(plates(), ClipSettings())
    assert clip.seen_in_fit() == ()
    assert clip.extended(plates(seed=1)) is clip
