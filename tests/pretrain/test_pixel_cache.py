"""Pixels on disk: the same as those that are read, mapped, made once, refused where the disk is full."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from impasto import machine
from impasto.failures import Unfinished
from impasto.plates.sites import Sites
from impasto.pretrain.pictures import Pictures


def test_pictures_from_disk_are_those_that_are_read(ingested: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sites = Sites.read(ingested)
    read = Pictures(sites, channels=["Mito", "DNA"], longest=40, memory_mb=100)
    kept = Pictures(sites, channels=["Mito", "DNA"], longest=40, memory_mb=0, cache=tmp_path)
    monkeypatch.setattr(Pictures, "_read", lambda *_: pytest.fail("read again"))
    again = Pictures(sites, channels=["Mito", "DNA"], longest=40, memory_mb=0, cache=tmp_path)
    for found in (kept, again):
        assert found.readable == read.readable
        assert found.bad == read.bad
        assert len(found.bad) == 1
        np.testing.assert_allclose(found.mean, read.mean)
        np.testing.assert_allclose(found.spread, read.spread)
        for number in read.readable:
            assert np.array_equal(found[number].numpy(), read[number].numpy())
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert len({name.split("/")[0] for name in files}) == 1
    assert sum(name.endswith(".40x40.npy") for name in files) == 2
    assert len(files) == 4  # and a table a plate; nothing temporary is left
    mapped = again._on_disk[read.readable[0]]
    before = mapped.copy()
    mapped[:] = 0  # copy on write: the file stays
    fresh = Pictures(sites, channels=["Mito", "DNA"], longest=40, memory_mb=0, cache=tmp_path)
    assert np.array_equal(fresh[read.readable[0]].numpy(), before)


def test_other_channels_and_sizes_lie_apart(ingested: Path, tmp_path: Path) -> None:
    sites = Sites.read(ingested)
    for channels, longest in ((["DNA"], None), (["DNA", "ER"], None), (["ER", "DNA"], None), (["DNA"], 24)):
        Pictures(sites, channels=channels, longest=longest, memory_mb=0, among=[0, 1], cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_full_disk_is_refused_before_anything_is_written(ingested: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_disk", lambda _: 1000)
    with pytest.raises(
        Unfinished, match=r"needs .* GB of disk, and under 0.1 GB are free: give a smaller longest, name another folder as cache"
    ):
        Pictures(Sites.read(ingested), channels=["DNA"], longest=None, memory_mb=0, cache=tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
