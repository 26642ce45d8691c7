"""OME-Zarr plates made for tests: any axes, any layout, 0.4 and 0.5."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr


def attributes(path: Path, value: Mapping[str, Any], *, version: str) -> None:
    path.mkdir(parents=True, exist_ok=True)
    if version == "0.5":
        whole = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"version": "0.5", **value}}}
        (path / "zarr.json").write_text(json.dumps(whole))
    else:
        (path / ".zgroup").write_text(json.dumps({"zarr_format": 2}))
        (path / ".zattrs").write_text(json.dumps(value))


def image(
    path: Path,
    pixels: npt.NDArray[np.generic],
    axes: str,
    *,
    version: str = "0.5",
    labels: Sequence[str] = (),
    dataset: str = "0",
    shards: tuple[int, ...] | None = None,
) -> Path:
    """One OME-Zarr image."""
    value: dict[str, Any] = {"multiscales": [{"axes": [{"name": axis} for axis in axes], "datasets": [{"path": dataset}]}]}
    if labels:
        value["omero"] = {"channels": [{"label": label} for label in labels]}
    attributes(path, value, version=version)
    chunks = (*(1 for _ in pixels.shape[:-2]), *(max(1, size // 2) for size in pixels.shape[-2:]))
    made = zarr.create_array(
        path / dataset, shape=pixels.shape, chunks=chunks, shards=shards, dtype=pixels.dtype, zarr_format=3 if version == "0.5" else 2
    )
    made[...] = pixels
    return path


def plate(path: Path, wells: Mapping[str, Sequence[Mapping[str, Any]]], *, version: str = "0.5", **more: Any) -> Path:
    """A plate that lists `wells`: path of a well -> its images (`path`, maybe `acquisition`); the images themselves are the test's."""
    attributes(path, {"plate": {"wells": [{"path": well} for well in wells]}, **more}, version=version)
    for well, images in wells.items():
        attributes(path / well, {"well": {"images": [dict(one) for one in images]}}, version=version)
    return path
