"""Reading a table of 50 MB: telling its layout costs little beside reading it, and as text first it would cost several times as much."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.timing import Row, beside
from impasto import profiles, tables

WELLS, FEATURES = 4 * 384, 3_000


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        path = _table(Path(name) / "profiles.csv")
        size = f"{path.stat().st_size / 1e6:.0f} MB"
        yield beside(f"a CSV of {size}", lambda: tables.read(path), lambda: pd.read_csv(path), peer="pandas", aim=1 / 1.2)
        yield beside(f"a CSV of {size} as profiles", lambda: profiles.read(path), lambda: pd.read_csv(path), peer="pandas", aim=1 / 1.5)


def _table(path: Path) -> Path:
    """Four plates of 384 wells with the features of CellProfiler."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(WELLS, FEATURES)).astype(np.float32)
    table = pd.DataFrame(values, columns=[f"Cells_Texture_Contrast_DNA_{i}_00_256" for i in range(FEATURES)])
    table.insert(0, "Metadata_Well", [f"{'ABCDEFGHIJKLMNOP'[i // 24 % 16]}{i % 24 + 1:02d}" for i in range(WELLS)])
    table.insert(0, "Metadata_Plate", [f"000{i // 384}" for i in range(WELLS)])
    table.to_csv(path, index=False)
    return path
