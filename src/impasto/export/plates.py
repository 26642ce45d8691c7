"""A table as a folder of plates, `NAME.plates`, which every verb reads a plate at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anndata

from impasto import profiles as tables
from impasto.export.exporter import Exporter
from impasto.schema import InputError


def _export(profiles: anndata.AnnData, path: Path, _: Mapping[str, Any]) -> str:
    if tables.suffix(path) != ".plates":
        raise InputError(f"{path.name}: a folder of plates is named .plates")
    tables.write(profiles, path)
    return ""


EXPORTER = Exporter(_export, file="profiles.plates")
