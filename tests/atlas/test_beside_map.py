"""The index of a map with new wells beside it: the map's wells stay where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.atlas.plates_on_maps import corrected, plates

from impasto.atlas import beside_map, index, layout, map_folder, placing


def test_old_wells_stay_and_new_ones_stand_where_they_were_placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "has_umap", lambda: False)
    corrected(plates(3, seed=0), tmp_path)
    map_folder.pack(tmp_path / "run" / "index", tmp_path / "run" / "c.fitted", tmp_path / "map", licence="CC0-1.0")
    on = map_folder.open_map(tmp_path / "map")
    placed = placing.place(on, plates(2, seed=5, name="N"))
    beside_map.build(on, placed, tmp_path / "both")
    both = index.open_index(tmp_path / "both")
    of_wells = both.rows[both.rows["level"] == "well"]
    assert of_wells["placed"].astype(str).tolist() == ["map"] * 72 + ["new"] * 48
    flat = of_wells[["x", "y"]].to_numpy(dtype=float)
    np.testing.assert_allclose(flat[:72], on.index.rows.iloc[on.wells][["x", "y"]].to_numpy(dtype=float), atol=1e-6)
    np.testing.assert_allclose(flat[72:], placed.positions, atol=1e-6)
    np.testing.assert_allclose(np.asarray(both.vectors[np.arange(72)]), np.asarray(on.index.vectors[on.wells]), atol=1e-6)
    judges = of_wells[of_wells["spared"].astype(str).isin(["yes", "True"])]
    assert len(judges) == 5 * 8
