"""A table of wells to split and to put into bags."""

from __future__ import annotations

import pandas as pd


def wells(compounds: int = 30, replicates: int = 4) -> pd.DataFrame:
    rows = [
        {"perturbation": f"c{c}", "plate": f"P{r}", "smiles": "c1ccccc1" + "C" * (c % 5 + 1) if c % 2 else "C1CCNCC1" + "O" * (c % 3 + 1)}
        for c in range(compounds)
        for r in range(replicates)
    ]
    return pd.DataFrame(rows)
