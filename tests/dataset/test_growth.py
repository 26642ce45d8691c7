"""Next month's plates are added; none that is there is written again."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.correction.plated import plates

import impasto as im
from impasto import dataset, identity
from impasto.schema import InputError


def test_new_plates_are_added_and_those_there_are_skipped(tmp_path: Path) -> None:
    whole = plates(plates=4)
    im.write(whole, tmp_path / "whole.plates")
    im.write(whole[whole.obs["plate"].isin(["P0", "P2"]).to_numpy()].copy(), tmp_path / "a.plates")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "a.plates" / "members").rglob("*.parquet")}
    assert dataset.append(tmp_path / "a.plates", dataset.plates_of(whole)) == (2, 2)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    one, other = ({p.relative_to(tmp_path / n) for p in (tmp_path / n).rglob("*")} for n in ("a.plates", "whole.plates"))
    assert one == other
    assert im.open(tmp_path / "a.plates").content == im.open(tmp_path / "whole.plates").content
    assert dataset.append(tmp_path / "a.plates", dataset.plates_of(whole)) == (0, 4)


def test_a_plate_of_other_values_features_or_makers_is_refused(tmp_path: Path) -> None:
    data = plates(plates=2)
    im.write(data, tmp_path / "a.plates")
    before = (tmp_path / "a.plates" / "dataset.json").read_bytes()
    other = data.copy()
    other.X[0, 0] += 1
    with pytest.raises(InputError, match=r"plate B0/P0 is in .* already, with other values"):
        dataset.append(tmp_path / "a.plates", dataset.plates_of(other))
    wider = plates(plates=3, width=7)
    with pytest.raises(InputError, match=r"has 7 features, and .* has 6"):
        dataset.append(tmp_path / "a.plates", dataset.plates_of(wider))
    made = plates(plates=3)
    identity.record_encoder(made, {"name": "random", "sha256": "0"})
    identity.record_encoder(data, {"name": "dinov2", "sha256": "1"})
    im.write(data, tmp_path / "b.plates")
    with pytest.raises(InputError):
        dataset.append(tmp_path / "b.plates", dataset.plates_of(made))
    assert (tmp_path / "a.plates" / "dataset.json").read_bytes() == before
    assert not (tmp_path / "a.plates" / ".lock").exists()


def test_features_in_another_order_are_taken_by_name(tmp_path: Path) -> None:
    data = plates(plates=2)
    im.write(data[data.obs["plate"].eq("P0").to_numpy()].copy(), tmp_path / "a.plates")
    turned = data[:, ::-1].copy()
    assert dataset.append(tmp_path / "a.plates", dataset.plates_of(turned)) == (1, 1)
    im.write(data, tmp_path / "whole.plates")
    assert im.open(tmp_path / "a.plates").content == im.open(tmp_path / "whole.plates").content
