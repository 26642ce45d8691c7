"""Small files of microscopes that no library writes: a Nikon .nd2 and an Olympus .oif, laid out byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt
import tifffile

Pixels = npt.NDArray[np.uint16]
_MAGIC, _NAME = 0x0ABECEDA, 4072
"""What a chunk of an .nd2 begins with, and how long the field of its name is."""


def nd2(path: Path, frames: Pixels, *, positions: Sequence[str], dyes: Sequence[str], depths: int = 1) -> Path:
    """An .nd2 of the second version: chunks of XML and pixels, and a map of where each begins.

    Parameters
    ----------
    path
        Where it is written.
    frames
        (positions, depths, C, H, W).
    positions
        The names of the stage's positions.
    dyes
        The names of the C channels.
    depths
        Planes in depth of a position.

    """
    _, _, count, height, width = frames.shape
    flat = frames.reshape(-1, count, height, width)
    attributes = {"uiWidth": width, "uiHeight": height, "uiWidthBytes": width * count * 2, "uiComp": count, "uiBpcInMemory": 16}
    attributes |= {"uiBpcSignificant": 16, "uiSequenceCount": len(flat), "eCompression": 2}
    light = {"m_ExcitationSpectrum": {"uiCount": 1, "pPoint": {"Point0": {"dTValue": 1.0, "dWavelength": 488.0}}}}
    planes = {
        f"a{n}": {"sDescription": dye, "uiCompCount": 1, "uiSampleIndex": n, "pFluorescentProbe": light} for n, dye in enumerate(dyes)
    }
    metadata = {"bCalibrated": True, "dCalibration": 0.5, "sPicturePlanes": {"uiCount": count, "sPlaneNew": planes}}
    points = {f"p{n}": {"dPosX": float(n), "dPosY": 0.0, "dPosZ": 0.0, "dPosName": name} for n, name in enumerate(positions)}
    loops: dict[str, object] = {"eType": 2, "uLoopPars": {"uiCount": len(points), "Points": points}}
    if depths > 1:
        stack = {"uiCount": depths, "dZLow": 0.0, "dZHigh": float(depths - 1), "dZStep": 1.0, "dZHome": 0.0}
        loops["ppNextLevelEx"] = {"a0": {"eType": 4, "uLoopPars": stack}}
    chunks = {"ImageAttributes!": _xml(attributes), "ImageMetadataSeq|0!": _xml(metadata), "ImageMetadata!": _xml(loops)}
    times = np.arange(len(flat), dtype="<f8").tobytes()
    chunks["CustomData|AcqTimesCache!"] = times
    # Channels lie beside each other in a pixel; eight bytes of the frame's time come first.
    chunks |= {f"ImageDataSeq|{n}!": struct.pack("<d", n) + np.moveaxis(f, 0, -1).astype("<u2").tobytes() for n, f in enumerate(flat)}
    parts = [struct.pack("<IIQ", _MAGIC, 32, 64) + b"ND2 FILE SIGNATURE CHUNK NAME01!" + b"Ver2.1".ljust(64, b"\0")]
    places = b""
    for name, data in chunks.items():
        places += name.encode() + struct.pack("<QQ", sum(map(len, parts)), len(data))
        parts.append(_chunk(name.encode(), data))
    at = sum(map(len, parts))
    end = b"ND2 CHUNK MAP SIGNATURE 0000001!" + struct.pack("<Q", at)
    parts += [_chunk(b"ND2 FILEMAP SIGNATURE NAME 0001!", places + end), end]
    path.write_bytes(b"".join(parts))
    return path


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack("<IIQ", _MAGIC, _NAME, len(data)) + name.ljust(_NAME, b"\0") + data


_TYPES = {bool: "bool", int: "lx_uint32", float: "double", str: "CLxStringW"}


def _xml(values: Mapping[str, object]) -> bytes:
    def node(name: str, value: object) -> str:
        if isinstance(value, Mapping):
            return f'<{name} runtype="CLxListVariant">{"".join(node(str(key), one) for key, one in value.items())}</{name}>'
        return f'<{name} runtype="{_TYPES[type(value)]}" value={quoteattr(str(value))}/>'

    return f"<variant><no_name>{''.join(node(key, value) for key, value in values.items())}</no_name></variant>".encode()


def oif(path: Path, frames: Pixels, *, dyes: Sequence[str], idle: Sequence[int] = ()) -> Path:
    """An .oif and its folder of TIFFs.

    Parameters
    ----------
    path
        Where the main file is written.
    frames
        (C, Z, H, W).
    dyes
        The dyes of the C channels; `""`: the detector's name alone.
    idle
        The numbers, from 1, of the detectors of the program's window that were not switched on.

    """
    channels, depths, height, width = frames.shape
    axes = {"X": width, "Y": height, "C": channels, "Z": depths, "T": 0, "A": 0, "L": 0, "P": 0}
    sections: dict[str, dict[str, object]] = {
        "ProfileSaveInfo": {"Name": '"FluoViewImage"', "Version": '"1.5.0.0"'},
        "Axis Parameter Common": {"AxisCount": 4, "AxisOrder": '"XYCZ"'},
        "Reference Image Parameter": {"ValidBitCounts": 16},
    }
    for number, (axis, size) in enumerate(axes.items()):
        sections[f"Axis {number} Parameters Common"] = {"AxisCode": f'"{axis}"', "MaxSize": size}
    window = [number for number in range(1, channels + len(idle) + 1) if number not in idle]
    for number, (detector, dye) in enumerate(zip(window, dyes, strict=True), start=1):
        named = {"CH Name": f'"CH{detector}"', "DyeName": f'"{dye}"'}
        sections[f"Channel {number} Parameters"] = dict(named)
        sections[f"GUI Channel {detector} Parameters"] = {**named, "CH Activate": 1}
    for detector in idle:
        sections[f"GUI Channel {detector} Parameters"] = {"CH Name": f'"CH{detector}"', "DyeName": '"not used"', "CH Activate": 0}
    lines = [line for name, values in sections.items() for line in (f"[{name}]", *(f"{key}={value}" for key, value in values.items()))]
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-16", newline="")
    folder = path.with_name(f"{path.name}.files")
    folder.mkdir()
    for channel in range(channels):
        for depth in range(depths):
            tifffile.imwrite(folder / f"s_C{channel + 1:03d}Z{depth + 1:03d}.tif", frames[channel, depth])
    return path
