"""A small assay for tests: a table of profiles with planted actives, run by its recipe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from tests.assay.layouts import assay

from impasto import recipe
from impasto.assay import recipe_text


def table(folder: Path, *, active: int = 10, seed: int = 0, features: int = 12, **layout: int) -> Path:
    """Profiles whose first compounds move along a direction of their own."""
    obs = assay(**layout)
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(len(obs), features))
    for number in range(active):
        direction = rng.normal(size=features)
        values[obs["perturbation"] == f"C{number:02d}"] += 6 * direction / np.linalg.norm(direction)
    obs["cell_count"] = np.where(obs["perturbation"] == "C01", 40, 100)
    obs["moa"] = np.where(obs["perturbation"] == "C00", "=evil()", "none")
    named = pd.DataFrame(values, columns=[f"Cells_Texture_F{i}_DNA" for i in range(features)])
    path = folder / "profiles.csv"
    pd.concat([obs.drop(columns="concentration").rename(columns=lambda c: f"Metadata_{c}"), named], axis=1).to_csv(path, index=False)
    return path


def run(folder: Path, **plan: int) -> Path:
    """The folder of the whole assay."""
    source = table(folder, **plan)
    made = recipe_text.stages({"sources": [str(source)]}, kind="profiles", encoder="", dose_unit="", noted=[])
    (folder / "recipe.toml").write_text(recipe_text.text(made, name="a", seed=0, head=""))
    recipe.run(recipe.read(folder / "recipe.toml"), folder / "out")
    return folder / "out"
