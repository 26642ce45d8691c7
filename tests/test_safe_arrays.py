"""A file of arrays is one that the safetensors library reads, and reads what the library wrote; large arrays are not read whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from impasto import mapped, safe_arrays

ARRAYS = {
    "a": np.arange(7, dtype=np.float32),
    "wide": np.arange(24, dtype=np.float64).reshape(4, 6),
    "turned": np.arange(24, dtype=np.float32).reshape(4, 6).T,
    "none": np.zeros((0, 3)),
    "one": np.array(2.5),
}


def test_the_library_reads_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_arrays, "_AT_ONCE", 40)
    values = np.memmap(tmp_path / "rows", dtype=np.float32, mode="w+", shape=(9, 5))
    values[:] = np.random.default_rng(0).normal(size=(9, 5))
    arrays = {**ARRAYS, "mapped": values, "mapped turned": values.T}
    safe_arrays.write(tmp_path / "a.safetensors", arrays)
    read = load_file(tmp_path / "a.safetensors")
    places = safe_arrays._places(tmp_path / "a.safetensors")
    assert all(at % arrays[name].itemsize == 0 for name, (at, _, _) in places.items()), "a number begins where one of its kind may"
    assert set(read) == set(arrays)
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


@pytest.mark.parametrize("large", [1, 50, 10**9])
def test_what_the_library_wrote_is_read_mapped_from_a_size_on(large: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safe_arrays, "LARGE", large)
    arrays = {name: np.ascontiguousarray(array) for name, array in ARRAYS.items()}
    save_file(arrays, tmp_path / "a.safetensors", metadata={"said": "something"})
    read = safe_arrays.read(tmp_path / "a.safetensors")
    assert set(read) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype
        assert mapped.is_mapped(read[name]) == (array.nbytes >= large)
    assert not any(array.flags.writeable for array in read.values() if mapped.is_mapped(array))


def test_a_damaged_file_is_an_error_of_value(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    safe_arrays.write(path, ARRAYS)
    whole = path.read_bytes()
    for damaged in (whole[:-4], whole[:20], b"", b"no arrays at all, but long enough to hold a length"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"."):
            safe_arrays.read(path)


def test_what_is_no_number_is_found_in_the_last_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "BLOCK_BYTES", 16)
    values = np.memmap(tmp_path / "rows", dtype=np.float32, mode="w+", shape=(9, 5))
    assert not safe_arrays.has_nan(values)
    values[8, 4] = np.nan
    assert safe_arrays.has_nan(values)
    assert safe_arrays.has_nan(np.array(np.nan))
    assert not safe_arrays.has_nan(np.array(np.inf))
