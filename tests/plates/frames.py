"""Tables of planes, small and by hand."""

from __future__ import annotations

import pandas as pd

from impasto.plates import planes


def table(**columns: list[object]) -> pd.DataFrame:
    """Planes with a path of their own each, channel DNA, plate P1, well A01, and what is given."""
    count = len(next(iter(columns.values())))
    usual = {
        "path": [f"/images/{n}.tif" for n in range(count)],
        "channel": ["DNA"] * count,
        "plate": ["P1"] * count,
        "well": ["A01"] * count,
    }
    if "name" in columns:
        del usual["path"]
    return planes.table(pd.DataFrame(usual | columns), where="test")
