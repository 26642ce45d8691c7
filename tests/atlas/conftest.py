"""Profiles of a few compounds, and their index."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from impasto.atlas import building, index, layout


def wells() -> anndata.AnnData:
    """Twelve compounds on three plates."""
    compounds, plates = 12, 3
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(compounds, 8))
    rows = [
        {
            "plate": f"P{p}",
            "well": f"A{c + 1:02d}",
            "perturbation": f"c{c}",
            "perturbation_name": f"compound {c}",
            "gene": f"G{c // 2}",
            "smiles": "C" * (c + 1),
        }
        for p in range(plates)
        for c in range(compounds)
    ]
    values = np.array([centres[c] + 0.3 * rng.normal(size=8) for _ in range(plates) for c in range(compounds)], dtype=np.float32)
    return anndata.AnnData(X=values, obs=pd.DataFrame(rows).rename(index=str))


@pytest.fixture
def profiles() -> anndata.AnnData:
    """Twelve compounds on three plates, to be changed at will."""
    return wells()


@pytest.fixture
def plain_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Maps of two components: UMAP is long to start, and no search looks at the map."""
    monkeypatch.setattr(layout, "has_umap", lambda: False)


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> index.Index:
    """The index of these profiles, which no test changes."""
    folder = tmp_path_factory.mktemp("atlas") / "index"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(layout, "has_umap", lambda: False)
        building.build(wells(), folder)
    return index.open_index(folder)
