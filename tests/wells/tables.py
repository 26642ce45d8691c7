"""A small annotation, written column by column."""

from __future__ import annotations

import pandas as pd


def table(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns).astype({k: "string" for k in columns if k not in ("concentration", "spared")})
