"""Reading pixels: one plane of a TIFF, PNG or NPZ, or what a stack says of its channels.

An image that cannot be read raises `BadImage` with its path and reason; callers quarantine it and go on.
"""

from __future__ import annotations

import functools
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile

from impasto import border
from impasto.failures import is_memory
from impasto.object_stores import NoConnection
from impasto.plates import containers, files, ome_zarr, zarr_stores
from impasto.schema import InputError

# What tifffile has to say of a damaged file is said by us, with the file's name.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

Plane = npt.NDArray[np.generic]
_FAR = 32
TIFF = (".tif", ".tiff")
IMAGES = (*TIFF, ".png", ".jp2", ".jpg", ".jpeg", ".npz")
NOT_READ = (".c01", ".dib", ".flex", ".stk", ".oir", ".vsi", ".ims", ".lsm", ".dv", ".bmp", ".gif")
"""Kinds of images by their suffix that no reader of pixels knows."""


class BadImage(Exception):
    """An image that cannot be used, and why.

    Parameters
    ----------
    path
        Of the image, or the name of its site.
    reason
        In words.

    """

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = str(path), reason

    def told(self, *, without: str) -> str:
        """The reason with its path, unless the user knows that already.

        Parameters
        ----------
        without
            What the message around it names.

        Returns
        -------
        str
            The reason, with the path where it is another one.

        """
        return self.reason if self.path == without else str(self)


def plane(path: Path | str, page: int | str = 0, /) -> Plane:
    """Read one plane.

    Parameters
    ----------
    path
        A path or URL of a file or of a Zarr array.
    page
        Its number from 0, or its place (`"t0c1z2"`).

    Returns
    -------
    Plane
        (H, W) in the file's own type.

    Raises
    ------
    BadImage
        The plane cannot be read.

    """
    return planes(path, [page])[0]


def planes(path: Path | str, pages: Sequence[int | str], /) -> list[Plane]:
    """Read planes of one file or Zarr array, which is opened once.

    Parameters
    ----------
    path
        A path or URL.
    pages
        Each by its number from 0, or by its place (`"t0c1z2"`).

    Returns
    -------
    list[Plane]
        (H, W) each in the file's own type, in their order.

    Raises
    ------
    BadImage
        A plane cannot be read, or holds no numbers.

    """
    with _as_bad_image(path):
        if zarr_stores.is_inside(path):
            pixels = ome_zarr.pixels(str(path), pages)
        elif containers.kind_of(str(path)):
            _here(path)
            pixels = containers.pixels(str(path), pages)
        else:
            file = _here(path)
            if file.suffix.lower() not in _READERS:
                raise BadImage(path, f"{Path(path).suffix or 'no suffix'} is not a kind of image that is read ({', '.join(IMAGES)})")
            pixels = _READERS[file.suffix.lower()](file, [int(page) for page in pages])
    for page, one in zip(pages, pixels, strict=True):
        if one.ndim != 2 or 0 in one.shape:
            raise BadImage(path, f"page {page} has shape {one.shape}, not (height, width)")
        if not (np.issubdtype(one.dtype, np.integer) or np.issubdtype(one.dtype, np.floating)):
            raise BadImage(path, f"pixels are {one.dtype}, not numbers")
    return pixels


@contextmanager
def _as_bad_image(path: Path | str) -> Iterator[None]:
    """What reading raises, as BadImage: of no image where there is no network, and of none where memory is short."""
    try:
        yield
    except (NoConnection, BadImage):
        raise  # of no image, none can be had; or it is said already
    except InputError as error:
        raise BadImage(path, str(error).removeprefix(f"{path} ")) from None
    except KeyError as error:
        raise BadImage(path, f"damaged ({error})") from error
    except Exception as error:  # decoders raise errors of any kind on damaged files, a division by zero too
        if is_memory(error):
            raise  # says nothing of the image
        raise BadImage(path, f"truncated or damaged ({_first_line(error)})") from error


def _here(path: Path | str) -> Path:
    """The file on this machine. Raises BadImage where there is none, or nothing in it; InputError where there is no network."""
    try:
        file = files.local(path)
    except FileNotFoundError:
        raise BadImage(path, "the file is not in the zip") from None
    if not file.exists():
        raise BadImage(path, "the file is missing")
    border.refuse_odd(file)
    if file.is_file() and file.stat().st_size == 0:
        raise BadImage(path, "the file is empty (0 bytes)")
    return file


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


def pages(path: Path | str, /) -> int:
    """How many pages a file has.

    Parameters
    ----------
    path
        Of the file.

    Returns
    -------
    int
        Pages of a TIFF; 1 for what is no TIFF by its name, 0 where it cannot be read.

    """
    if not str(path).lower().endswith(TIFF):
        return 1
    try:
        border.refuse_odd(path)
        with tifffile.TiffFile(path) as file:
            return len(file.pages)
    except Exception as error:
        if is_memory(error):
            raise
        return 0


def _coded(path: Path, pages: Sequence[int]) -> list[Plane]:
    """PNG, JPEG, JPEG 2000: one image; of several samples a pixel (red, green, blue), `page` is the sample."""
    decode = {".png": imagecodecs.png_decode, ".jp2": imagecodecs.jpeg2k_decode}.get(path.suffix.lower(), imagecodecs.jpeg_decode)
    image = np.asarray(decode(path.read_bytes()))
    return [image if image.ndim == 2 else np.asarray(image[..., page]) for page in pages]


def _npz(path: Path, pages: Sequence[int]) -> list[Plane]:
    with np.load(path, allow_pickle=False) as arrays:
        image = arrays[sorted(arrays.files)[0]]
    return [np.asarray(image if image.ndim == 2 else image[page]) for page in pages]


_READERS: Mapping[str, Callable[[Path, Sequence[Any]], list[Plane]]] = {".tif": _tiff, ".tiff": _tiff, ".npz": _npz} | dict.fromkeys(
    (".png", ".jp2", ".jpg", ".jpeg"), _coded
)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]


def stack_shape(path: Path | str, /) -> tuple[int, list[str] | None]:
    """How many planes a TIFF holds, and the names of its channels.

    Names come from OME-XML, from an ImageJ description (`Labels`), or from tifffile's JSON description (`channels`).

    Parameters
    ----------
    path
        Of the file, local or remote.

    Returns
    -------
    count : int
        Planes.
    channels : list[str] | None
        Names as the file gives them; None where it gives none.

    Raises
    ------
    BadImage
        The file cannot be read.

    """
    with _as_bad_image(path), tifffile.TiffFile(_here(path)) as file:
        return len(file.pages), _channel_names(file)


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
