"""Which data a method reads, and what a training's inputs are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.cells import made_cells

from impasto import profiles, recipe
from impasto.schema import InputError
from impasto.stages import train
from impasto.stages.embed import EmbedSettings
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


def test_bags_are_of_single_cells_where_the_profiles_are_a_folder_of_cells(tmp_path: Path) -> None:
    """Ten compounds whose cells move their own way: trained on eight, embedded with every cell as a row of its own."""
    pytest.importorskip("rdkit")
    rng = np.random.default_rng(0)
    smiles = ["C" * n + end for n in range(1, 6) for end in ("O", "N")]
    names = ["DMSO", "DMSO", *(f"C{n}" for n in range(len(smiles)))]
    wells = made_cells.wells_of(["P1", "P2"], names)
    wells["smiles"] = wells["perturbation"].map(dict(zip(names[2:], smiles, strict=True)))
    directions = {name: 3 * rng.normal(size=8) * (name != "DMSO") for name in names}
    tables = []
    for plate, well, name in wells[["plate", "well", "perturbation"]].itertuples(index=False):
        values = rng.normal(size=(30, 8)) + directions[name]
        tables.append(pd.DataFrame(values, columns=[f"Nuclei_Texture_F{i}_DNA" for i in range(8)]).assign(plate=plate, well=well))
    cells = made_cells.write(tmp_path, pd.concat(tables, ignore_index=True), wells).folder
    method = {"name": "two_towers", "perturbation": "molecule", "pooling": "gated_attention", "bag": 16, "minibatch": 4, "bits": 128}
    small = {"width": 16, "out": 8, "depth": 1, "heads": 2, "molecule_width": 16, "split": {"validation": 0.2}}
    values = {"profiles": str(cells), "cells_per_well": 24, "method": {**method, **small}, "loop": {"epochs": 2, "optim": {"warmup": 0}}}
    recipe.execute("train", TrainSettings.read(values, where="test"), out=tmp_path / "trained")
    asked = {"run": str(tmp_path / "trained"), "profiles": str(cells), "cells_per_well": 24}
    recipe.execute("embed", EmbedSettings.read(asked, where="test"), out=tmp_path / "e.parquet")
    embedded = profiles.read(tmp_path / "e.parquet")
    rows = embedded.obs[embedded.obs["modality"] == "profile"]
    assert (rows["level"] == "perturbation").sum() == 10
    assert (rows["level"] != "perturbation").sum() == 24 * 24
    assert rows.loc[rows["level"] != "perturbation", "object"].notna().all()
    with pytest.raises(InputError, match="--cells-per-well is for a folder of cells"):
        recipe.execute(
            "embed", EmbedSettings.read({**asked, "profiles": str(tmp_path / "e.parquet")}, where="test"), out=tmp_path / "f.parquet"
        )
