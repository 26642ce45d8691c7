from __future__ import annotations

from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
from tests.cells import made_h5sc

from impasto.cells.h5sc import CropFile


def test_masks_come_first_and_stains_are_named_in_our_words(tmp_path: Path) -> None:
    crops = made_h5sc.discs([(4, 8), (5, 9), (3, 7)])
    made_h5sc.write(tmp_path / "a.h5sc", pd.DataFrame({"plate": ["P"] * 3}), crops, numbers=[5, 2, 9])
    file = CropFile(tmp_path / "a.h5sc")
    assert file.channels == ["DNA", "ER", "Actin"]
    assert file.masks == list(made_h5sc.MASKS)
    assert file.compartments == {"Cells": "seg_all_cytosol", "Nuclei": "seg_all_nucleus"}
    assert file.numbers.tolist() == [5, 2, 9]
    assert list(file.obs) == ["plate"]
    own = file.crops(np.array([2, 0]), ["Actin", "seg_all_cytosol"])
    np.testing.assert_allclose(own, crops[[2, 0]][:, [4, 1]].astype(np.float16).astype(np.float32))


def test_channels_are_read_from_the_array_where_var_does_not_name_them(tmp_path: Path) -> None:
    crops = made_h5sc.discs([(4, 8)])
    anndata.AnnData(obs=pd.DataFrame({"cell_id": [1]}, index=["0"]), var=pd.DataFrame(index=list("abcde"))).write_h5ad(tmp_path / "a.h5sc")
    with h5py.File(tmp_path / "a.h5sc", "a") as file:
        images = file.create_dataset("obsm/single_cell_images", data=crops.astype(np.float16))
        images.attrs["channel_names"] = np.array([b"nucleus", b"cyto", b"DAPI", b"own", b"WGA"])
        images.attrs["channel_mapping"] = np.array([b"mask"] * 2 + [b"image_channel"] * 3)
    opened = CropFile(tmp_path / "a.h5sc")
    assert opened.compartments == {"Cells": "cyto", "Nuclei": "nucleus"}
    assert opened.channels[:2] == ["DNA", "own"]
