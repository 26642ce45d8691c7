"""Which data a method reads, and what a training's inputs are."""

from __future__ import annotations

from pathlib import Path

import pytest

from impasto.schema import InputError
from impasto.stages import train
from impasto.stages.train import TrainSettings


def settings(name: str, **values: object) -> TrainSettings:
    return TrainSettings.read({"method": {"name": name, **values.pop("method", {})}, **values}, where="test")  # type: ignore[arg-type]


def test_a_method_reads_profiles_or_sites_and_nothing_else() -> None:
    assert train.data_path(settings("profile_wsl", profiles="p.parquet")) == Path("p.parquet")
    assert train.data_path(settings("simclr", sites="ingested")) == Path("ingested")
    with pytest.raises(InputError, match="simclr trains on sites; give them with --sites"):
        train.data_path(settings("simclr"))
    with pytest.raises(InputError, match=r"simclr trains on sites, so it does not read the profiles p\.parquet"):
        train.data_path(settings("simclr", sites="i", profiles="p.parquet"))


def test_inputs_are_the_data_the_weights_and_the_files_of_additions() -> None:
    chosen = settings("wsl", sites="i", start="run", method={"prior": {"graph": "g.parquet"}})
    assert train.inputs(chosen) == [Path("i"), Path("run/model.safetensors"), Path("g.parquet")]
    assert train.inputs(settings("simclr", sites="i")) == [Path("i")]
