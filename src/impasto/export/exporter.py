"""What writes profiles for another program: the contract of the family `exporters`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata

from impasto.dataset import Dataset


@dataclass(frozen=True)
class Exporter:
    """One program.

    Attributes
    ----------
    write
        `write(profiles, path, options)` writes at `path` and returns a sentence for the user, `""` for none.
    file
        The name of the file in the folder of a recipe's stage; `""` where a folder is written.
    options
        Which of `feature_prefix` and `concentration_unit` it reads; the others are refused.
    stream
        `stream(plates, path)` writes a folder of plates in the memory of a plate; None where all are needed at once.

    """

    write: Callable[[anndata.AnnData, Path, Mapping[str, Any]], str]
    file: str = "profiles.parquet"
    options: tuple[str, ...] = ()
    stream: Callable[[Dataset, Path], None] | None = None
