"""One table in impasto's own form: of a folder of plates, or in another format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anndata

from impasto import profiles as tables
from impasto.export.exporter import Exporter
from impasto.profiles import streams


def _export(profiles: anndata.AnnData, path: Path, _: Mapping[str, Any]) -> str:
    tables.write(profiles, path)
    return ""


EXPORTER = Exporter(_export, stream=streams.write)
