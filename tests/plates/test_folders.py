"""Whether a path holds profiles, or images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from impasto.plates import folders


@pytest.mark.parametrize(
    ("columns", "profiles"),
    [
        ("Metadata_Plate,Metadata_Well,Cells_AreaShape_Area", True),
        ("path,channel,plate,well", False),
        ("FileName_DNA,PathName_DNA,Metadata_Well", False),
    ],
)
def test_a_table_is_of_profiles_unless_it_lists_images(columns: str, profiles: bool, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(columns + "\n" + ",".join(["1"] * (columns.count(",") + 1)) + "\n")
    assert folders.is_profiles(path) == profiles


def test_folders_of_images_archives_and_nothing_are_no_profiles(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 2), dtype=np.uint16))
    (tmp_path / "x.zip").write_bytes(b"")
    for path in (tmp_path, tmp_path / "nothing.csv", tmp_path / "x.zip", tmp_path / "plate.nd2"):
        assert not folders.is_profiles(path)
