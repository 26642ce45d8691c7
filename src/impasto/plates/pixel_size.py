"""The side of a pixel in micrometres, as an image or the microscope's index beside it says it.

Read are OME-TIFF (`PhysicalSizeX`), ImageJ's TIFF (a resolution in microns), MetaMorph's TIFF of ImageXpress (`spatial-calibration-x`), and
`ImageResolutionX` of an Opera Phenix's index in the folder of its images.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import tifffile

from impasto import remote
from impasto.failures import is_memory
from impasto.plates.read import TIFF

_PER_MICROMETRE = {"m": 1e6, "mm": 1e3, "µm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "nm": 1e-3, "\\u00b5m": 1.0}
"""Micrometres of one unit of length, by its spellings."""
_NUMBER = r"[0-9.]+(?:[eE][-+]?[0-9]+)?"
_OME = re.compile(rf'PhysicalSizeX="({_NUMBER})"')
_OME_UNIT = re.compile(r'PhysicalSizeXUnit="([^"]+)"')
_METAMORPH = re.compile(rf'id="spatial-calibration-x"[^>]*value="({_NUMBER})"')
_PHENIX = re.compile(rf'<ImageResolutionX Unit="(\w+)">({_NUMBER})<')
_INDEXES = ("Index.idx.xml", "Index.xml", "Index.ref.xml")
_HEAD = 1 << 20
"""So many bytes of an index are looked at: every image in it has the same size."""


def of_image(path: Path | str, /) -> float | None:
    """The side of a pixel of an image.

    Parameters
    ----------
    path
        A file; an address is not looked at.

    Returns
    -------
    float | None
        Micrometres; None where nothing says it.

    """
    if remote.url(str(path)) is not None:
        return None
    file = Path(path)
    size = _of_tiff(file) if file.suffix.lower() in TIFF and file.is_file() else None
    return size if size is not None else _of_index(file.parent)


def _of_tiff(file: Path) -> float | None:
    try:
        with tifffile.TiffFile(file) as opened:
            first: Any = opened.pages[0]
            if opened.is_ome and (match := _OME.search(opened.ome_metadata or "")):
                unit = _OME_UNIT.search(opened.ome_metadata or "")
                return _positive(float(match[1]) * _PER_MICROMETRE.get(unit[1] if unit else "µm", 0.0))
            if match := _METAMORPH.search(first.description):
                return _positive(float(match[1]))
            unit_of_imagej = str((opened.imagej_metadata or {}).get("unit", ""))
            if unit_of_imagej in _PER_MICROMETRE and "XResolution" in first.tags:
                pixels, length = first.tags["XResolution"].value
                return _positive(length / pixels * _PER_MICROMETRE[unit_of_imagej]) if pixels else None
    except Exception as error:  # of a damaged file; reading its pixels says so
        if is_memory(error):
            raise
        return None
    return None


def _of_index(folder: Path) -> float | None:
    for name in _INDEXES:
        path = folder / name
        if path.is_file():
            with path.open(encoding="utf-8", errors="replace") as text:
                match = _PHENIX.search(text.read(_HEAD))
            if match:
                return _positive(float(match[2]) * _PER_MICROMETRE.get(match[1], 0.0))
    return None


def _positive(size: float) -> float | None:
    return size if size > 0 else None
