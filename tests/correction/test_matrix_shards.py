"""A step that is fitted on rows in one file gives the bits of the table; one that was killed goes on after the last round."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.correction.test_by_plate import bytes_of, table, written

import impasto as im
from impasto.correction import by_plate, harmony_rounds, matrix_shards
from impasto.correction.harmony import Harmony
from impasto.correction.steps import correct, correct_dataset
from impasto.scale import sums

HARMONY: dict[str, Any] = {"method": "harmony", "by": "plate", "clusters": 4, "rounds": 3}


@pytest.mark.parametrize("chunk", [2, 64])
@pytest.mark.parametrize("by", ["plate", "batch"])
def test_a_folder_gives_the_bits_of_the_table_after_other_steps(
    by: str, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums, "CHUNK", chunk)
    monkeypatch.setattr("impasto.correction.receipt_sums.CHUNK", chunk)
    data = table()
    data.obs.loc[data.obs["plate"] == "P4", "batch"] = "B1"
    data.obs["split"] = np.where(np.arange(data.n_obs) % 7 == 0, "test", "train")
    source = written(data, tmp_path)
    chain = ["standardize", {"method": "sphering", "on": "all"}, {**HARMONY, "by": by}]
    after, (*_, fitted), _ = correct(source.to_anndata(), chain, spare=0.5)
    (*_, own), _ = correct_dataset(source, chain, tmp_path / "out.plates", spare=0.5)
    np.testing.assert_array_equal(im.read(tmp_path / "out.plates").X, after.X)
    assert isinstance(own, Harmony)
    assert own.seen_in_fit() == fitted.seen_in_fit()
    assert own.feature_names == fitted.feature_names


def test_a_plate_that_is_cut_is_not_among_the_rows(tmp_path: Path) -> None:
    data = table()
    source = written(data, tmp_path)
    file = source.folder / source.members["file"][2]
    file.write_bytes(file.read_bytes()[:-200])
    correct_dataset(source, [HARMONY], tmp_path / "out.plates")
    rest = data[data.obs["plate"] != "P2"].copy()
    np.testing.assert_array_equal(im.read(tmp_path / "out.plates").X, correct(rest, [HARMONY])[0].X)


def test_killed_while_rounds_are_done_it_goes_on_and_ends_in_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = written(table(), tmp_path)
    correct_dataset(source, [HARMONY], tmp_path / "whole.plates")

    class Stop(BaseException):
        pass

    joined, done = [], []
    keep, join = harmony_rounds._Fit._keep, matrix_shards._join
    monkeypatch.setattr(matrix_shards, "_join", lambda *a: joined.append(1) or join(*a))

    def stopping(self: Any, scratch: Path, number: int, *rest: Any) -> None:
        keep(self, scratch, number, *rest)
        done.append(number)
        if len(done) < 3:
            raise Stop

    monkeypatch.setattr(harmony_rounds._Fit, "_keep", stopping)
    for _ in range(2):
        with pytest.raises(Stop):
            correct_dataset(source, [HARMONY], tmp_path / "out.plates")
    work = by_plate.work_folder(tmp_path / "out.plates")
    assert sorted(path.name for path in next((work / "scratch").iterdir()).iterdir()) == [
        "round-00.safetensors",
        "round-01.safetensors",
        "rows.f32",
    ]
    correct_dataset(source, [HARMONY], tmp_path / "out.plates")
    assert done == [0, 1, 2]
    assert len(joined) == 1
    assert bytes_of(tmp_path / "whole.plates") == bytes_of(tmp_path / "out.plates")
    assert not work.exists()


def test_rounds_of_other_settings_are_not_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = written(table(), tmp_path)
    other = {**HARMONY, "seed": 5}
    correct_dataset(source, [other], tmp_path / "whole.plates")

    class Stop(BaseException):
        pass

    keep = harmony_rounds._Fit._keep

    def stopping(self: Any, *rest: Any) -> None:
        keep(self, *rest)
        raise Stop

    monkeypatch.setattr(harmony_rounds._Fit, "_keep", stopping)
    with pytest.raises(Stop):
        correct_dataset(source, [HARMONY], tmp_path / "out.plates")
    monkeypatch.setattr(harmony_rounds._Fit, "_keep", keep)
    correct_dataset(source, [other], tmp_path / "out.plates")
    assert bytes_of(tmp_path / "whole.plates") == bytes_of(tmp_path / "out.plates")
