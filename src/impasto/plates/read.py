"""Reading pixels: one plane of a TIFF, PNG or NPZ, or what a stack says of its channels.

An image that cannot be read raises `BadImage` with its path and reason; callers quarantine it and go on.
"""

from __future__ import annotations

import functools
import json
import re
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile

from impasto.failures import is_memory

Plane = npt.NDArray[np.generic]
_FAR = 32
TIFF = (".tif", ".tiff")
IMAGES = (*TIFF, ".png", ".npz")


class BadImage(Exception):
    """An image that cannot be used, and why."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = str(path), reason

    def told(self, *, without: str) -> str:
        """The reason with its path, unless the path is what the reader is told already."""
        return self.reason if self.path == without else str(self)


# What the decoders raise on damaged files: each of these means "this file", never "this program".
_DAMAGE = (OSError, ValueError, KeyError, IndexError, EOFError, struct.error, zlib.error, tifffile.TiffFileError, RuntimeError)


def plane(path: Path | str, page: int = 0, /) -> Plane:
    """One plane (H, W) in the file's own type. Raises BadImage."""
    return planes(path, [page])[0]


def planes(path: Path | str, pages: Sequence[int], /) -> list[Plane]:
    """Planes (H, W) of one file, opened once. Raises BadImage."""
    path = Path(path)
    if not path.exists():
        raise BadImage(path, "the file is missing")
    if path.is_file() and path.stat().st_size == 0:
        raise BadImage(path, "the file is empty (0 bytes)")
    try:
        found = (_zarr if path.is_dir() else _READERS[path.suffix.lower()])(path, pages)
    except KeyError as error:
        if path.suffix.lower() not in _READERS:
            raise BadImage(path, f"{path.suffix or 'no suffix'} is not a kind of image that is read ({', '.join(IMAGES)})") from None
        raise BadImage(path, f"damaged ({error})") from error
    except _DAMAGE as error:
        if is_memory(error):
            raise  # says nothing of the image
        raise BadImage(path, f"truncated or damaged ({_first_line(error)})") from error
    for page, one in zip(pages, found, strict=True):
        if one.ndim != 2 or 0 in one.shape:
            raise BadImage(path, f"page {page} has shape {one.shape}, not (height, width)")
        if not (np.issubdtype(one.dtype, np.integer) or np.issubdtype(one.dtype, np.floating)):
            raise BadImage(path, f"pixels are {one.dtype}, not numbers")
    return found


def _tiff(path: Path, pages: Sequence[int]) -> list[Plane]:
    with tifffile.TiffFile(path) as file:
        return [np.asarray(_page(file, path, number).asarray()) for number in pages]


def _page(file: tifffile.TiffFile, path: Path, number: int) -> tifffile.TiffPage | tifffile.TiffFrame:
    """One page. Far into a stack it is found by its offset: to walk there takes longer than to read it."""
    if number < _FAR:
        try:
            return file.pages[number]
        except IndexError:
            raise BadImage(path, f"page {number} is missing: the file has {len(file.pages)}") from None
    status = path.stat()
    offsets = _offsets(path, status.st_mtime_ns, status.st_size)
    if number >= len(offsets):
        raise BadImage(path, f"page {number} is missing: the file has {len(offsets)}")
    file.filehandle.seek(offsets[number])
    return tifffile.TiffPage(file, index=number)


@functools.lru_cache(maxsize=8)
def _offsets(path: Path, changed: int, size: int) -> tuple[int, ...]:  # noqa: ARG001 - a file that has changed is walked again
    """Where every page of a TIFF begins."""
    with tifffile.TiffFile(path) as file:
        return tuple(int(page.offset) for page in file.pages)


def _png(path: Path, pages: Sequence[int]) -> list[Plane]:
    found = np.asarray(imagecodecs.png_decode(path.read_bytes()))
    return [found if found.ndim == 2 else np.asarray(found[..., page]) for page in pages]


def _npz(path: Path, pages: Sequence[int]) -> list[Plane]:
    with np.load(path, allow_pickle=False) as arrays:
        found = arrays[sorted(arrays.files)[0]]
    return [np.asarray(found if found.ndim == 2 else found[page]) for page in pages]


def _zarr(path: Path, pages: Sequence[int]) -> list[Plane]:
    """Channels of an OME-Zarr field; time and depth must be of length one."""
    import zarr

    from impasto.plates import ome_zarr

    array = zarr.open_array(ome_zarr.dataset(path), mode="r")
    leading = array.shape[:-2]
    channel_axis = len(leading) - 2 if len(leading) >= 2 else 0
    if any(size != 1 for axis, size in enumerate(leading) if axis != channel_axis):
        raise BadImage(path, f"shape {array.shape} has several time points or depths; only one of each is read")
    return [np.asarray(array[tuple(page if axis == channel_axis else 0 for axis in range(len(leading)))]) for page in pages]


_READERS = {".tif": _tiff, ".tiff": _tiff, ".png": _png, ".npz": _npz}


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]


def stack_shape(path: Path | str, /) -> tuple[int, list[str] | None]:
    """How many planes a TIFF holds, and the names of its channels as the file gives them (None where it gives none).

    Names come from OME-XML, from an ImageJ description (`Labels`), or from tifffile's JSON description (`channels`).
    Raises BadImage.
    """
    path = Path(path)
    if path.exists() and path.stat().st_size == 0:
        raise BadImage(path, "the file is empty (0 bytes)")
    try:
        with tifffile.TiffFile(path) as file:
            return len(file.pages), _channel_names(file)
    except _DAMAGE as error:
        if is_memory(error):
            raise  # says nothing of the image
        raise BadImage(path, f"truncated or damaged ({_first_line(error)})") from error


def _channel_names(file: tifffile.TiffFile) -> list[str] | None:
    if file.ome_metadata:
        return re.findall(r"<Channel\b[^>]*\bName=\"([^\"]+)\"", file.ome_metadata) or None
    if file.imagej_metadata and file.imagej_metadata.get("Labels"):
        return [str(label) for label in file.imagej_metadata["Labels"]]
    try:
        named = json.loads(file.pages.first.description or "").get("channels")
    except (json.JSONDecodeError, AttributeError):
        return None
    return [str(n) for n in named] if named else None
