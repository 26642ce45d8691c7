"""A small assay by hand: two plates, four compounds at four doses, controls, images of some wells, and tables of hits."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import tifffile

from impasto.profiles.table import describe_features

FEATURES = [
    f"{compartment}_{group}_{channel}"
    for compartment in ("Cells", "Nuclei")
    for group, channel in (
        ("Intensity_MeanIntensity", "DNA"),
        ("Intensity_MeanIntensity", "ER"),
        ("Texture_Entropy", "DNA_3_00"),
        ("Texture_Entropy", "ER_3_00"),
        ("AreaShape", "Area"),
        ("RadialDistribution_FracAtD", "Mito_1of4"),
    )
]
DOSES = (0.1, 1.0, 10.0, 100.0)
COMPOUNDS = ("=cmd()", "Zürich 5", "aspirin", "ß-blocker<b>")
"""Names as they come: one begins like a formula, one holds a tag."""
SMILES = {"=cmd()": "CCO", "Zürich 5": "CC(=O)Oc1ccccc1C(=O)O", "aspirin": "not a structure", "ß-blocker<b>": None}
PLATES = ("P1", "P2")
CHANNELS = ("DNA", "ER")


def profiles() -> anndata.AnnData:
    """48 wells; the first two compounds act the same way, more at higher doses."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(4, len(FEATURES)))
    directions[1] = directions[0] + 0.1 * rng.normal(size=len(FEATURES))
    rows, values = [], []
    for plate in PLATES:
        for number in range(8):
            rows.append(
                {"plate": plate, "well": f"A{number + 1:02d}", "perturbation": "DMSO", "control_type": "negcon", "spared": number % 2 == 0}
            )
            values.append(rng.normal(size=len(FEATURES)))
        for c, name in enumerate(COMPOUNDS):
            for d, dose in enumerate(DOSES):
                well = {
                    "plate": plate,
                    "well": f"{'BC'[c // 2]}{(c % 2) * 4 + d + 1:02d}",
                    "perturbation": f"id-{c}",
                    "control_type": "trt",
                }
                more = {"perturbation_name": name, "smiles": SMILES[name], "concentration": dose, "moa": "kinase" if c < 2 else None}
                rows.append({**well, **more, "spared": False})
                values.append(directions[c] * (c < 3) * d + rng.normal(size=len(FEATURES)))
    obs = pd.DataFrame(rows).assign(batch="B1", cell_count=np.arange(len(rows)) + 100.0).rename(index=str)
    made = anndata.AnnData(X=np.array(values, dtype=np.float32), obs=obs, var=describe_features(FEATURES))
    made.uns["concentration_unit"] = "µM"
    return made


def field(plate: str, well: str, channel: str) -> np.ndarray:
    """The pixels of one plane, 37 high and 50 wide: different for every plane."""
    seed = int.from_bytes(f"{plate}{well}{channel}".encode(), "big") % 2**32
    return np.random.default_rng(seed).integers(100, 60_000, size=(37, 50)).astype(np.uint16)


def images(folder: Path) -> Path:
    """What ingest leaves: P1 with two control wells and two treated wells, P2 with treated wells alone, one file damaged, one of floats."""
    rows = []
    (folder / "tiffs").mkdir(parents=True)
    for plate, wells in (("P1", ("A01", "A02", "B01", "B02")), ("P2", ("B01",))):
        for well in wells:
            for channel in CHANNELS:
                path = folder / "tiffs" / f"{plate}_{well}_{channel}.tif"
                pixels = field(plate, well, channel)
                tifffile.imwrite(path, pixels / np.float32(1000) if plate == "P2" and channel == "ER" else pixels)
                rows.append((plate, well, "1", channel, str(path), 0))
    (folder / "tiffs" / "P1_B02_ER.tif").write_bytes(b"no image")
    table = pd.DataFrame(rows, columns=["plate", "well", "site", "channel", "path", "page"])
    table.insert(0, "batch", "")
    table.insert(0, "source", "")
    table.to_parquet(folder / "images.parquet", index=False)
    return folder


def hits(folder: Path) -> Path:
    """What `evaluate hits` leaves: the first compound is a hit at its two highest doses and has a curve."""
    folder.mkdir(parents=True)
    rows = []
    for c in range(4):
        for d, dose in enumerate(DOSES):
            hit = c == 0 and d > 1
            p = 0.001 if hit else 0.4 + 0.1 * c
            rows.append(
                {
                    "perturbation": f"id-{c}@{dose:g}",
                    "wells": 2,
                    "plates": 2,
                    "p": p,
                    "q": 2 * p if hit else p,
                    "hit": hit,
                    "reason": "it moves" if hit else "differs too little",
                }
            )
    pd.DataFrame(rows).assign(profiles="profiles").to_parquet(folder / "per_group.parquet")
    curve = {
        "perturbation": "id-0",
        "p_value": 0.002,
        "corrected_p_value": 0.004,
        "curve": True,
        "ec50": 3.0,
        "ec50_low": 1.0,
        "ec50_high": 9.0,
    }
    why = "not distinguished from flat (q = 0.6)"
    flat = {"perturbation": "id-1", "p_value": 0.5, "corrected_p_value": 0.6, "curve": False, "why": why}
    responses = pd.DataFrame([{**curve, "ec50_words": "3", "benchmark_concentration": 2.5, "why": ""}, flat])
    responses.to_parquet(folder / "dose_response.parquet")
    line = pd.DataFrame({"perturbation": "id-0", "concentration": [10.0, 0.1, 1.0], "response": [3.0, 0.0, 1.0]})
    line.assign(low=line["response"] - 0.5, high=line["response"] + 0.5).to_parquet(folder / "dose_curves.parquet")
    points = pd.DataFrame({"perturbation": "id-0", "plate": ["P1", "P2"], "concentration": [1.0, 10.0], "response": [0.9, 3.1]})
    points.to_parquet(folder / "dose_wells.parquet")
    return folder
