"""Arrays by name in a safetensors file, written and read without being held: large ones are written block by block, and mapped again.

The library's own `save_file` takes all arrays as bytes in memory, and its `load_file` reads them all. The file is the same: eight bytes for
the length of the header, the header (JSON: type, shape and place of each array), the arrays as they lie in memory.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from impasto import mapped

Array = npt.NDArray[Any]
LARGE = 16 * 2**20
"""Bytes from which an array is mapped."""
_TYPES: dict[str, np.dtype[Any]] = {"F64": np.dtype("<f8"), "F32": np.dtype("<f4")}
_NAMES = {dtype: name for name, dtype in _TYPES.items()}
_ALIGNED = 8
_AT_ONCE = 4 * 2**20
"""Bytes that are written together."""


def write(path: Path, arrays: Mapping[str, Array], /) -> None:
    """Write arrays of float64 and float32.

    Parameters
    ----------
    path
        The file. The caller sees to it that it appears whole.
    arrays
        By name, in memory or mapped.

    """
    # Wide numbers first, so that each array begins where one of its kind may.
    chosen = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    header: dict[str, Any] = {}
    at = 0
    for name in chosen:
        array = arrays[name]
        header[name] = {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    words = json.dumps(header, separators=(",", ":")).encode()
    words += b" " * (-len(words) % _ALIGNED)
    with path.open("wb") as handle:
        handle.write(len(words).to_bytes(8, "little") + words)
        for name in chosen:
            array = np.atleast_1d(arrays[name])
            step = max(1, _AT_ONCE // max(1, array[:1].nbytes))
            for start in range(0, len(array), step):
                handle.write(array[start : start + step].tobytes())


def read(path: Path, /) -> dict[str, Array]:
    """The arrays of a file.

    Parameters
    ----------
    path
        A safetensors file.

    Returns
    -------
    dict[str, Array]
        By name. Those of 16 MiB and more are mapped, read-only; the others are in memory.

    Raises
    ------
    ValueError
        The file is cut, damaged or of another kind.

    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as opened:  # checks that the header fits the file
            places = _places(path)
            return {
                name: _mapped(path, *places[name]) if _is_large(*places[name][1:]) else opened.get_tensor(name)
                for name in opened.keys()  # noqa: SIM118 - no mapping
            }
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _places(path: Path) -> dict[str, tuple[int, str, tuple[int, ...]]]:
    """Where each array begins, its type and its shape."""
    with path.open("rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        header: dict[str, Any] = json.loads(handle.read(length))
    return {
        name: (8 + length + said["data_offsets"][0], said["dtype"], tuple(said["shape"]))
        for name, said in header.items()
        if name != "__metadata__"
    }


def _is_large(dtype: str, shape: tuple[int, ...]) -> bool:
    # On Windows a file that is mapped cannot be removed.
    return sys.platform != "win32" and dtype in _TYPES and int(np.prod(shape)) * _TYPES[dtype].itemsize >= LARGE


def _mapped(path: Path, at: int, dtype: str, shape: tuple[int, ...]) -> Array:
    return np.memmap(path, dtype=_TYPES[dtype], mode="r", offset=at, shape=shape)


def has_nan(array: Array, /) -> bool:
    """Whether an array holds what is no number.

    Parameters
    ----------
    array
        In memory or mapped.

    Returns
    -------
    bool
        Of a mapped one, block by block.

    """
    whole = np.atleast_1d(array)
    return any(bool(np.isnan(whole[rows]).any()) for rows in mapped.blocks(whole))
