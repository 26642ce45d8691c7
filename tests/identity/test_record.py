"""Identity survives each format and each step of the path."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest
from tests.identity.recorded import DINO, LITE, SPHERED, compared, made, table

from impasto import identity, profiles
from impasto.identity import Identity
from impasto.schema import InputError


@pytest.mark.parametrize("suffix", [".parquet", ".h5ad", ".zarr"])
def test_a_file_gives_the_identity_back(suffix: str, tmp_path: Path) -> None:
    before = made(DINO, SPHERED, {"method": "clip", "limit": 3})
    path = tmp_path / f"p{suffix}"
    profiles.write(before, path)
    after = profiles.read(path)
    assert identity.of(after) == identity.of(before) == Identity(DINO, (SPHERED, {"method": "clip", "limit": 3}), None)
    profiles.write(after, tmp_path / f"twice{suffix}")
    assert identity.of(profiles.read(tmp_path / f"twice{suffix}")) == identity.of(before)


def test_a_csv_has_no_place_for_it_and_says_so(tmp_path: Path) -> None:
    profiles.write(made(), tmp_path / "p.csv")
    read = profiles.read(tmp_path / "p.csv")
    assert not identity.of(read).known
    note = compared(made(), read)
    assert "the profiles p" in note
    assert "the run r" not in note
    assert "not compared" in note


def test_aggregation_and_stacking_keep_it() -> None:
    assert identity.of(profiles.aggregate(made(DINO, SPHERED), by=["plate", "well"])) == Identity(DINO, (SPHERED,))
    assert identity.of(profiles.join_common([made(DINO, SPHERED), made(DINO, SPHERED)])) == Identity(DINO, (SPHERED,))
    assert not identity.of(profiles.join_common([made(), table()])).known
    with pytest.raises(InputError, match=r"encoder of table 1 is dinov2_s14.*that of table 2 is efficientnet_lite0"):
        profiles.join_common([made(DINO), made(LITE)])


def test_recording_a_step_leaves_what_shares_the_entry_alone() -> None:
    before = made()
    after = anndata.AnnData(before.X, obs=before.obs, var=before.var, uns=dict(before.uns))
    identity.record_step(after, SPHERED)
    assert identity.of(before).steps == ()
    assert identity.of(after).steps == (SPHERED,)
    with pytest.raises(InputError, match="needs its method"):
        identity.record_step(after, {"by": "plate"})


def test_values_of_numpy_become_plain_numbers(tmp_path: Path) -> None:
    found = table()
    identity.record_step(found, {"method": "clip", "limit": np.float32(2.5), "on": ("a", "b"), "where": Path("x")})
    assert found.uns[identity.KEY]["steps"] == [{"method": "clip", "limit": 2.5, "on": ["a", "b"], "where": "x"}]


@pytest.mark.parametrize("record", [None, "", "{", "words", 3, ["a"]])
def test_what_is_not_ours_is_no_identity(record: object) -> None:
    assert not Identity.read(record).known
    assert Identity.read('{"encoder": {"name": "a"}}') == Identity({"name": "a"})
