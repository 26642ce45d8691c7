"""A small table as pycytominer writes it."""

from __future__ import annotations

import numpy as np
import pandas as pd


def table(rows: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "Metadata_Plate": ["P1"] * (rows // 2) + ["P2"] * (rows - rows // 2),
            "Metadata_Well": [f"A{i + 1:02d}" for i in range(rows)],
            "Metadata_broad_sample": ["BRD-1", "BRD-2", "DMSO"] * (rows // 3),
            "Metadata_control_type": [np.nan, "poscon_cp", "negcon"] * (rows // 3),
            "Cells_Texture_Contrast_Mito_3_00_256": rng.normal(size=rows).astype(np.float32),
            "Nuclei_AreaShape_Area": rng.normal(size=rows).astype(np.float32),
            "Cells_Correlation_Correlation_AGP_DNA": rng.normal(size=rows).astype(np.float32),
        }
    )
