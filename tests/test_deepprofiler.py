"""DeepProfiler's features: the place from the path, medians over cells by hand, and metadata that are never unpickled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from impasto import deepprofiler, profile_sources
from impasto.schema import InputError


def write(path: Path, cells: list[list[float]], **more: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, features=np.array(cells, dtype=np.float64).reshape(len(cells), -1 if cells else 2), **more)


def test_a_site_is_the_median_of_its_cells_and_its_path_says_where_it_is(tmp_path: Path) -> None:
    write(tmp_path / "P1" / "A01" / "3.npz", [[1.0, 10.0], [5.0, 20.0], [2.0, 90.0]])
    write(tmp_path / "BR2" / "B02_s1.npz", [[4.0, 8.0], [6.0, 0.0]])
    write(tmp_path / "BR2" / "C03-2.npz", [])
    write(tmp_path / "BR2" / "notes.npz", [[0.0, 0.0]])
    assert [path.name for path in deepprofiler.files(tmp_path)] == ["B02_s1.npz", "C03-2.npz", "3.npz"]
    source = profile_sources.read(tmp_path)
    table, notes = source.frame, source.how
    assert table["Metadata_Plate"].tolist() == ["BR2", "BR2", "P1"]
    assert table["Metadata_Well"].tolist() == ["B02", "C03", "A01"]
    assert table["Metadata_Site"].tolist() == ["s1", "2", "3"]
    assert table["Metadata_Count_Cells"].tolist() == [2, 0, 3]
    np.testing.assert_array_equal(table.iloc[:, -2:].to_numpy(), [[5.0, 4.0], [np.nan, np.nan], [2.0, 20.0]])
    assert notes == [
        "3 images; medians over their objects Cells",
        f"{tmp_path}: DeepProfiler, 3 sites; pickled metadata are not unpickled",
        f"{tmp_path}: 2 sites do not say a place for each cell; centres are not known there",
    ]


def test_a_plate_that_is_called_like_a_well_is_a_plate(tmp_path: Path) -> None:
    write(tmp_path / "P2" / "B02_s1.npz", [[4.0, 8.0]])
    write(tmp_path / "P2" / "notes.npz", [[0.0, 0.0]])
    write(tmp_path / "P3" / "A01" / "3.npz", [[1.0, 10.0]])
    write(tmp_path / "P3" / "summary.npz", [[0.0, 0.0]])
    write(tmp_path / "models" / "weights.npz", [[0.0, 0.0]])
    table = profile_sources.read(tmp_path).frame
    assert table[["Metadata_Plate", "Metadata_Well", "Metadata_Site"]].to_numpy().tolist() == [["P2", "B02", "s1"], ["P3", "A01", "3"]]
    inside = profile_sources.read(tmp_path / "P3").frame
    assert inside[["Metadata_Plate", "Metadata_Well", "Metadata_Site"]].to_numpy().tolist() == [["P3", "A01", "3"]]


def test_source_and_batch_are_read_from_pickled_metadata_without_running_them(tmp_path: Path) -> None:
    metadata = {"Metadata_Source": "S7", "Metadata_Batch": "B4", "Metadata_Plate": "elsewhere", "other": 1}
    write(tmp_path / "P1" / "A01" / "1.npz", [[1.0, 2.0]], metadata=np.array(metadata, dtype=object))
    table = profile_sources.read(tmp_path).frame
    assert table.loc[0, ["Metadata_Plate", "Metadata_Source", "Metadata_Batch"]].tolist() == ["P1", "S7", "B4"]


def test_texts_of_a_pickle_are_paired_also_where_one_is_repeated() -> None:
    import io

    raw = io.BytesIO()
    shared = "S7"
    np.save(raw, np.array({"Metadata_Source": shared, "Metadata_Batch": shared, "Metadata_Row": 3}, dtype=object), allow_pickle=True)
    assert deepprofiler.constants_of_pickle(raw.getvalue()) == {"Metadata_Source": "S7", "Metadata_Batch": "S7", "Metadata_Row": "3"}
    assert deepprofiler.constants_of_pickle(b"no array") == {}
    assert deepprofiler.constants_of_pickle(raw.getvalue()[:-12]) == {}


def test_files_without_features_of_other_shapes_or_damaged_are_sentences(tmp_path: Path) -> None:
    place = tmp_path / "P1" / "A01"
    write(place / "1.npz", [[1.0, 2.0]])
    write(place / "2.npz", [[1.0, 2.0, 3.0]])
    with pytest.raises(InputError, match="its files differ in the number of features"):
        profile_sources.read(tmp_path)
    np.savez(place / "2.npz", features=np.zeros(3))
    with pytest.raises(InputError, match="features have 1 axes"):
        profile_sources.read(tmp_path)
    np.savez(place / "2.npz", features=np.array([[1.0, 2.0]], dtype=object))
    with pytest.raises(
        InputError, match=r"2\.npz cannot be read as a file of DeepProfiler \(Object arrays cannot be loaded"
    ):  # a pickle is never opened
        profile_sources.read(tmp_path)
    np.savez(place / "2.npz", other=np.zeros(3))
    with pytest.raises(InputError, match=r"holds no features; it has other\.npy"):
        profile_sources.read(tmp_path)
    (place / "2.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match="cannot be read as a file of DeepProfiler"):
        profile_sources.read(tmp_path)


def test_a_file_that_is_cut_short_may_hold_features(tmp_path: Path) -> None:
    (tmp_path / "1.npz").write_bytes(b"")
    assert deepprofiler.may_hold_features(tmp_path / "1.npz")
    np.savez(tmp_path / "2.npz", other=np.zeros(2))
    assert not deepprofiler.may_hold_features(tmp_path / "2.npz")
